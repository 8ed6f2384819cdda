package dropblock

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// options are the names of an enumeration's constants, which are also the
// command's, in the order of their values from 0 on.
type options struct {
	kind  string // the type
	names []string
}

// name is the name of a constant, or the type and the number of what is none.
func (o *options) name(i uint8) string {
	if int(i) < len(o.names) {
		return o.names[i]
	}
	return fmt.Sprintf("%s(%d)", o.kind, i)
}

// text is the name of a constant.
func (o *options) text(i uint8) ([]byte, error) {
	if err := o.check(o.kind, i); err != nil {
		return nil, fmt.Errorf("dropblock: %w", err)
	}
	return []byte(o.names[i]), nil
}

// parseOption sets the constant to that of a name.
func parseOption[E ~uint8](o *options, constant *E, text []byte) error {
	i := slices.Index(o.names, string(text))
	if i < 0 {
		return fmt.Errorf("dropblock: %s is %q, want %s", o.kind, text, orList(o.names))
	}
	*constant = E(i)
	return nil
}

// check returns an error if i is the number of no constant.
func (o *options) check(field string, i uint8) error {
	if int(i) >= len(o.names) {
		return fmt.Errorf("%s is %s, want %s", field, o.name(i), orList(o.names))
	}
	return nil
}

// orList joins names as in "a, b or c".
func orList(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// parseSizes reads integers with x between them.
func parseSizes(text string) (sizes []int, err error) {
	for size := range strings.SplitSeq(text, "x") {
		n, err := strconv.ParseUint(size, 10, strconv.IntSize-1)
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, int(n))
	}
	return sizes, nil
}
