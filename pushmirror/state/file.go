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

// replace replaces the file of that name, as [disk.Replace] does.
func (d *Dir) replace(name string, lasts disk.Durability, write func(w *bufio.Writer) error) error {
	folder, err := os.OpenRoot(d.path)
	if err != nil {
		return err
	}
	defer folder.Close()
	if info, err := folder.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", filepath.Join(d.path, name))
	}
	return disk.Replace(folder, name, lasts, write, d.share)
}

// share gives a new file the mode of the repository's own files and, if root made it in somebody
// else's repository, their ownership.
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

// mkdir makes a folder with the repository's mode, whatever the umask, and syncs its name: if a
// power failure took the folder, all that was synced in it would go too.
func (d *Dir) mkdir(path string) error {
	const unfinished = 0o700 // until it has its owner and mode: whoever makes it may be killed before
	err := os.Mkdir(path, unfinished)
	if errors.Is(err, fs.ErrExist) {
		if d.mode&0o022 == 0 && d.inode.UID == os.Geteuid() {
			return nil // only the owner pushes, and may have closed it to others
		}
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() || info.Mode().Perm() != unfinished || disk.InodeOf(info).UID != os.Geteuid() {
			return nil //nolint:nilerr // whoever uses the folder will report it
		}
	} else if err != nil {
		return err
	}
	return errors.Join(os.Chmod(path, d.mode), d.chown(path), disk.Sync(os.Open(filepath.Dir(path))))
}
