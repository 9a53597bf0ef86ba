package disk

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"
)

// Unfinished begins the temporary names of files and folders that are still being made.
const Unfinished = ".new-"

// TempName is a temporary name that begins so, and that nothing else has.
func TempName(begin string) string { return begin + strconv.FormatUint(rand.Uint64(), 36) }

// Durability is what a power failure may do to a file that has just been replaced.
type Durability int

// The durabilities.
const (
	Cached  Durability = iota // the old one may be back, or the new one be damaged
	Whole                     // the old one may be back
	Present                   // the new one may be damaged
	Durable                   // nothing
)

// Replace puts a file in place of the one that has the name, if any: whatever happens, readers find
// either the old or the new one. Write writes its content and need not look at the errors of w;
// share sets its owner and mode, which are ours and 0600 until then.
func Replace(folder *os.Root, name string, lasts Durability, write func(w *bufio.Writer) error, share func(*os.File) error) error {
	temp := TempName(Unfinished)
	f, err := folder.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("%s: %w", folder.Name(), err)
	}
	w := bufio.NewWriter(f)
	err = errors.Join(write(w), w.Flush(), share(f))
	if err == nil && (lasts == Whole || lasts == Durable) {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = folder.Rename(temp, name)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", folder.Name(), errors.Join(err, folder.Remove(temp)))
	}
	if lasts == Cached || lasts == Whole {
		return nil
	}
	return Sync(folder.Open("."))
}

// Text is a content for Replace.
func Text(text string) func(w *bufio.Writer) error {
	return func(w *bufio.Writer) error {
		_, err := w.WriteString(text)
		return err
	}
}

// Sweep removes what a killed process left unfinished in a folder, an hour ago or earlier: what is
// younger may still be being made. It takes what opening the folder returned, and closes it.
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

// Sync makes the names in a folder outlive a power failure. It takes what opening the folder
// returned, and closes it.
func Sync(folder *os.File, err error) error {
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
