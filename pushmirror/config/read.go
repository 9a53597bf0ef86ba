package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	systemVariable    = "PUSH_MIRROR_CONFIG"
	defaultSystemFile = "/etc/push-mirror/config.toml"
	repositoryFile    = "push-mirror.toml"
	repositoryFolder  = "push-mirror.d"
)

// largest is far more than a config needs, and little enough to read when what
// stands in its place is no config.
const largest = 1 << 20 // bytes

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
	if s.Own && s.Repository != "" {
		files = append(files, readFile(filepath.Join(s.Repository, repositoryFile), false, false))
		var more []*file
		more, newest = readFolder(filepath.Join(s.Repository, repositoryFolder))
		files = append(files, more...)
	}
	files = slices.DeleteFunc(files, func(f *file) bool { return f == nil })
	for _, f := range files {
		if f.modified.After(newest) {
			newest = f.modified
		}
	}
	return files, newest
}

// readFile reads and parses one file. It returns nil if there is none and none
// is required.
func readFile(name string, system, required bool) *file {
	text, modified, err := slurp(name)
	if errors.Is(err, fs.ErrNotExist) && !required && !dangling(name) {
		return nil
	}
	if err != nil {
		return unreadableFile(name, err)
	}
	f := &file{name: name, system: system, modified: modified}
	f.parse(text)
	return f
}

// errTooLarge and errNotRegular are what a config file cannot be.
var (
	errTooLarge   = errors.New("larger than 1 MiB")
	errNotRegular = errors.New("no regular file")
)

func slurp(name string) (text string, modified time.Time, err error) {
	// Opening a pipe would wait for its writer, and the pusher with it.
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", time.Time{}, err
	}
	defer f.Close()
	// The time comes before the text: if the file is changed in between, it is
	// found to be newer at the next look, and read again.
	info, err := f.Stat()
	if err != nil {
		return "", time.Time{}, err
	}
	if !info.Mode().IsRegular() {
		return "", time.Time{}, errNotRegular
	}
	bytes, err := io.ReadAll(io.LimitReader(f, largest+1))
	if err != nil {
		return "", time.Time{}, err
	}
	if len(bytes) > largest {
		return "", time.Time{}, errTooLarge
	}
	return string(bytes), info.ModTime(), nil
}

// dangling reports whether name is a link to nowhere. Somebody wants a config
// to be there, so it does not count as having none.
func dangling(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// readFolder reads the config files in a folder, in the order of their names,
// and tells when one of them last came or went. No folder is as good as an
// empty one.
func readFolder(name string) (files []*file, changed time.Time) {
	entries, err := os.ReadDir(name)
	if errors.Is(err, fs.ErrNotExist) && !dangling(name) {
		return nil, time.Time{}
	}
	var info fs.FileInfo
	if err == nil {
		info, err = os.Stat(name)
	}
	if err != nil {
		return []*file{unreadableFile(name, err)}, time.Time{}
	}
	for _, entry := range entries {
		// Editors keep their drafts in hidden files.
		if strings.HasSuffix(entry.Name(), ".toml") && !strings.HasPrefix(entry.Name(), ".") {
			files = append(files, readFile(filepath.Join(name, entry.Name()), false, false))
		}
	}
	return files, info.ModTime()
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
		hint = "create it, or have nothing point to it any more"
	case errors.Is(err, syscall.ENOTDIR):
		hint = "put a folder in place of what is none"
	}
	f := unreadable(name, "this cannot be read as a config: "+reason(err), hint)
	f.faults[0].cause = err
	return f
}

// Modified returns when the config of s last changed, as [Config.Modified] has it,
// without reading it; zero if there is none.
func Modified(s Sources) time.Time {
	names := []string{s.System}
	if s.Own && s.Repository != "" {
		folder := filepath.Join(s.Repository, repositoryFolder)
		names = append(names, filepath.Join(s.Repository, repositoryFile), folder)
		entries, _ := os.ReadDir(folder) // one that cannot be read is told of by Load
		for _, entry := range entries {
			names = append(names, filepath.Join(folder, entry.Name()))
		}
	}
	var newest time.Time
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest
}
