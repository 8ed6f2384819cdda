package dropblock

// element is a type of the elements of a feature map. Kernels take it as data, with
// pointers: the code from the exported functions to them is then one for all types.
type element uint8

const (
	elementFloat32 element = iota
	elementFloat64
)
