//go:build !unix

package guard

import "errors"

// Pages returns an error: this system's pages are not protected.
func Pages(size int) (b *Buffer, free func() error, err error) {
	return nil, nil, errors.ErrUnsupported
}
