package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// UnreadableError tells of branches and tags, or folders of them, that are there and cannot be
// read: a power failure has emptied them or what they lead to, or they are somebody else's.
type UnreadableError struct {
	Dir   string   // the repository
	Names []string // as refs/heads/main; not all, of many
}

// Error implements error. It names ten.
func (e *UnreadableError) Error() string {
	names, more := e.Names, ""
	if len(names) > 10 {
		names, more = names[:10], fmt.Sprintf(", and %d more", len(names)-10)
	}
	return "cannot be read in this repository: " + strings.Join(names, ", ") + more
}

// Hint says how to find out what is wrong.
func (e *UnreadableError) Hint() string {
	return fmt.Sprintf("run git -C %s fsck, and let the user who mirrors read all that is below refs", ShellQuote(e.Dir))
}

// unreadable is an *UnreadableError of what cannot be read, nil if all can: for-each-ref warns of a
// ref that is damaged, and leaves out without a word what it may not look into.
func (r *Repository) unreadable(warnings string) error {
	failed := &UnreadableError{Dir: r.dir}
	for line := range strings.Lines(warnings) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "warning: ignoring broken ref "); ok && r.damaged(name) {
			failed.Names = append(failed.Names, name)
		}
	}
	for _, name := range []string{"refs/heads", "refs/tags"} {
		_ = filepath.WalkDir(filepath.Join(r.dir, name), func(path string, _ fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrPermission) {
				failed.Names = append(failed.Names, strings.TrimPrefix(path, r.dir+"/"))
			}
			return nil
		})
	}
	if failed.Names == nil {
		return nil
	}
	return failed
}

// damaged reports whether a ref's file has no object id in it. To git, one is broken too that
// somebody deletes while the refs are listed.
func (r *Repository) damaged(name string) bool {
	content, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	oid, err := ParseOID(strings.TrimSpace(string(content)))
	return err != nil || oid.isZero()
}
