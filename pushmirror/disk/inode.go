// Package disk does with files what package os leaves to the operating system or to its callers:
// it replaces them as a whole, reads them where others may write, and tells one from another.
package disk

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Inode is what a system knows of a file beyond [fs.FileInfo].
type Inode struct {
	Device, Number uint64    // together they tell it from every other file on this machine
	Links          uint64    // the number of its names
	UID, GID       int       // its owner and group
	Changed        time.Time // when its content, owner, mode or name last changed (ctime)
}

// InodeOf returns what the system knows of a file. Where it does not tell, the file counts as ours,
// and the rest is zero.
func InodeOf(info fs.FileInfo) Inode {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Inode{UID: os.Geteuid(), GID: os.Getegid()}
	}
	return Inode{
		Device: uint64(stat.Dev), Number: stat.Ino, Links: uint64(stat.Nlink), // of other sizes elsewhere
		UID: int(stat.Uid), GID: int(stat.Gid),
		Changed: changed(stat),
	}
}

// Stamp differs between a file and any that replaces it, and from what it was before it was written
// to: its inode, size and time.
func Stamp(info fs.FileInfo) string {
	return fmt.Sprintf("%d %d %d", InodeOf(info).Number, info.Size(), info.ModTime().UnixNano())
}

// Same reports whether two paths lead to the same file or folder, through whatever links.
func Same(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
