//go:build !linux

package git

// contactOf would tell how far the processes of a session have come; only Linux does.
// Elsewhere a silent mirror is one that makes no progress.
func contactOf(int) contact { return answered }
