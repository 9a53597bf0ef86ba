package pushmirror

import (
	"fmt"
	"testing"
)

// The login of a mirror is for its own host, asked in the same way: not for another host, nor in
// plain text for one that is asked by https.
func TestLargeFilesGetTheLoginOfTheMirrorOnItsHostAlone(t *testing.T) {
	for name, c := range map[string]struct {
		remote, server string
		elsewhere      bool
	}{
		"beside the mirror": {
			`url = "https://h/m.git"` + "\nusername = \"ada\"", "https://ada@h/m.git/info/lfs", false,
		},
		"beside one without .git": {`url = "https://h/m/"`, "https://h/m.git/info/lfs", false},
		"a token is no user":      {`url = "https://t0ken@h/m.git"`, "https://h/m.git/info/lfs", false},
		"on the same host": {
			`url = "https://h/m.git"` + "\nusername = \"ada\"\nlfs_url = \"https://h/large\"", "https://ada@h/large", false,
		},
		"on another host": {
			`url = "https://h/m.git"` + "\nusername = \"ada\"\nlfs_url = \"https://large/m\"", "https://large/m", true,
		},
		"on another port": {
			`url = "https://h/m.git"` + "\nusername = \"ada\"\nlfs_url = \"https://h:8443/m\"", "https://h:8443/m", true,
		},
		"in plain text": {
			`url = "https://h/m.git"` + "\nusername = \"ada\"\nlfs_url = \"http://h/m\"", "http://h/m", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.write("up.git/push-mirror.toml", fmt.Sprintf("[[remote]]\nname = \"m\"\n%s\n", c.remote))
			u, err := s.open()
			if err != nil {
				t.Fatal(err)
			}
			server, elsewhere, err := lfsServer(u.config.Remotes[0])
			if server != c.server || elsewhere != c.elsewhere || err != nil {
				t.Errorf("it is %s, elsewhere: %t, %v", server, elsewhere, err)
			}
		})
	}
}
