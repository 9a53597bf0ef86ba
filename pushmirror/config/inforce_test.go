package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// explained are the keys in force that a file has, or those of these names, each as "REMOTE HEADER
// KEY = VALUE (FILE:LINE)".
func explained(t *testing.T, s Sources, keys ...string) string {
	t.Helper()
	all, err := ValuesInForce(s)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, k := range all {
		if k.File != "" || strings.Contains(" "+strings.Join(keys, " ")+" ", " "+k.Key+" ") {
			fmt.Fprintf(&text, "%s|%s|%s = %s|%s:%d\n", k.Remote, k.Header, k.Key, k.Value, filepath.Base(k.File), k.Line)
		}
	}
	return text.String()
}

func TestExplainTellsWhichFileEachValueComesFrom(t *testing.T) {
	dir := t.TempDir()
	repository := filepath.Join(dir, "up.git")
	write(t, filepath.Join(dir, "config.toml"), `root = "`+dir+`"
hook.wait = "1s"
[defaults]
prune_limit = 5
retry_min = "7s"
[[remote]]
name = "site"
url = "https://example.com/{path}.git"
repositories = ["*"]
`)
	write(t, filepath.Join(repository, "push-mirror.toml"), `protected_branches = [
  "main", # the default
  "release/*",
]
[hook]
wait = "2s"
show = "problems"
[[remote]]
name = "own"
url = "https://example.com/own.git"
username = "ada"
prune_limit = 9
password_command = ["/bin/vault", "--token", "s3cret"]
push_options = ["secret=s3cret"]
`)
	s := Sources{System: filepath.Join(dir, "config.toml"), Repository: repository}
	got := explained(t, s, "only_protected_branches", "tags", "prune", "timeout", "verify_every", "contact")
	want := `||protected_branches = ["main", "release/*"]|push-mirror.toml:1
||root = "DIR"|config.toml:1
||verify_every = "24h"|.:0
|[hook]|wait = "2s"|push-mirror.toml:6
|[hook]|show = "problems"|push-mirror.toml:7
|[hook]|contact = |.:0
site|[[remote]]|name = "site"|config.toml:7
site|[[remote]]|url = "https://example.com/{path}.git"|config.toml:8
site|[[remote]]|only_protected_branches = true|.:0
site|[[remote]]|tags = "reachable"|.:0
site|[[remote]]|prune = "never"|.:0
site|[[remote]]|prune_limit = 5|config.toml:4
site|[[remote]]|timeout = "3h"|.:0
site|[[remote]]|retry_min = "7s"|config.toml:5
site|[[remote]]|repositories = ["*"]|config.toml:9
own|[[remote]]|name = "own"|push-mirror.toml:9
own|[[remote]]|url = "https://example.com/own.git"|push-mirror.toml:10
own|[[remote]]|username = "ada"|push-mirror.toml:11
own|[[remote]]|password_command = ["/bin/vault", …]|push-mirror.toml:13
own|[[remote]]|only_protected_branches = true|.:0
own|[[remote]]|tags = "reachable"|.:0
own|[[remote]]|prune = "never"|.:0
own|[[remote]]|prune_limit = 9|push-mirror.toml:12
own|[[remote]]|push_options = …|push-mirror.toml:14
own|[[remote]]|timeout = "3h"|.:0
own|[[remote]]|retry_min = "7s"|config.toml:5
`
	if got = strings.ReplaceAll(got, dir, "DIR"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestExplainHidesSecrets(t *testing.T) {
	repository := t.TempDir()
	write(t, filepath.Join(repository, "push-mirror.toml"), `[[remote]]
name = "a"
url = "https://ada:s3cret@example.com/a.git"
[[remote]]
name = "b"
url = "https://example.com/b.git"
username = "ada"
password = "s3cret"
[[remote]]
name = "c"
url = "https://example.com/c.git"
username = "ada"
password_command = [
  "/bin/print",
  "s3cret",
]
[[remote]]
name = "d"
url = "https://example.com/d.git"
username = "ada"
password_command = ["/bin/print token=s3cret"]
`)
	got := explained(t, Sources{Repository: repository})
	if strings.Contains(got, "s3cret") || !strings.Contains(got, `"https://*****:*****@example.com/a.git"`) || !strings.Contains(got, "password = …") {
		t.Error(got)
	}
}
