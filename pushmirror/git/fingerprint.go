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

// maxCompared is up to which size packed-refs is read, in bytes.
const maxCompared = 64 << 10

// Fingerprint is a text that is another one when the branches, the tags or HEAD have changed, at
// the price of looking at a few files: for many repositories, where asking git takes too long.
// Loose refs are compared as they are, and so is a small packed-refs. For a large one its inode,
// size and times have to do, which is what git itself goes by. "" when that cannot be relied on
// here.
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

// addFile adds a file's content, or that it is not there.
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

// addLoose adds the files in a folder. What is neither a file nor a folder leads elsewhere.
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
