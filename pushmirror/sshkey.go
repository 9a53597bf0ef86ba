package pushmirror

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
)

// maxKey is more than a private key takes, in bytes.
const maxKey = 64 << 10

// unencrypted begins a key of OpenSSH's own form that no passphrase locks: its magic text, and
// "none" as the name of the cipher, in base64.
const unencrypted = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU"

// checkSSHKey checks a private key before ssh does, to tell the cure. It refuses as well what ssh
// could only fail with, saying no more than that the host refuses: a public key, and one that is
// locked by a passphrase, which nobody is there to type.
func checkSSHKey(path string, info fs.FileInfo) error {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return &git.Error{Kind: git.KindAuth, Err: fmt.Errorf("reading a private key: %w", err), Hint: "let the user who runs git-push-mirror read it"}
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return &git.Error{Kind: git.KindAuth, Err: fmt.Errorf("reading a private key: %w", err)}
	}
	text := strings.TrimSpace(string(content))
	_, body, isOpenSSH := strings.Cut(text, "-----BEGIN OPENSSH PRIVATE KEY-----")
	switch {
	case publicKey().MatchString(text):
		return &git.Error{Kind: git.KindAuth, Err: fmt.Errorf("%s is the public half of a key", path), Hint: "name the private one, " + strings.TrimSuffix(path, ".pub")}
	case isOpenSSH && !strings.HasPrefix(strings.TrimSpace(body), unencrypted), strings.Contains(text, "ENCRYPTED"):
		return &git.Error{
			Kind: git.KindAuth, Err: fmt.Errorf("%s is locked by a passphrase, which nobody is there to type", path),
			Hint: "make a key for this alone that has none, or take it off: ssh-keygen -p -f " + git.ShellQuote(path),
		}
	}
	return config.CheckPrivate(path, info)
}

var publicKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(ssh|ecdsa|sk-ssh|sk-ecdsa)-\S+ \S+`) })
