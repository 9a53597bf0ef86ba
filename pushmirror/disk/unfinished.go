package disk

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Unfinished begins the names of what is about to get its own, or to replace another.
const Unfinished = ".new-"

// Sweep removes from a folder what somebody who was killed left unfinished there; what is being
// made is younger. It takes what opening the folder gave, and closes it.
func Sweep(folder *os.Root, err error) {
	if err != nil {
		return
	}
	defer folder.Close()
	entries, _ := fs.ReadDir(folder.FS(), ".")
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), Unfinished) {
			continue
		}
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = folder.Remove(entry.Name())
		}
	}
}

// Sync has the names in a folder outlive a power failure. It takes what opening the folder gave,
// and closes it.
func Sync(folder *os.File, err error) error {
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
