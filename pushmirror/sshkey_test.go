package pushmirror

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeysThatCannotLogInAreToldFromThoseThatCan(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	keygen := func(args ...string) {
		if out, err := exec.CommandContext(t.Context(), "ssh-keygen", append([]string{"-q", "-C", "c"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen, of Debian's openssh-client: %v\n%s", err, out)
		}
	}
	keygen("-t", "ed25519", "-N", "", "-f", path("open"))
	keygen("-t", "ed25519", "-N", "passphrase", "-f", path("locked"))
	keygen("-t", "rsa", "-m", "PEM", "-N", "", "-f", path("pem"))
	keygen("-t", "rsa", "-m", "PEM", "-N", "passphrase", "-f", path("locked.pem"))
	keygen("-t", "rsa", "-m", "PKCS8", "-N", "passphrase", "-f", path("locked.pkcs8"))
	if err := os.WriteFile(path("others"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"open": "", "pem": "",
		"open.pub":     "open.pub is the public half of a key",
		"locked":       "locked is locked by a passphrase, which nobody is there to type",
		"locked.pem":   "locked.pem is locked by a passphrase, which nobody is there to type",
		"locked.pkcs8": "locked.pkcs8 is locked by a passphrase, which nobody is there to type",
		"others":       "this holds a secret, and others can get at it (mode 0644)",
	} {
		info, err := os.Stat(path(name))
		if err == nil {
			err = checkSSHKey(path(name), info)
		}
		if got := err == nil; got != (want == "") {
			t.Errorf("%s: %v", name, err)
		} else if err != nil && !strings.Contains(strings.ReplaceAll(err.Error(), dir, "DIR"), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
