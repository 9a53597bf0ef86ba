package install

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// kind is whose a hook is.
type kind int

const (
	absent  kind = iota
	ours         // written by us
	program      // a link to the program, or a copy of it
	calling      // somebody's own, which runs the program
	changed      // written by us and changed by somebody, so that it runs the program no more
	foreign      // somebody's, which does not
	odd          // no file and no link
)

// found is what there is under the name of a hook.
type found struct {
	kind   kind
	info   fs.FileInfo
	target string // of a link
	text   []byte // what it says, of links too; nil if it cannot be read
}

// look tells what a name in the repository stands for.
func (t *tree) look(name string) (found, error) {
	info, err := t.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return found{kind: absent}, nil
	}
	if err != nil {
		return found{}, err
	}
	f := found{kind: foreign, info: info}
	path := filepath.Join(t.dir, name)
	link := info.Mode().Type() == fs.ModeSymlink
	if link {
		if f.target, err = t.root.Readlink(name); err != nil {
			return found{}, err
		}
	} else if !info.Mode().IsRegular() {
		f.kind = odd
		return f, nil
	}
	f.text, _ = readRegular(path)
	written, unchanged := isScript(f.text)
	switch {
	case written && unchanged && !link: // a link leads to one that serves others, too
		f.kind = ours
	case written && stillRuns(f.text):
		f.kind = calling
	case written:
		f.kind = changed
	case isProgram(path), link && deadLink(path, f.target):
		f.kind = program
	case runsUs(f.text):
		f.kind = calling
	}
	return f, nil
}

// lookBoth looks at the hook that git runs, and at the one that ours runs.
func (t *tree) lookBoth() (there, former found, err error) {
	if there, err = t.look(plainHook); err == nil {
		former, err = t.look(formerHook)
	}
	return there, former, err
}

// isOurs reports whether the hook may be replaced and taken out.
func (f found) isOurs() bool { return f.kind == ours || f.kind == program }

// theirs reports whether the hook is somebody's, whatever it runs.
func (f found) theirs() bool { return f.kind == foreign || f.kind == calling || f.kind == changed }

// same reports whether two names stand for the same hook: for one file, for files alike, or
// for links to the same place.
func same(a, b found) bool {
	switch {
	case os.SameFile(a.info, b.info):
		return true
	case a.info.Mode() != b.info.Mode():
		return false
	case a.target != "":
		return a.target == b.target
	}
	return a.text != nil && b.text != nil && a.info.Size() == b.info.Size() && a.info.Size() < maxScript && bytes.Equal(a.text, b.text)
}
