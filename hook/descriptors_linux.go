package hook

import (
	"math"

	"golang.org/x/sys/unix"
)

// keepAllDescriptors does for keepDescriptors what one call of Linux 5.11 can; false if it cannot.
func keepAllDescriptors() bool {
	return unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) == nil
}
