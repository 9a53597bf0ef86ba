package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const anyKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"

func TestWhoLogsIn(t *testing.T) {
	for _, test := range []struct {
		url, keys string
		user      string
		password  Secret
		plain     string // the url for git
	}{
		{"https://h/w", "", "", Secret{}, "https://h/w"},
		{"https://h/w", "username = 'me'", "me", Secret{}, "https://me@h/w"},
		{"https://h/w", "username = 'me'\npassword = 'a+/=@:b'", "me", newSecret("a+/=@:b"), "https://me@h/w"},
		{"https://me@h/w", "password = 'p'", "me", newSecret("p"), "https://me@h/w"},
		{"https://oauth2:glpat-1@h/w", "", "oauth2", newSecret("glpat-1"), "https://oauth2@h/w"},
		{"https://me-at-123:p%2Bq%2Fr%3D@h/w", "", "me-at-123", newSecret("p+q/r="), "https://me-at-123@h/w"},
		{"https://me%40corp:p%25@h/w", "", "me@corp", newSecret("p%"), "https://me%40corp@h/w"},
		{"https://ghp_token@h/w", "", "ghp_token", newSecret("x-oauth-basic"), "https://ghp_token@h/w"},
	} {
		r := loadOwn(t, fmt.Sprintf("[[remote]]\nname = 'm'\nurl = '%s'\n%s\n", test.url, test.keys)).Remotes[0]
		if r.Login.Username != test.user || r.Login.Password.Reveal() != test.password.Reveal() || r.Login.Password.isZero() != test.password.isZero() {
			t.Errorf("%s, %q: %s with %q", test.url, test.keys, r.Login.Username, r.Login.Password.Reveal())
		}
		if got := r.URL.WithUser(test.user); got != test.plain {
			t.Errorf("%s for git is %s", test.url, got)
		}
	}
}

func TestASecretShowsItselfToNobody(t *testing.T) {
	r := loadOwn(t, "[[remote]]\nname = 'm'\nurl = 'https://me@h/w'\npassword = 's3cret'\n").Remotes[0]
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v", r, r, r), fmt.Sprintf("%#v", r.Login), fmt.Sprint(r.Login.Password), string(text)} {
		if strings.Contains(shown, "s3cret") {
			t.Errorf("it shows in %s", shown)
		}
	}
}

func TestHostKeysAreForAnyName(t *testing.T) {
	for _, line := range []string{anyKey, "h " + anyKey, "*.x,[h]:22 " + anyKey + " a comment", "|1|hash= " + anyKey, anyKey + " root@h"} {
		r := loadOwn(t, remote("m", "git@h:w")+fmt.Sprintf("host_keys = [%q]\n", line)).Remotes[0]
		if !reflect.DeepEqual(r.HostKeys, []string{anyKey}) {
			t.Errorf("%s is %q", line, r.HostKeys)
		}
	}
	r := loadOwn(t, remote("m", "ssh://git@h:2222/w")+fmt.Sprintf("host_keys = ['@cert-authority [h]:2222 %s']\n", anyKey)).Remotes[0]
	if !reflect.DeepEqual(r.HostKeys, []string{"@cert-authority " + anyKey}) {
		t.Errorf("got %q", r.HostKeys)
	}
}

