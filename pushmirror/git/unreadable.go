package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"git-push-mirror/pushmirror/disk"
)

// UnreadableError tells of branches and tags, or folders of them, that are there and cannot be
// read: a power failure has emptied them or what they lead to, or they are somebody else's.
type UnreadableError struct {
	Dir   string   // the repository
	Names []string // as refs/heads/main, or packed-refs; not all, of many
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
	if slices.Contains(e.Names, packedRefs) {
		file := ShellQuote(filepath.Join(e.Dir, packedRefs))
		return fmt.Sprintf("%s is empty, as after a power failure: bring it back; if no branch or tag is missing, rm %s", file, file)
	}
	return fmt.Sprintf("run git -C %s fsck, and let the user who mirrors read all that is below refs", ShellQuote(e.Dir))
}

// packedRefs is the file in which git has most refs.
const packedRefs = "packed-refs"

// unlisted finds what for-each-ref, which listed refs, left out: symbolic refs that lead nowhere,
// returned without an object id, and what cannot be read, in an *UnreadableError. Git warns only of
// damaged refs; it says nothing of the others.
func (r *Repository) unlisted(refs Refs, warnings string) (symbolic Refs, err error) {
	failed := &UnreadableError{Dir: r.dir}
	// Git writes a line into it also where no ref is packed.
	if info, err := os.Lstat(filepath.Join(r.dir, packedRefs)); err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		failed.Names = append(failed.Names, packedRefs)
	}
	for line := range strings.Lines(warnings) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "warning: ignoring broken ref "); ok && r.damaged(name) {
			failed.Names = append(failed.Names, name)
		}
	}
	for _, name := range []string{"refs/heads", "refs/tags"} {
		_ = filepath.WalkDir(filepath.Join(r.dir, name), func(path string, entry fs.DirEntry, err error) error {
			name := strings.TrimPrefix(path, r.dir+"/")
			if errors.Is(err, fs.ErrPermission) {
				failed.Names = append(failed.Names, name)
			}
			if err != nil || entry.IsDir() {
				return nil
			}
			if _, listed := refs.Get(RefName(name)); listed {
				return nil
			}
			if target, ok := symbolicIn(path, entry); ok {
				symbolic = append(symbolic, Ref{Name: RefName(name), Symref: target})
			}
			return nil
		})
	}
	if failed.Names != nil {
		err = failed
	}
	return symbolic, err
}

// symbolicIn is where a ref's file leads, if it has another ref's name in it, or is a link to its
// file, as once they were.
func symbolicIn(path string, entry fs.DirEntry) (target RefName, ok bool) {
	if entry.Type()&fs.ModeSymlink != 0 {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return "", false // git lists the refs in there
		}
		to, err := os.Readlink(path)
		return RefName(to), err == nil && to != ""
	}
	content, err := disk.ReadRegular(path, maxRefFile)
	to, ok := strings.CutPrefix(content, "ref:")
	to = strings.TrimSpace(to)
	return RefName(to), ok && err == nil && to != ""
}

// damaged reports whether a ref's file is there without an object id in it. Git also warns of a ref
// that somebody deletes while it lists them.
func (r *Repository) damaged(name string) bool {
	content, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	oid, err := ParseOID(strings.TrimSpace(string(content)))
	return err != nil || oid.isZero()
}
