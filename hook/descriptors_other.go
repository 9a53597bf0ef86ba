//go:build !linux

package hook

// keepAllDescriptors does nothing; only Linux can.
func keepAllDescriptors() bool { return false }
