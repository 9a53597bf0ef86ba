//go:build !linux

package config

import (
	"io/fs"
	"syscall"
	"time"
)

// inodeChanged is when a file last got another content, owner, mode or name; zero if that is not known.
func inodeChanged(info fs.FileInfo) time.Time {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}
	}
	return time.Unix(stat.Ctimespec.Unix())
}
