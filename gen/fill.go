package main

func fill(a *amd64)       { a.scaled(scaled{dropped: "fill"}) }
func fillStream(a *amd64) { a.scaled(scaled{dropped: "fill", stream: true}) }
