package dropblock

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// options are the names of an enumeration's constants, in the order of their values from
// 0. Text encodings and the command's flags use them.
type options struct {
	kind  string // the type
	names []string
}

// name returns the name of constant i, or the type and the number if there is none.
func (o *options) name(i uint8) string {
	if int(i) < len(o.names) {
		return o.names[i]
	}
	return fmt.Sprintf("%s(%d)", o.kind, i)
}

// text returns the name of constant i, or an error if there is none.
func (o *options) text(i uint8) ([]byte, error) {
	if err := o.check(o.kind, i); err != nil {
		return nil, fmt.Errorf("dropblock: %w", err)
	}
	return []byte(o.names[i]), nil
}

// parseOption sets the constant to the one that text names.
func parseOption[E ~uint8](o *options, constant *E, text []byte) error {
	i := slices.Index(o.names, string(text))
	if i < 0 {
		return fmt.Errorf("dropblock: %s is %q, want %s", o.kind, text, orList(o.names))
	}
	*constant = E(i)
	return nil
}

func (o *options) check(field string, i uint8) error {
	if int(i) >= len(o.names) {
		return fmt.Errorf("%s is %s, want %s", field, o.name(i), orList(o.names))
	}
	return nil
}

// orList joins names: "a, b or c".
func orList(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// parseSizes reads integers separated by x.
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
