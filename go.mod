module github.com/dropblock-go/dropblock

go 1.26
