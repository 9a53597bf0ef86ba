package pushmirror

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"testing"

	"git-push-mirror/pushmirror/config"
)

func parsedURL(t *testing.T, raw string) config.URL {
	t.Helper()
	u, err := config.ParseURL(raw)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return u
}

func TestOnePlaceHasManyURLs(t *testing.T) {
	for name, urls := range map[string][]string{
		"a host with the default port": {
			"https://example.com/acme/w.git", "https://EXAMPLE.com:443/acme/w", "https://ada:secret@example.com/acme/w.git/",
			"http://example.com:80/acme/w.git", "git@example.com:acme/w.git", "example.com:acme/w", "ssh://git@example.com/acme/w.git",
			"ssh://ada@example.com:22/acme/w", "git://example.com/acme/w.git",
		},
		"another port":         {"https://example.com:8443/acme/w.git", "https://ada@example.com:8443/acme/w"},
		"an address":           {"ssh://git@[2001:db8::1]:22/acme/w.git", "git@[2001:db8::1]:acme/w"},
		"another path":         {"https://example.com/acme/x.git"},
		"another case of path": {"https://example.com/Acme/x.git"},
		"a user called so":     {"git@git:w.git", "https://git/w"},
		"nothing there":        {"/nowhere/w.git", "file:///nowhere//w.git", "/nowhere/x/../w.git/"},
	} {
		for _, raw := range urls {
			if got, want := placeOf(parsedURL(t, raw)), placeOf(parsedURL(t, urls[0])); got != want {
				t.Errorf("%s: %s is at %q, %s at %q", name, raw, got, urls[0], want)
			}
			for other, its := range map[string]string{"another host": "https://example.org/acme/w.git", "another repository": "https://example.com/acme/v.git"} {
				if placeOf(parsedURL(t, raw)) == placeOf(parsedURL(t, its)) {
					t.Errorf("%s: %s is taken for %s", name, raw, other)
				}
			}
		}
	}
}

func TestARepositoryIsFoundToBeItsOwnMirror(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	up := filepath.Join(dir, "up.git")
	for _, repository := range []string{up, filepath.Join(dir, "other.git")} {
		if out, err := exec.CommandContext(t.Context(), "git", "init", "-q", "--bare", repository).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if err := os.Symlink(up, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	fromHome, err := filepath.Rel(me.HomeDir, up)
	if err != nil {
		t.Fatal(err)
	}
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for raw, want := range map[string]string{
		up:                                                  surelySelf,
		filepath.Join(dir, "link"):                          surelySelf,
		"file://" + dir + "/up":                             surelySelf,
		filepath.Join(dir, "other.git"):                     "",
		"ssh://localhost" + up:                              surelySelf,
		"ssh://git@127.0.0.7" + dir + "/link":               surelySelf,
		"ssh://[::1]" + dir + "/up":                         surelySelf,
		"ssh://" + hostname + up:                            surelySelf,
		"ssh://localhost:2222" + up:                         maybeSelf,
		"localhost:" + up:                                   surelySelf,
		me.Username + "@localhost:" + fromHome:              surelySelf,
		"ssh://" + me.Username + "@localhost/~/" + fromHome: surelySelf,
		"ssh://localhost" + dir + "/other.git":              "",
		"ssh://nowhere.invalid" + up:                        "",
		"ssh://192.0.2.1" + up:                              "",
		"git://localhost" + up:                              "",
		"https://localhost" + up:                            "",
	} {
		if got := selfReference(parsedURL(t, raw), up); got != want {
			t.Errorf("%s: %q, not %q", raw, got, want)
		}
	}
}
