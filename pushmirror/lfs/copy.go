package lfs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/git"
)

// Copy brings objects, the path of each by its id, to a mirror on this machine. It returns those
// that did not arrive, by id; its only error is that ctx is done. It does without git-lfs, which
// would turn a file that it gets as a link into a link on the mirror (git-lfs 3.3,
// tools.LinkOrCopy).
func Copy(ctx context.Context, files map[string]string, to Store) (map[string]Failure, error) {
	failed := map[string]Failure{}
	for oid, file := range files {
		if err := to.put(ctx, oid, file); ctx.Err() != nil {
			return failed, ctx.Err()
		} else if errors.Is(err, errDamaged) {
			failed[oid] = Failure{Reason: err.Error(), Hint: "bring it back from a clone or a backup: " + file}
		} else if err != nil {
			failed[oid] = Failure{Reason: err.Error(), Temporary: true}
		}
	}
	return failed, nil
}

var errDamaged = errors.New("it is damaged here")

// put copies a file to where its object belongs, as a whole or not at all, so that it outlives a
// power failure. An object that is there already stays.
func (s Store) put(ctx context.Context, oid, file string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("copying it: %w", err)
		}
	}()
	from, err := os.Open(file)
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	path := git.LFSPath(s.dirs[0], oid)
	if there, err := os.Stat(path); err == nil && there.Size() == info.Size() {
		return nil
	}
	// Who else may read and write there is for the umask to say, as it is for the refs that git
	// writes.
	part := filepath.Join(s.dirs[0], "tmp", disk.TempName(oid+".")) // where git-lfs clears up
	for _, dir := range []string{filepath.Dir(path), filepath.Dir(part)} {
		if err := os.MkdirAll(dir, 0o777); err != nil { //nolint:gosec // see above
			return err
		}
	}
	to, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o666) //nolint:gosec // see above
	if err != nil {
		return err
	}
	sum := sha256.New()
	defer context.AfterFunc(ctx, func() { _ = from.Close() })() // which ends the copying
	_, err = io.Copy(io.MultiWriter(to, sum), from)
	if err == nil && hex.EncodeToString(sum.Sum(nil)) != oid {
		err = errDamaged
	}
	if err = errors.Join(err, to.Sync(), to.Close()); err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return disk.Sync(os.Open(filepath.Dir(path)))
}
