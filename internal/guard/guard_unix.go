//go:build unix

package guard

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Pages returns a buffer of at least size bytes, rounded up to whole pages,
// between two pages whose every access faults, and a function that gives the
// memory back.
func Pages(size int) (b *Buffer, free func() error, err error) {
	page := unix.Getpagesize()
	size = (size + page - 1) / page * page
	all, err := unix.Mmap(-1, 0, size+2*page, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil, nil, err
	}
	free = func() error { return unix.Munmap(all) }
	mem := all[page : page+size : page+size]
	if err := unix.Mprotect(mem, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		return nil, nil, errors.Join(err, free())
	}
	return newBuffer(mem), free, nil
}
