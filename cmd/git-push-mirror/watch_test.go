package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// A watcher looks for secrets where others can see them: in the arguments and the environment of
// every process of this machine while it runs, and in the end in the script's files.
type watcher struct {
	secrets []secret
	except  []string // files and folders in which the secrets may be
	work    string   // the script's folder
	stop    func()   // returns after one more look at every process
	seen    []string // what was found in processes, once each
}

// cmdWatch looks for secrets that leak:
//
//	watch SECRET…          from now on
//	watch SECRET… -key FILE…
//	                       and for the private keys in these files, in which they may be
//	watch -except FILE…    but not in these files, or below these folders, which are the user's own
//	watch -output          now, in what the last command printed
//	watch -stop            to the end, then in all files of the script but the servers' own
//
// The last two fail if they find one, and print where. The secrets have to be unlike anything in
// other scripts.
func cmdWatch(ts *testscript.TestScript, neg bool, args []string) {
	s := scriptOf(ts)
	var found []string
	switch {
	case len(args) == 0 || s.watcher == nil && strings.HasPrefix(args[0], "-") && args[0] != "-key":
		ts.Fatalf("usage: watch SECRET… -key FILE…, then watch -except FILE… | -output | -stop")
	case args[0] == "-except" && !neg:
		for _, file := range args[1:] {
			s.watcher.except = append(s.watcher.except, ts.MkAbs(file))
		}
		return
	case args[0] == "-output":
		for _, name := range []string{"stdout", "stderr"} {
			if s.watcher.holdsSecret([]byte(ts.ReadFile(name))) {
				found = append(found, name)
			}
		}
	case args[0] == "-stop":
		s.watcher.stop()
		for _, server := range s.servers {
			s.watcher.except = append(s.watcher.except, server.dir)
		}
		s.watcher.except = append(s.watcher.except, filepath.Join(s.watcher.work, "proxy"), filepath.Join(s.watcher.work, "lfsd"))
		files, err := s.watcher.files()
		ts.Check(err)
		found = append(s.watcher.seen, files...)
		s.watcher = nil
	case s.watcher == nil && !neg:
		s.watcher = startWatcher(ts, args)
		ts.Defer(s.watcher.stop)
		return
	default:
		ts.Fatalf("it watches already: watch -stop comes first")
	}

	text := strings.Join(found, "\n")
	fmt.Fprintln(ts.Stdout(), text)
	switch {
	case neg && text == "":
		ts.Fatalf("no secret was found")
	case !neg && text != "":
		ts.Fatalf("a secret was found in\n%s", text)
	}
}

func startWatcher(ts *testscript.TestScript, secrets []string) *watcher {
	w := &watcher{work: ts.Getenv("WORK")}
	if i := slices.Index(secrets, "-key"); i >= 0 {
		files := secrets[i+1:]
		secrets = slices.Clone(secrets[:i])
		for _, file := range files {
			w.except = append(w.except, ts.MkAbs(file))
			secrets = append(secrets, keyLines(ts, file)...)
		}
	}
	for _, text := range secrets {
		if len(text) < 8 {
			ts.Fatalf("%q is too short: others may have it by chance", text)
		}
		w.secrets = append(w.secrets, newSecret(text))
	}
	stopping, stopped := make(chan struct{}), make(chan struct{})
	w.stop = sync.OnceFunc(func() {
		close(stopping)
		<-stopped
	})
	go func() {
		defer close(stopped)
		for last := false; !last; {
			select {
			case <-stopping:
				last = true
			case <-time.After(2 * time.Millisecond):
			}
			w.processes()
		}
	}()
	return w
}

// keyLines are the lines of a private key that no other has: those of OpenSSH begin alike.
func keyLines(ts *testscript.TestScript, file string) []string {
	text := ts.ReadFile(file)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	first := 1
	if strings.Contains(lines[0], "OPENSSH") {
		first = 3
	}
	if !strings.Contains(lines[0], "PRIVATE KEY") || len(lines)-1 <= first {
		ts.Fatalf("%s has no private key", file)
	}
	return slices.DeleteFunc(slices.Clone(lines[first:len(lines)-1]), func(line string) bool { return len(line) < 16 })
}

