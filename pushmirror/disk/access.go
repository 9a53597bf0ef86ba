package disk

import (
	"fmt"
	"syscall"
)

// MayWrite tells what keeps us from writing to a file or into a folder; nil: nothing.
func MayWrite(path string) error {
	const writable = 2 // W_OK of access(2)
	if err := syscall.Access(path, writable); err != nil {
		return fmt.Errorf("writing to %s: %w", path, err)
	}
	return nil
}
