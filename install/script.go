package install

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"unicode"

	"git-push-mirror/hook"
	"git-push-mirror/pushmirror/git"
)

// marker is in every hook that we have ever written, and tells it from others. What follows is a
// digest of the lines below: a hook that somebody has changed is theirs.
const marker = "# This hook is git-push-mirror's, as long as nobody changes it: "

// programLine begins the line of the hook that says where the program is.
const programLine = "\nprogram="

// script is the hook. A link to the program would fail silently once the program is gone; this
// says so, and still runs the hook that was there before.
func script(program string) []byte {
	body := "\n# \"git push-mirror uninstall\" takes it out." + programLine + git.ShellQuote(program) + `
[ -f "$program" ] && [ -x "$program" ] && exec "$program" hook
printf 'push-mirror: error: %s is gone, this push is not mirrored\n' "$program" >&2
echo 'push-mirror: hint: once the program is there again, git push-mirror sync catches up' >&2
former=${0%/*}/` + hook.ChainedName + `
[ "$0" != "$former" ] && [ -f "$former" ] && [ -x "$former" ] && exec "$former"
exec cat >/dev/null
`
	return []byte(scriptHead + marker + digest([]byte(body)) + body)
}

const scriptHead = "#!/bin/sh\n"

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:8])
}

// isScript reports whether a text is a hook that we have written, and whether it is as it was.
func isScript(text []byte) (written, unchanged bool) {
	head, rest, written := bytes.Cut(text, []byte(marker))
	sum, body, _ := bytes.Cut(rest, []byte("\n"))
	return written, written && string(head) == scriptHead && string(sum) == digest(append([]byte("\n"), body...))
}

// stillRuns reports whether a hook that we have written, and somebody has changed, runs a program
// that is there.
func stillRuns(text []byte) bool {
	program := programOf(text)
	for line := range bytes.Lines(text) {
		line = comment().ReplaceAll(line, nil)
		if bytes.Contains(line, []byte(`"$program" hook`)) {
			return isExecutable(program)
		}
	}
	return false
}

// programOf is the path of the program that a hook names which we have written; "" if it is none.
func programOf(text []byte) string {
	_, text, ours := bytes.Cut(text, []byte(marker))
	_, text, ok := bytes.Cut(text, []byte(programLine))
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if !ours || !ok {
		return ""
	}
	quoted := string(line)
	if word, found := strings.CutPrefix(quoted, "'"); found {
		quoted = strings.ReplaceAll(strings.TrimSuffix(word, "'"), `'\''`, "'")
	}
	return quoted
}

// shebang begins a script.
const shebang = "#!"

// maxScript is how much of a file is looked at, in bytes.
const maxScript = 1 << 20

// readRegular reads a regular file, following links: at most maxScript, and of a large one that is
// no script just enough to see that. ok is false for anything else: a pipe would keep us waiting.
func readRegular(path string) (text []byte, ok bool) {
	f, size, ok := openRegular(path)
	if !ok {
		return nil, false
	}
	defer f.Close()
	if size >= maxScript {
		begin := make([]byte, len(shebang))
		if n, _ := f.ReadAt(begin, 0); string(begin[:n]) != shebang {
			return begin[:n], true
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, maxScript))
	return text, err == nil
}

// openRegular opens a regular file of that size, in bytes; ok is false for anything else.
func openRegular(path string) (f *os.File, size int64, ok bool) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, false
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, 0, false
	}
	return f, info.Size(), true
}

// runsUs reports whether a script calls the program, in a line that is no comment. git has sh run
// one that does not begin with a shebang.
func runsUs(text []byte) bool {
	if bytes.IndexByte(text, 0) >= 0 {
		return false // no script
	}
	for line := range bytes.Lines(text) {
		if callsUs(string(comment().ReplaceAll(line, nil))) {
			return true
		}
	}
	return false
}

var comment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(^|\s)#.*`) })

// callsUs reports whether a command calls the program, or has git do so. A name that merely
// contains ours is somebody else's.
func callsUs(command string) bool {
	words := strings.FieldsFunc(command, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("\"'`;&|<>(){}[],=", r) })
	byGit := false
	for i, word := range words {
		switch filepath.Base(word) {
		case "git-push-mirror":
			return true
		case "git":
			byGit = true
		case "push-mirror":
			if byGit && i+1 < len(words) && words[i+1] == "hook" {
				return true
			}
		}
	}
	return false
}

// builtFrom is in every Go program that was built from our module: a line of its BuildInfo, as
// runtime/debug writes it.
const builtFrom = "\nmod\tgit-push-mirror\t"

// maxProgram is how large a program is that can be ours, in bytes: some ten times as large as it is.
const maxProgram = 100 << 20

// programs remember by the beginnings of programs, which contain their build IDs, whether they are
// ours: thousands of repositories may each have a copy or a link.
var programs = struct {
	sync.Mutex
	ours map[string]bool
}{ours: map[string]bool{}}

// isProgram reports whether a file is this program, of whatever version. It does not ask
// debug/buildinfo: the readers of all formats of programs would be a twelfth of ours, and of the
// time that each hook takes to start.
func isProgram(path string) bool {
	f, size, ok := openRegular(path)
	if !ok {
		return false
	}
	defer f.Close()
	begin := make([]byte, 4<<10)
	n, _ := f.ReadAt(begin, 0)
	if size > maxProgram || bytes.HasPrefix(begin, []byte(shebang)) {
		return false
	}
	key := fmt.Sprintf("%d %x", size, sha256.Sum256(begin[:n]))
	programs.Lock()
	defer programs.Unlock()
	ours, known := programs.ours[key]
	if !known {
		ours = contains(f, builtFrom)
		programs.ours[key] = ours
	}
	return ours
}

// contains reports whether a file has a text in it. It reads piece by piece: memory for all of a
// program would cost more than the search.
func contains(f io.Reader, text string) bool {
	piece := make([]byte, 64<<10)
	kept := 0 // of the piece before, which may end within the text
	for {
		n, err := f.Read(piece[kept:])
		if bytes.Contains(piece[:kept+n], []byte(text)) {
			return true
		}
		if err != nil {
			return false
		}
		end := piece[max(0, kept+n-len(text)+1) : kept+n]
		kept = copy(piece, end)
	}
}

// deadLink reports whether a link that leads nowhere led to the program.
func deadLink(path, target string) bool {
	_, err := os.Stat(path)
	return err != nil && filepath.Base(target) == "git-push-mirror"
}
