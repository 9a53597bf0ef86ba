package disk

import (
	"fmt"
	"syscall"
)

// MayWrite returns why we may not write to a file or into a folder, by access(2); nil if we may.
func MayWrite(path string) error {
	const writable = 2 // W_OK of access(2)
	if err := syscall.Access(path, writable); err != nil {
		return fmt.Errorf("writing to %s: %w", path, err)
	}
	return nil
}
