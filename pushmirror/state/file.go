package state

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"git-push-mirror/pushmirror/disk"
)

// durability is what a power failure may do to a file that was replaced.
type durability int

const (
	cached  durability = iota // it is the old one again, or damaged
	whole                     // it is the old one again
	present                   // it is there, maybe damaged
	durable                   // nothing
)

// writeFile replaces the file of that name by one with this content, durably: whoever reads it,
// and whatever happens meanwhile, there is either the old or the new one.
func (d *Dir) writeFile(name string, content []byte) error {
	return d.replace(name, durable, write(content))
}

// write writes this content.
func write(content []byte) func(w *bufio.Writer) error {
	return func(w *bufio.Writer) error {
		_, err := w.Write(content)
		return err
	}
}

// replace is writeFile for content that is made while it is written. What goes wrong with w
// is found at the end.
func (d *Dir) replace(name string, lasts durability, write func(w *bufio.Writer) error) (err error) {
	path := filepath.Join(d.path, name)
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.CreateTemp(d.path, disk.Unfinished+name+"-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	w := bufio.NewWriter(f)
	err = errors.Join(write(w), w.Flush(), d.share(f))
	if err == nil && (lasts == whole || lasts == durable) {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil || lasts == cached || lasts == whole {
		return err
	}
	return disk.Sync(os.Open(d.path))
}

// share gives a new file the mode that the repository's own files have and, when
// root made it in somebody's repository, the owner.
func (d *Dir) share(f *os.File) error {
	if err := f.Chmod(d.mode & 0o666); err != nil {
		return err
	}
	return d.chown(f.Name())
}

func (d *Dir) chown(path string) error {
	if os.Geteuid() != 0 || (d.inode.UID == 0 && d.inode.GID == 0) {
		return nil
	}
	return os.Lchown(path, d.inode.UID, d.inode.GID)
}

// mkdir makes the folder path below the repository with the repository's mode, whatever the umask,
// durably: what is synced in a folder that a power failure takes is lost with it.
func (d *Dir) mkdir(path string) error {
	const unfinished = 0o700 // until it has its owner and mode, which who makes it may be killed before
	err := os.Mkdir(path, unfinished)
	if errors.Is(err, fs.ErrExist) {
		if d.mode&0o022 == 0 && d.inode.UID == os.Geteuid() {
			return nil // nobody but the owner pushes, who may have closed it
		}
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() || info.Mode().Perm() != unfinished || disk.InodeOf(info).UID != os.Geteuid() {
			return nil //nolint:nilerr // who uses the folder will tell
		}
	} else if err != nil {
		return err
	}
	return errors.Join(os.Chmod(path, d.mode), d.chown(path), disk.Sync(os.Open(filepath.Dir(path))))
}
