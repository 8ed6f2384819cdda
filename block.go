package dropblock

import "fmt"

// Block is the size of a block in cells of the feature map, one number an
// axis.
type Block struct {
	_ struct{} // Field names are required: new fields will come.

	H, W int
}

// Square returns a block of b rows and b columns.
func Square(b int) Block { return Block{H: b, W: b} }

// Rect returns a block of h rows and w columns.
func Rect(h, w int) Block { return Block{H: h, W: w} }

func (b Block) String() string { return fmt.Sprintf("%dx%d", b.H, b.W) }

func (b Block) check() error {
	for _, axis := range []struct {
		name string
		size int
	}{{"H", b.H}, {"W", b.W}} {
		if axis.size < 1 {
			return fmt.Errorf("Block.%s is %d, want 1 or more", axis.name, axis.size)
		}
	}
	return nil
}
