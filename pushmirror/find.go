package pushmirror

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
)

// BareRepositories lists the bare repositories in the folder root and below, in order. It
// looks into no repository and follows no link, unless root itself is one. Folders that
// cannot be read are in failed, with the reason. Its error tells that ctx is done.
func BareRepositories(ctx context.Context, root string) (dirs []string, failed map[string]error, err error) {
	failed = map[string]error{}
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			failed[path] = err
			return fs.SkipDir
		case !entry.IsDir():
			return nil
		case entry.Name() == ".git" && path != root:
			return fs.SkipDir // of a work tree
		case isRepository(path):
			dirs = append(dirs, path)
			return fs.SkipDir
		}
		return nil
	})
	return dirs, failed, err
}

func isRepository(dir string) bool {
	if _, err := os.Lstat(filepath.Join(dir, "commondir")); err == nil {
		return false // it leads to another one
	}
	for _, part := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, part)); err != nil {
			return false
		}
	}
	return true
}
