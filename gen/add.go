package main

func add(a *amd64) { a.scaled(scaled{dropped: "dst", add: true}) }
