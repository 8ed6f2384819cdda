module github.com/dropblock-go/dropblock

go 1.26

require (
	github.com/stretchr/testify v1.12.1
	golang.org/x/sys v0.49.0
)