func TestThePolicySaysWhereCodeMayGo(t *testing.T) {
	g := newGround(t, map[string]string{"system": "[policy]\nallow_hosts = ['GitHub.com', '*.example.com', 'alone:2222']\n"})
	for url, allowed := range map[string]bool{
		"https://github.com/w": true, "https://GITHUB.com:8443/w": true, "git@a.example.com:w": true, "ssh://alone:2222/w": true,
		"https://github.com.evil.net/w": false, "ssh://alone:22/w": false, "https://example.com/w": false, "/srv/w": false, "file:///srv/w": false,
	} {
		write(t, filepath.Join(g.sources.Repository, "push-mirror.toml"), remote("m", url))
		_, err := Load(g.sources)
		if allowed != (err == nil) || err != nil && !strings.Contains(err.Error(), "[policy] allow_hosts") {
			t.Errorf("%s: %v", url, err)
		}
		write(t, filepath.Join(g.sources.Repository, "push-mirror.toml"), remote("m", url)+"enabled = false\n")
		g.load(t)
		write(t, filepath.Join(g.sources.Repository, "push-mirror.toml"), remote("m", "https://github.com/w")+fmt.Sprintf("lfs_url = %q\n", url))
		_, err = Load(g.sources)
		if allowed != (err == nil) || err != nil && !strings.Contains(err.Error(), "lfs_url") {
			t.Errorf("as lfs_url %s: %v", url, err)
		}
	}
	write(t, g.sources.System, "[policy]\nallow_hosts = ['localhost']\n")
	write(t, filepath.Join(g.sources.Repository, "push-mirror.toml"), remote("m", "/srv/w"))
	g.load(t)
}

func TestThePolicyMayIgnoreRepositories(t *testing.T) {
	g := newGround(t, map[string]string{
		"system": "root = 'ROOT'\n[policy]\nrepository_config = false\n" + remote("site", "/m/{path}") + "repositories = ['*']\n",
		"own":    "this is no config", "one.toml": remote("one", "/1"),
	})
	c := g.load(t)
	if len(c.Remotes) != 1 || c.Remotes[0].Name != "site" || len(c.Files) != 1 {
		t.Errorf("got %+v", c)
	}
}

func TestAFileWithASecretMustBePrivate(t *testing.T) {
	for _, test := range []struct {
		text string
		mode os.FileMode
		ok   bool
	}{
		{remote("m", "https://me:p@h/w"), 0o600, true},
		{remote("m", "https://me:p@h/w"), 0o640, false},
		{remote("m", "https://me:p@h/w"), 0o604, false},
		{remote("m", "https://token@h/w"), 0o602, false},
		{remote("m", "https://h/w") + "username = 'me'\npassword = 'p'\n", 0o644, false},
		{remote("m", "https://h/w") + "username = 'me'\npassword_file = '/t'\n", 0o644, true},
		{remote("m", "ssh://git@h/w"), 0o644, true},
	} {
		g := newGround(t, map[string]string{"own": test.text})
		file := filepath.Join(g.sources.Repository, "push-mirror.toml")
		if err := os.Chmod(file, test.mode); err != nil {
			t.Fatal(err)
		}
		_, err := Load(g.sources)
		if test.ok != (err == nil) {
			t.Errorf("%04o: %v\n%s", test.mode, err, test.text)
		}
	}
}

func TestTheCureOfAFileThatIsNotPrivateCanBePasted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "it's a token")
	write(t, path, "secret")
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	var fault *Error
	if err := CheckPrivate(path, info); !errors.As(err, &fault) {
		t.Fatalf("got %v", err)
	}
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", fault.Hint).CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", fault.Hint, err, out)
	}
	if info, err = os.Stat(path); err != nil || CheckPrivate(path, info) != nil {
		t.Errorf("%s: %v", fault.Hint, err)
	}
}

func TestFilesOfStrangersDoNotCount(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("only root can give a file away: the rule is tested by faults_foreign_owner.txtar too")
		return
	}
	g := newGround(t, nil)
	g.sources.Repository = filepath.Join(t.TempDir(), "a b.git")
	own := filepath.Join(g.sources.Repository, "push-mirror.toml")
	write(t, own, remote("m", "/m"))
	if err := os.Chown(own, 12345, -1); err != nil {
		t.Fatal(err)
	}
	for _, trusted := range []func() bool{nil, func() bool { return false }} {
		g.sources.Trusted = trusted
		_, err := Load(g.sources)
		var fault *Error
		if !errors.As(err, &fault) || !strings.Contains(fault.Message, "belongs to user 12345") || !strings.HasSuffix(fault.Hint, " '"+g.sources.Repository+"'") {
			t.Errorf("got %v", err)
		}
	}
	g.sources.Trusted = func() bool { return true }
	g.load(t)
}
