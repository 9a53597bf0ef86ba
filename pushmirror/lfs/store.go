package lfs

import (
	"bytes"
	"context"
	"os"
	"path/filepath"

	"git-push-mirror/pushmirror/git"
)

// Store is where a repository keeps its objects.
type Store struct {
	dirs []string // storage folders, the repository's own first
}

// Holds reports whether a repository seems to have large files: there is the folder that git-lfs
// makes, or its own config names another one. It runs no process.
func Holds(repo *git.Repository) bool {
	if info, err := os.Stat(filepath.Join(repo.Dir(), "lfs/objects")); err == nil && info.IsDir() {
		return true
	}
	config, err := os.ReadFile(filepath.Join(repo.Dir(), "config"))
	config = bytes.ToLower(config)
	return err == nil && bytes.Contains(config, []byte("[lfs")) && bytes.Contains(config, []byte("storage"))
}

// Open finds the store of a repository: the folder that lfs.storage names, else lfs, and those
// of the repositories whose objects it borrows, as git-lfs finds them.
func Open(ctx context.Context, repo *git.Repository) (Store, error) {
	settings, err := repo.Settings(ctx, `^lfs\.storage$`)
	if err != nil {
		return Store{}, err
	}
	own := "lfs"
	for _, s := range settings {
		own = s.Value
	}
	if !filepath.IsAbs(own) {
		own = filepath.Join(repo.Dir(), own)
	}
	s := Store{dirs: []string{own}}
	for _, objects := range repo.Alternates() {
		s.dirs = append(s.dirs, filepath.Join(filepath.Dir(objects), "lfs"))
	}
	return s, nil
}

// Locate returns the path of an object; "" if it is missing or its size is not the pointer's.
func (s Store) Locate(p Pointer) string {
	for _, dir := range s.dirs {
		path := git.LFSPath(dir, p.OID)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() == p.Size {
			return path
		}
	}
	return ""
}
