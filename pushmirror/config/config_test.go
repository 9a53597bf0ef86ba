package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// ground is a repository in a site's folder, with a system file beside it.
type ground struct {
	sources Sources
	root    string
}

// newGround lays out files, by their names: system, own or the name of a file
// in push-mirror.d.
func newGround(t *testing.T, files map[string]string) ground {
	t.Helper()
	dir := t.TempDir()
	g := ground{root: filepath.Join(dir, "git")}
	g.sources = Sources{
		System:     filepath.Join(dir, "config.toml"),
		Repository: filepath.Join(g.root, "team/widgets.git"),
	}
	write(t, filepath.Join(g.sources.Repository, "HEAD"), "ref: refs/heads/main\n")
	for name, text := range files {
		switch name {
		case "system":
			write(t, g.sources.System, strings.ReplaceAll(text, "ROOT", g.root))
		case "own":
			write(t, filepath.Join(g.sources.Repository, "push-mirror.toml"), text)
		default:
			write(t, filepath.Join(g.sources.Repository, "push-mirror.d", name), text)
		}
	}
	return g
}

func (g ground) load(t *testing.T) *Config {
	t.Helper()
	c, err := Load(g.sources)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func loadOwn(t *testing.T, text string) *Config {
	t.Helper()
	return newGround(t, map[string]string{"own": text}).load(t)
}

func TestNoFilesAreAnEmptyConfig(t *testing.T) {
	c := newGround(t, nil).load(t)
	want := &Config{
		VerifyEvery: 24 * time.Hour, Hook: Hook{Wait: 3 * time.Second, Show: ShowAll},
		Worker: Worker{Start: StartHook, MaxConcurrent: 4, MaxPerHost: 4}, Notify: Notify{Limit: time.Minute}, Log: Log{LevelInfo, FormatText, OutputStderr},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

func TestDefaultsOfARemote(t *testing.T) {
	c := loadOwn(t, "[[remote]]\nname = 'backup'\nurl = '/mnt/widgets.git'\n")
	got := c.Remotes[0]
	want := Remote{
		Name: "backup", URL: mustParse(t, "/mnt/widgets.git"), Enabled: true, KeepDivergentRefs: true,
		Branches: BranchFilter{all: true}, Tags: TagsAll, Prune: PruneNever, PruneLimit: 100, LFS: LFSAuto, Timeout: 3 * time.Hour,
		StallTimeout: 5 * time.Minute, RetryMin: 5 * time.Second, RetryMax: time.Hour, FailAfter: time.Hour,
		File: c.Files[0], Line: 1,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEveryKeyIsTaken(t *testing.T) {
	g := newGround(t, map[string]string{"system": `
protected_branches = ["main"]
root = "ROOT"
verify_every = "1h30m"
state_dir = "/var/lib/push-mirror"

[defaults]
timeout = "1m"
refs_per_push = 9

[[remote]]
name = "github"
url = "https://github.com/acme/widgets.git"
enabled = false
keep_divergent_refs = false
only_protected_branches = false
mirror_branch_regex = "feature/.*"
tags = "none"
prune = "all"
prune_limit = 0
follow_rewrites = true
refs_per_push = 2
push_options = ["ci.skip"]
lfs = "off"
lfs_url = "https://lfs.example.com/{path}"
repositories = ["team/*"]
exclude = ["attic/*"]
stall_timeout = "2m"
retry_min = "3s"
retry_max = "4h"
fail_after = "5h"
min_interval = "6m"

[hook]
wait = "0s"
show = "problems"
contact = "ask us"

[worker]
start = "never"
max_concurrent = 7
max_per_host = 8
`})
	c := g.load(t)
	if want := (Hook{Show: ShowProblems, Contact: "ask us"}); c.Hook != want {
		t.Errorf("[hook]: %+v", c.Hook)
	}
	if want := (Worker{Start: StartNever, MaxConcurrent: 7, MaxPerHost: 8}); c.Worker != want {
		t.Errorf("[worker]: %+v", c.Worker)
	}
	if c.Root != g.root || c.StateDir != "/var/lib/push-mirror" || c.VerifyEvery != 90*time.Minute || !slices.Equal(c.ProtectedBranches, []string{"main"}) {
		t.Errorf("top level: %+v", c)
	}
	got := c.Remotes[0]
	got.Branches = BranchFilter{}
	want := Remote{
		Name: "github", URL: mustParse(t, "https://github.com/acme/widgets.git"), MirrorBranchRegex: "feature/.*",
		Tags: TagsNone, Prune: PruneAll, FollowRewrites: true, RefsPerPush: 2, PushOptions: []string{"ci.skip"},
		LFS: LFSOff, LFSURL: mustParse(t, "https://lfs.example.com/team/widgets"),
		Timeout: time.Minute, StallTimeout: 2 * time.Minute, RetryMin: 3 * time.Second, RetryMax: 4 * time.Hour,
		FailAfter: 5 * time.Hour, MinInterval: 6 * time.Minute, File: g.sources.System, Line: 11,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestExamplesAreValid takes the schema at its word: an error that shows an
// example must not lead to the next error.
func TestExamplesAreValid(t *testing.T) {
	// These stand in place of each other, or want another url.
	apart := map[string]string{
		"mirror_branch_regex": "", "password": "", "password_command": "", "allow_hosts": "", "repository_config": "",
		"ssh_key": "ssh://h/w", "known_hosts": "ssh://h/w", "host_keys": "ssh://h/w",
	}
	lines := map[place]string{}
	for _, k := range schema {
		if _, ok := apart[k.name]; ok {
			continue
		}
		for _, kind := range append([]tableKind{{place: atTop}}, tables...) {
			if kind.place != inDefaults && k.places&kind.place != 0 {
				lines[kind.place] += k.name + " = " + k.example + "\n"
			}
		}
	}
	text := strings.ReplaceAll(lines[atTop], "/srv/git", "ROOT")
	for _, kind := range tables {
		text += kind.header + "\n" + lines[kind.place]
	}
	newGround(t, map[string]string{"system": text}).load(t)
	for name, url := range apart {
		k := findKey(name, everywhere)
		line := name + " = " + k.example + "\n"
		switch {
		case k.places&inPolicy != 0:
			newGround(t, map[string]string{"system": "[policy]\n" + line}).load(t)
		default:
			if url == "" {
				url = "https://u@h/w"
			}
			loadOwn(t, remote("m", url)+line)
		}
	}
}

func remote(name, url string) string {
	return fmt.Sprintf("[[remote]]\nname = %q\nurl = %q\n", name, url)
}

func TestLaterFilesReplaceWholeRemotesInPlace(t *testing.T) {
	g := newGround(t, map[string]string{
		"system": "root = 'ROOT'\n" +
			remote("one", "/system/1/{path}") + "repositories = ['*']\ntimeout = '1h'\n" +
			remote("two", "/system/2/{path}") + "repositories = ['*']\n",
		"own":     remote("three", "/own/3") + remote("one", "/own/1"),
		"b.toml":  remote("four", "/b/4"),
		"a.toml":  remote("four", "/a/4") + remote("two", "/a/2") + "enabled = false\n",
		"c.toml~": "this is no config",
		".d.toml": "this is no config",
	})
	c := g.load(t)
	var got []string
	for _, r := range c.Remotes {
		where := fmt.Sprintf("%s:%d", filepath.Base(r.File), r.Line)
		got = append(got, fmt.Sprintf("%s %s %v %v %s", r.Name, r.URL, r.Enabled, r.Timeout, where))
	}
	want := []string{
		"one /own/1 true 3h0m0s push-mirror.toml:4",
		"two /a/2 false 3h0m0s a.toml:4",
		"three /own/3 true 3h0m0s push-mirror.toml:1",
		"four /b/4 true 3h0m0s b.toml:1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	var files []string
	for _, name := range c.Files {
		files = append(files, filepath.Base(name))
	}
	if want := []string{"config.toml", "push-mirror.toml", "a.toml", "b.toml"}; !slices.Equal(files, want) {
		t.Errorf("files %v, want %v", files, want)
	}
}

func TestLaterFilesReplaceWholeTopLevelKeys(t *testing.T) {
	c := newGround(t, map[string]string{
		"system": "protected_branches = ['main', 'next']\n[defaults]\ntimeout = '1h'\nprune_limit = 7\n",
		"own":    "protected_branches = ['trunk']\n[defaults]\ntimeout = '2h'\n" + remote("one", "/1"),
	}).load(t)
	if !slices.Equal(c.ProtectedBranches, []string{"trunk"}) {
		t.Errorf("protected branches are %v", c.ProtectedBranches)
	}
	if r := c.Remotes[0]; r.Timeout != 2*time.Hour || r.PruneLimit != 100 {
		t.Errorf("timeout %v and prune limit %d, want those of the later [defaults] alone", r.Timeout, r.PruneLimit)
	}
}

func TestDefaultsApplyToRemotesOfOtherFiles(t *testing.T) {
	c := newGround(t, map[string]string{
		"system": "[defaults]\nrefs_per_push = 2\npush_options = ['ci.skip']\nenabled = false\n",
		"own":    remote("one", "/1") + remote("two", "/2") + "refs_per_push = 0\npush_options = []\nenabled = true\n",
	}).load(t)
	if r := c.Remotes[0]; r.RefsPerPush != 2 || len(r.PushOptions) != 1 || r.Enabled {
		t.Errorf("a remote without keys is %+v", r)
	}
	if r := c.Remotes[1]; r.RefsPerPush != 0 || len(r.PushOptions) != 0 || !r.Enabled {
		t.Errorf("a remote with keys of its own is %+v", r)
	}
}

func TestARemoteCanBeSwitchedOffByNameAlone(t *testing.T) {
	c := newGround(t, map[string]string{
		"own":    remote("one", "/1"),
		"a.toml": "[[remote]]\nname = 'one'\nenabled = false\n",
	}).load(t)
	if r := c.Remotes[0]; len(c.Remotes) != 1 || r.Enabled || r.URL != (URL{}) {
		t.Errorf("remotes are %+v", c.Remotes)
	}
}

func TestWhatFilesSayTogetherIsCheckedTogether(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  string // of the only error; "" for none
	}{
		"names that differ in case in two files": {
			files: map[string]string{"own": remote("github", "/1"), "a.toml": "\n" + remote("GitHub", "/2")},
			want: `a.toml:3: remote "GitHub" and remote "github", on push-mirror.toml:1, ` +
				`differ only in capital letters`,
		},
		"a filter whose list is in a later file": {
			files: map[string]string{
				"own":    remote("one", "/1") + "only_protected_branches = true",
				"a.toml": "protected_branches = ['main']",
			},
		},
		"a prune that only the defaults of another file allow": {
			files: map[string]string{
				"own":    remote("one", "/1") + "prune = 'all'",
				"a.toml": "[defaults]\nkeep_divergent_refs = false",
			},
		},
		"a prune that the defaults of another file forbid": {
			files: map[string]string{
				"own":    remote("one", "/1") + "prune = 'all'\n[defaults]\nkeep_divergent_refs = false",
				"a.toml": "[defaults]",
			},
			want: `push-mirror.toml:1: remote "one" has prune = "all", ` +
				`which deletes what keep_divergent_refs = true keeps`,
		},
		"a fault in a remote that a later file replaces": {
			files: map[string]string{"own": remote("one", "/1") + "prune = 'all'", "a.toml": remote("one", "/1")},
		},
		"what depends on a broken file is not judged": {
			files: map[string]string{
				"own":    remote("one", "/1") + "only_protected_branches = true",
				"a.toml": "protected_branches = 'main'",
			},
			want: `a.toml:1: protected_branches must be a list of strings, not a string`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGround(t, test.files)
			_, err := Load(g.sources)
			got := ""
			if err != nil {
				got, _, _ = strings.Cut(err.Error(), "\n")
				got = strings.NewReplacer(g.sources.Repository+"/", "", "push-mirror.d/", "").Replace(got)
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestAllErrorsOfAllFilesAreTold(t *testing.T) {
	g := newGround(t, map[string]string{
		"system": "a = 1\nb = 2\n",
		"own":    "[[",
		"a.toml": "\n\nd = 4\nc = 3\n",
	})
	g.sources.Repository += "/."
	_, err := Load(g.sources)
	faults, _ := errors.AsType[Errors](err)
	var got []string
	for _, e := range faults {
		got = append(got, fmt.Sprintf("%s:%d", filepath.Base(e.File), e.Line))
	}
	want := []string{"config.toml:1", "config.toml:2", "push-mirror.toml:1", "a.toml:3", "a.toml:4"}
	if !slices.Equal(got, want) {
		t.Errorf("errors are at %v, want %v", got, want)
	}
	if e, ok := errors.AsType[*Error](err); !ok || e != faults[0] {
		t.Errorf("errors.AsType finds %v, want the first error", e)
	}
}

func TestAnErrorTellsOnlyWhatItKnows(t *testing.T) {
	for want, e := range map[string]Error{
		"wrong":                      {Message: "wrong", Hint: "cure"},
		"f.toml: wrong":              {File: "f.toml", Message: "wrong"},
		"f.toml:7: wrong":            {File: "f.toml", Line: 7, Message: "wrong"},
		"f.toml:7: wrong\n    7 | x": {File: "f.toml", Line: 7, Text: "x", Message: "wrong"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if err := (&Error{cause: fs.ErrPermission}); !errors.Is(Errors{err}, fs.ErrPermission) {
		t.Error("the cause of an error is lost")
	}
}

func TestDefaultSources(t *testing.T) {
	none := func(string) string { return "" }
	want := Sources{System: "/etc/push-mirror/config.toml", Repository: "/srv/git/a.git"}
	if got := DefaultSources(none, "/srv/git/a.git"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	env := map[string]string{"PUSH_MIRROR_CONFIG": "/home/me/config.toml"}
	want.System, want.SystemRequired = "/home/me/config.toml", true
	if got := DefaultSources(func(name string) string { return env[name] }, "/srv/git/a.git"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestSchemaTypesAreTheRightOnes finds a key that is asked for by another type
// than its parser gives, which would read as if it were never set.
func TestSchemaTypesAreTheRightOnes(t *testing.T) {
	types := map[string]any{
		"protected_branches": []string(nil), "root": "", "verify_every": time.Duration(0),
		"name": "", "url": URL{}, "enabled": false, "keep_divergent_refs": false, "only_protected_branches": false,
		"mirror_branch_regex": branchRegex{}, "tags": TagsAll, "prune": PruneAll, "prune_limit": 0,
		"follow_rewrites": false, "refs_per_push": 0, "push_options": []string(nil), "timeout": time.Duration(0),
		"repositories": []string(nil), "exclude": []string(nil), "state_dir": "", "wait": time.Duration(0),
		"show": ShowAll, "contact": "", "start": StartHook, "max_concurrent": 0, "max_per_host": 0,
		"stall_timeout": time.Duration(0), "retry_min": time.Duration(0), "retry_max": time.Duration(0),
		"fail_after": time.Duration(0), "min_interval": time.Duration(0),
		"command": []string(nil), "time_limit": time.Duration(0),
		"level": LevelInfo, "format": FormatText, "output": "",
		"allow_hosts": []string(nil), "repository_config": false, "username": "", "password": Secret{}, "password_file": "",
		"password_command": []string(nil), "ssh_key": "", "known_hosts": "", "host_keys": []hostKey(nil), "ca_file": "",
		"client_cert": "", "client_key": "", "lfs": LFSAuto, "lfs_url": URL{},
	}
	for _, k := range schema {
		decoded, err := decode("it = " + k.example)
		if err != nil {
			t.Fatal(err)
		}
		value, fault := k.parse(k.name, decoded["it"])
		if fault != nil || reflect.TypeOf(value) != reflect.TypeOf(types[k.name]) {
			t.Errorf("%s is a %T (%v), want a %T", k.name, value, fault, types[k.name])
		}
		delete(types, k.name)
	}
	for name := range maps.Keys(types) {
		t.Errorf("%s is not in the schema", name)
	}
}
