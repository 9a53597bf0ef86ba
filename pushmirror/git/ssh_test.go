package git

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What ssh is told is asked of ssh itself.
func TestSSHIsToldWhatTheConfigSays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b%h'c") // whose name ssh and the shell might take for something else
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	key, hosts := filepath.Join(dir, "key"), filepath.Join(dir, "hosts")
	always := []string{"batchmode yes", "connecttimeout 15", "serveraliveinterval 15", "serveralivecountmax 4"}
	strict := []string{"stricthostkeychecking true", "updatehostkeys false"}
	byKey := []string{"identitiesonly yes", "identityagent none", "preferredauthentications publickey", "identityfile " + strings.ReplaceAll(key, "%", "%%")} // which it shows unread
	known := []string{"userknownhostsfile " + hosts, "globalknownhostsfile /dev/null"}
	for name, c := range map[string]struct {
		ssh        SSH
		knownHosts string
		want       [][]string
	}{
		"nothing":                   {SSH{}, "", [][]string{always}},
		"a key":                     {SSH{Key: key}, "", [][]string{always, strict, byKey}},
		"known hosts":               {SSH{}, hosts, [][]string{always, strict, known}},
		"a key and known hosts":     {SSH{Key: key}, hosts, [][]string{always, strict, byKey, known}},
		"hosts of its own, no file": {SSH{HostKeys: []string{"ssh-ed25519 AAAA"}}, hosts, [][]string{always, strict, known}},
	} {
		command := c.ssh.command(c.knownHosts)
		out, err := exec.CommandContext(t.Context(), "sh", "-c", command+" -G host.example.com").CombinedOutput()
		if err != nil {
			t.Fatalf("%s, of Debian's openssh-client: %v\n%s", command, err, out)
		}
		said := "\n" + string(out)
		for _, options := range c.want {
			for _, option := range options {
				if !strings.Contains(said, "\n"+option+"\n") {
					t.Errorf("with %s, ssh is not told %q by %s", name, option, command)
				}
			}
		}
		if got := strings.Contains(command, " -F none"); got != (c.ssh.Key != "") {
			t.Errorf("with %s, the user's config is left out: %t", name, got)
		}
	}
}

// A key that is written by hand is this mirror's, whatever its host is called; so is what an
// authority has signed, which a marker tells.
func TestAHostKeyIsKnownForEveryName(t *testing.T) {
	for key, want := range map[string]string{
		"ssh-ed25519 AAAA":                 "* ssh-ed25519 AAAA",
		"@cert-authority ssh-ed25519 AAAA": "@cert-authority * ssh-ed25519 AAAA",
		"@revoked ssh-ed25519 AAAA":        "@revoked * ssh-ed25519 AAAA",
	} {
		if got := hostKeyLine(key); got != want {
			t.Errorf("%q becomes %q", key, got)
		}
	}
}
