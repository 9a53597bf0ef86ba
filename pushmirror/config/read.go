package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/git"
)

const (
	systemVariable    = "PUSH_MIRROR_CONFIG"
	defaultSystemFile = "/etc/push-mirror/config.toml"
)

// RepositoryFile is a repository's own config, and RepositoryFolder has a file for each remote that
// remote add made: both in its GIT_DIR.
const (
	RepositoryFile   = "push-mirror.toml"
	RepositoryFolder = "push-mirror.d"
)

// largest is far more than a config needs, and little enough to read in full when
// the file is something else.
const largest = 1 << 20 // bytes

// Places are where the config is looked for: the system file, and the repository's own file
// and folder; "" for one that is not looked for.
func (s Sources) Places() (system, own, folder string) {
	if s.Repository != "" {
		own, folder = filepath.Join(s.Repository, RepositoryFile), filepath.Join(s.Repository, RepositoryFolder)
	}
	return s.System, own, folder
}

// read returns the files that s names and that exist, in the order in which
// they are read, and when they last changed.
func (s Sources) read() (files []*file, newest time.Time) {
	switch {
	case s.System == "":
	case !filepath.IsAbs(s.System):
		files = append(files, unreadable(s.System,
			"the system file is named by a relative path, which means another file in each folder",
			"write its absolute path in $"+systemVariable))
	default:
		files = append(files, readFile(s.System, true, s.SystemRequired))
	}
	if _, path, folder := s.Places(); path != "" && allowsOwn(files) {
		own := []*file{readFile(path, false, false)}
		if s.Text != "" {
			own[0] = readText(path, s.Text)
		}
		var more []*file
		more, newest = readFolder(folder, s.Instead)
		own = append(own, more...)
		s.checkOwners(own)
		files = append(files, own...)
	}
	files = slices.DeleteFunc(files, func(f *file) bool { return f == nil })
	for _, f := range files {
		if f.modified.After(newest) {
			newest = f.modified
		}
	}
	return files, newest
}

// allowsOwn reports whether the system file lets repositories have files of their own. One
// with faults lets nothing count anyway.
func allowsOwn(files []*file) bool {
	for _, f := range files {
		if f != nil && f.system {
			return get[bool](settings(f.tables[inPolicy]), "repository_config")
		}
	}
	return true
}

// checkOwners refuses files that belong neither to the user who runs us nor to root, unless
// the repository is trusted: they can name programs to run.
func (s Sources) checkOwners(own []*file) {
	for _, f := range own {
		if f == nil || f.info == nil {
			continue
		}
		uid := disk.InodeOf(f.info).UID
		if uid == os.Geteuid() || uid == 0 || (s.Trusted != nil && s.Trusted()) {
			continue
		}
		f.faults = Errors{{
			File: f.name, Message: fmt.Sprintf("this belongs to user %d, and may not say what is run here", uid),
			Hint: "give it to the user who runs git-push-mirror (chown), or trust the repository: " +
				"git config --global --add safe.directory " + git.ShellQuote(s.Repository),
		}}
	}
}

// CheckPrivate checks that nobody can get at a file with a secret but those who may: nobody
// else on the machine and, when the running user owns it, no group either. That is ssh's
// rule for private keys, so a file of root's may be readable by a group. Otherwise it
// returns an *Error with the command that mends it.
func CheckPrivate(path string, info fs.FileInfo) error {
	if e := checkPrivate(path, info); e != nil {
		return e
	}
	return nil
}

func checkPrivate(path string, info fs.FileInfo) *Error {
	mode := info.Mode().Perm()
	who, change := "others", "o-rwx"
	switch {
	case disk.InodeOf(info).UID == os.Geteuid() && mode&0o077 != 0:
		change = "go-rwx"
		if mode&0o007 == 0 {
			who = "its group"
		}
	case mode&0o007 != 0:
	default:
		return nil
	}
	return &Error{
		File: path, Message: fmt.Sprintf("this holds a secret, and %s can get at it (mode %04o)", who, mode),
		Hint: fmt.Sprintf("chmod %s %s", change, git.ShellQuote(path)),
	}
}

// readFile reads and parses one file. It returns nil if there is none and none
// is required.
func readFile(name string, system, required bool) *file {
	text, info, err := slurp(name)
	if errors.Is(err, fs.ErrNotExist) && !required && !dangling(name) {
		return nil
	}
	if err != nil {
		f := unreadableFile(name, err)
		if required && errors.Is(err, fs.ErrNotExist) {
			f.faults[0].Hint = "create it, or unset $" + systemVariable + ", which names it"
		}
		return f
	}
	f := &file{name: name, system: system, info: info, modified: ModifiedAt(info)}
	f.parse(text)
	if f.holdsSecret() {
		if e := checkPrivate(name, info); e != nil {
			f.faults = append(f.faults, e)
		}
	}
	return f
}

