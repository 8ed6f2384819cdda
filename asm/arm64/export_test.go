package arm64

// For the tests of the package's users.
var (
	Module = module
	Vet    = vet
	Run    = run
)