// processes looks at every process once. One that has the WORK of another script is that script's.
func (w *watcher) processes() {
	ours := []byte("\x00WORK=" + w.work + "\x00")
	proc, err := os.Open("/proc")
	if err != nil {
		w.report(err.Error())
		return
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	for _, name := range names {
		if _, err := strconv.Atoi(name); err != nil {
			continue
		}
		arguments, _ := os.ReadFile(filepath.Join("/proc", name, "cmdline")) // it may have ended, or be another user's
		environment, _ := os.ReadFile(filepath.Join("/proc", name, "environ"))
		environment = slices.Concat([]byte{0}, environment, []byte{0})
		if bytes.Contains(environment, []byte("\x00WORK=")) && !bytes.Contains(environment, ours) {
			continue
		}
		words := bytes.Split(bytes.TrimSuffix(arguments, []byte{0}), []byte{0})
		program := filepath.Base(string(words[0]))
		if w.holdsSecret(arguments) {
			w.report(fmt.Sprintf("arguments of %s: %q", program, words))
		}
		for variable := range bytes.SplitSeq(environment, []byte{0}) {
			if w.holdsSecret(variable) {
				w.report(fmt.Sprintf("environment of %s: %q", program, variable))
			}
		}
	}
}

func (w *watcher) report(what string) {
	if !slices.Contains(w.seen, what) {
		w.seen = append(w.seen, what)
	}
}

// files lists the script's files, links and folders with a secret in them or in their name.
func (w *watcher) files() ([]string, error) {
	var found []string
	err := filepath.WalkDir(w.work, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // it went meanwhile
			return nil
		case err != nil:
			return err
		case slices.Contains(w.except, path) && entry.IsDir():
			return fs.SkipDir
		case slices.Contains(w.except, path):
			return nil
		}
		content := []byte{}
		if entry.Type().IsRegular() {
			content, err = os.ReadFile(path)
		} else if entry.Type()&fs.ModeSymlink != 0 {
			var target string
			target, err = os.Readlink(path)
			content = []byte(target)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if w.holdsSecret(content) || w.holdsSecret([]byte(entry.Name())) {
			found = append(found, "file "+path)
		}
		return nil
	})
	return found, err
}

func (w *watcher) holdsSecret(text []byte) bool {
	return slices.ContainsFunc(w.secrets, func(s secret) bool { return s.in(text) })
}

// A secret is in all the forms in which it may travel, but for percent-encoding.
type secret [][]byte

func newSecret(text string) secret {
	s := secret{[]byte(text)}
	inJSON, _ := json.Marshal(text)
	s = append(s, bytes.Trim(inJSON, `"`), []byte(strings.Trim(strconv.Quote(text), `"`)))
	// In base64 it looks one of three ways, by what is before it, such as a user name. The
	// characters at its ends depend on its neighbours too.
	for before := range 3 {
		padded := strings.Repeat("x", before) + text
		first, last := (before*8+5)/6, len(padded)*8/6
		for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			s = append(s, []byte(encoding.EncodeToString([]byte(padded))[first:last]))
		}
	}
	return s
}

// in tells whether it is in the text in any form, however much of it is percent-encoded.
func (s secret) in(text []byte) bool {
	decoded := percentDecoded(text)
	return slices.ContainsFunc(s, func(form []byte) bool {
		return bytes.Contains(text, form) || bytes.Contains(decoded, form)
	})
}

// percentDecoded is the text with each %XX replaced, and all else as it is.
func percentDecoded(text []byte) []byte {
	if !bytes.ContainsRune(text, '%') {
		return text
	}
	decoded := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if value, err := strconv.ParseUint(string(text[i+1:i+3]), 16, 8); err == nil {
				decoded = append(decoded, byte(value))
				i += 2
				continue
			}
		}
		decoded = append(decoded, text[i])
	}
	return decoded
}
