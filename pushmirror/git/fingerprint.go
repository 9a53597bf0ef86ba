package git

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"

	"git-push-mirror/pushmirror/disk"
)

// maxCompared is the size, in bytes, up to which packed-refs is read.
const maxCompared = 64 << 10

// Fingerprint is a text that changes whenever the branches, the tags or HEAD do. It only reads a
// few files, since asking git takes too long for many repositories: loose refs and a small
// packed-refs by content, a large one by inode, size and time, as git itself does. It is "" if the
// files cannot tell.
func (r *Repository) Fingerprint() string {
	sum := sha256.New()
	err := errors.Join(
		r.addFile(sum, "HEAD"),
		r.addFile(sum, "reftable/tables.list"), // the tables it names never change
		r.addPacked(sum),
		r.addLoose(sum, "refs/heads"),
		r.addLoose(sum, "refs/tags"),
	)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// addFile adds a file's name and content, if it is there.
func (r *Repository) addFile(sum hash.Hash, name string) error {
	content, err := os.ReadFile(filepath.Join(r.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, _ = fmt.Fprintf(sum, "%q %q\n", name, content)
	return err
}

func (r *Repository) addPacked(sum hash.Hash) error {
	info, err := os.Stat(filepath.Join(r.dir, packedRefs))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || info.Size() <= maxCompared {
		return errors.Join(err, r.addFile(sum, packedRefs))
	}
	_, _ = fmt.Fprintf(sum, "%q %s\n", packedRefs, disk.Stamp(info))
	return nil
}

// addLoose adds the files below a folder. Anything else there leads elsewhere: that is an error.
func (r *Repository) addLoose(sum hash.Hash, name string) error {
	return filepath.WalkDir(filepath.Join(r.dir, name), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil && path == filepath.Join(r.dir, name) && errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return errors.ErrUnsupported
		}
		relative, err := filepath.Rel(r.dir, path)
		if err != nil {
			return err
		}
		return r.addFile(sum, relative)
	})
}