// readText parses a text that counts in place of a file.
func readText(name, text string) *file {
	f := &file{name: name}
	f.parse(text)
	return f
}

// errTooLarge and errNotRegular are what a config file cannot be.
var (
	errTooLarge   = errors.New("larger than 1 MiB")
	errNotRegular = errors.New("no regular file")
)

func slurp(name string) (text string, info fs.FileInfo, err error) {
	// Opening a pipe would wait for its writer, and the pusher with it.
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	// The time comes before the text: if the file is changed in between, it is
	// found to be newer at the next look, and read again.
	info, err = f.Stat()
	if err != nil {
		return "", nil, err
	}
	if !info.Mode().IsRegular() {
		return "", nil, errNotRegular
	}
	bytes, err := io.ReadAll(io.LimitReader(f, largest+1))
	if err != nil {
		return "", nil, err
	}
	if len(bytes) > largest {
		return "", nil, errTooLarge
	}
	return string(bytes), info, nil
}

// dangling reports whether name is a link to nowhere. Somebody wants a config
// to be there, so it does not count as having none.
func dangling(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// readFolder reads the config files in a folder, or the texts that count
// instead, in the order of their names, and tells when one of them last came or
// went. No folder is as good as an empty one.
func readFolder(name string, instead map[string]string) (files []*file, changed time.Time) {
	entries, err := os.ReadDir(name)
	if err == nil {
		var info fs.FileInfo
		if info, err = os.Stat(name); err == nil {
			changed = ModifiedAt(info)
		}
	} else if errors.Is(err, fs.ErrNotExist) && !dangling(name) {
		err = nil
	}
	if err != nil {
		return []*file{unreadableFile(name, err)}, time.Time{}
	}
	names := slices.Collect(maps.Keys(instead))
	for _, entry := range entries {
		// Editors keep their drafts in hidden files.
		if _, has := instead[entry.Name()]; !has && strings.HasSuffix(entry.Name(), ".toml") && !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, entry.Name())
		}
	}
	slices.Sort(names)
	for _, base := range names {
		path := filepath.Join(name, base)
		if text, has := instead[base]; has {
			files = append(files, readText(path, text))
			continue
		}
		files = append(files, readFile(path, false, false))
	}
	return files, changed
}

// draftPath is the file of the remote of that name in push-mirror.d.
func (s Sources) draftPath(name string) string {
	return filepath.Join(s.Repository, RepositoryFolder, DraftName(name))
}

// unreadable is a file of which there is nothing to tell but its fault.
func unreadable(name, message, hint string) *file {
	return &file{name: name, faults: Errors{{File: name, Message: message, Hint: hint}}}
}

func unreadableFile(name string, err error) *file {
	hint := "put a config file in its place, or take it away"
	switch {
	case errors.Is(err, fs.ErrPermission):
		hint = "let the user who runs git-push-mirror read it, and enter the folders it is in"
	case errors.Is(err, fs.ErrNotExist):
		hint = "create it, or remove the link that names it"
	case errors.Is(err, syscall.ENOTDIR):
		hint = "put a folder in place of what is none"
	}
	f := unreadable(name, "this cannot be read as a config: "+reason(err), hint)
	f.faults[0].cause = err
	return f
}

// Changed is when a file of the config was last changed in any way, or one came or went, without
// reading any; zero if there is none. Another time means another config.
func Changed(s Sources) time.Time {
	system, own, folder := s.Places()
	names := []string{system, own, folder}
	entries, _ := os.ReadDir(folder) // one that cannot be read is told of by Load
	for _, entry := range entries {
		names = append(names, filepath.Join(folder, entry.Name()))
	}
	return NewestChange(names)
}

// ModifiedAt is when a file was modified. A time that lies ahead, of another machine or of a clock
// that was wrong, would make it newer than all that is done until then: in its place it is when the
// file last changed here in any way, and the zero Time if that lies ahead too.
func ModifiedAt(info fs.FileInfo) time.Time {
	const skew = time.Minute // how far the clocks of two machines may be apart
	limit := time.Now().Add(skew)
	for _, t := range []time.Time{info.ModTime(), disk.InodeOf(info).Changed} {
		if !t.After(limit) {
			return t
		}
	}
	return time.Time{}
}

// NewestChange is when one of the files was last changed in any way; zero if there are none. What
// is put in the place of another may be older than that, and chmod does not count as a
// modification.
func NewestChange(files []string) (newest time.Time) {
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			continue
		}
		for _, t := range []time.Time{info.ModTime(), disk.InodeOf(info).Changed} {
			if t.After(newest) {
				newest = t
			}
		}
	}
	return newest
}
