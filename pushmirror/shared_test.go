package pushmirror

import (
	"slices"
	"testing"
)

// Whoever has the same login waits for the same probe, and a notification names it.
func TestALoginIsNamedWithoutItsSecret(t *testing.T) {
	s := newSite(t)
	s.write("up.git/push-mirror.toml", `
[[remote]]
name = "file"
url = "https://h/m.git"
username = "ada"
password_file = "/etc/ada"
[[remote]]
name = "config"
url = "https://h:8443/m.git"
username = "ada"
password = "s3cret"
[[remote]]
name = "in-url"
url = "https://ada:s3cret@h/m.git"
[[remote]]
name = "token"
url = "https://t0ken@h/m.git"
[[remote]]
name = "certificate"
url = "https://h/m.git"
client_cert = "/etc/cert"
client_key = "/etc/key"
[[remote]]
name = "helper"
url = "http://h/m.git"
[[remote]]
name = "ssh"
url = "ssh://git@h/m.git"
ssh_key = "/etc/id"
[[remote]]
name = "agent"
url = "h:m.git"
[[remote]]
name = "path"
url = "/srv/m.git"
`)
	u, err := s.open()
	if err != nil {
		t.Fatal(err)
	}
	own := s.path("up.git/push-mirror.toml")
	want := map[string][]string{
		"file":        {"https://h", "https://h as ada by /etc/ada"},
		"config":      {"https://h:8443", "https://h:8443 as ada by what stands in " + own + ":7"},
		"in-url":      {"https://h", "https://h by what stands in " + own + ":12"},
		"token":       {"https://h", "https://h by what stands in " + own + ":15"},
		"certificate": {"https://h", "https://h by /etc/cert"},
		"helper":      {"http://h"},
		"ssh":         {"ssh://h", "ssh://h as git by /etc/id"},
		"agent":       {"ssh://h"},
		"path":        nil,
	}
	for _, remote := range u.config.Remotes {
		if got := sharedWith(remote); !slices.Equal(got, want[remote.Name]) {
			t.Errorf("%s shares %q", remote.Name, got)
		}
	}
}
