package config

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func newDraft(t *testing.T, name string, arguments ...string) *Draft {
	t.Helper()
	d, err := NewDraft(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, argument := range arguments {
		key, value, _ := strings.Cut(argument, "=")
		if err := d.SetArgument(key, value); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// lines are what a draft says below its head.
func lines(d *Draft) string { return strings.TrimPrefix(d.Text(), draftHead) }

func TestArguments(t *testing.T) {
	for argument, want := range map[string]string{
		`url=ssh://git@host/a b`:              "", // as any other url
		`url=/srv/m.git`:                      `url = "/srv/m.git"`,
		`url="/srv/m.git"`:                    `url = "/srv/m.git"`,
		`username="a"b`:                       `username = "\"a\"b"`,
		`username=true`:                       `username = "true"`,
		`username=a=b`:                        `username = "a=b"`,
		`username='a'`:                        `username = "a"`,
		`prune_limit=7`:                       `prune_limit = 7`,
		`prune_limit="7"`:                     "",
		`prune_limit=7` + "\n" + `tags="all"`: "",
		`enabled=false`:                       `enabled = false`,
		`enabled=no`:                          "",
		`timeout=90s`:                         `timeout = "90s"`,
		`push_options=a, b`:                   `push_options = ["a, b"]`,
		`push_options="a"`:                    `push_options = ["a"]`,
		`push_options=["a", "b"]`:             `push_options = ["a", "b"]`,
		`push_options=[a, b]`:                 "",
		`push_options=[]`:                     `push_options = []`,
		`password_command=/bin/true`:          `password_command = ["/bin/true"]`,
		`mirror_branch_regex=[a-z]+\.x`:       `mirror_branch_regex = "[a-z]+\\.x"`,
		`mirror_branch_regex=[`:               "",
		`mirror_branch_regex="a\\.b"`:         `mirror_branch_regex = "a\\.b"`,
		`tags=some`:                           "",
		`tags=`:                               "\n",
	} {
		t.Run(argument, func(t *testing.T) {
			d := newDraft(t, "m")
			key, value, _ := strings.Cut(argument, "=")
			err := d.SetArgument(key, value)
			e, isError := errors.AsType[*Error](err)
			switch got := strings.TrimPrefix(lines(d), "name = \"m\"\n"); {
			case want == "" && (!isError || e.Hint == "" || got != ""):
				t.Errorf("it was taken, as %q, with %v", got, err)
			case want != "" && (err != nil || strings.TrimSpace(got) != strings.TrimSpace(want)):
				t.Errorf("got %q, %v, want %q", got, err, want)
			}
		})
	}
}

func TestSecretsInArgumentsAreRefusedAndNotShown(t *testing.T) {
	const secret = "s3cret-hunter2"
	for argument, want := range map[string]string{
		"password=" + secret:                           "can be seen by all users",
		"pasword=" + secret:                            "unknown key \"pasword\"",
		secret + "=":                                   "no key of a remote",
		secret + "==":                                  "no key of a remote",
		"url=https://me:" + secret + "@host/x":         "user or password",
		"url=https://" + secret + "@host/x":            "user or password",
		"url=https://me:" + secret + "@ho st/x":        "holds a space",
		"url=ssh://me:" + secret + "@host/x":           "holds a password",
		"username=" + secret + ":" + secret:            "colon",
		"prune_limit=" + secret:                        "whole number",
		"push_options=[" + secret + "]":                "no list",
		"tags=password = " + secret:                    "tags cannot be",
		"mirror_branch_regex=(" + secret:               "no regular expression",
		"https://me:" + secret + "@host/x?a=" + secret: "no key of a remote",
		"repositories=" + secret:                       "system file",
		"wait=" + secret:                               "wait is no key of a remote",
		"host_keys=" + secret:                          "no key of a host",
		"password_command=" + secret:                   "absolute path",
	} {
		t.Run(argument, func(t *testing.T) {
			key, value, _ := strings.Cut(argument, "=")
			e, ok := errors.AsType[*Error](newDraft(t, "m").SetArgument(key, value))
			if !ok || !strings.Contains(e.Error(), want) || e.Hint == "" || strings.Contains(e.Error()+e.Hint, secret) {
				t.Errorf("%+v, want %q", e, want)
			}
		})
	}
}

// anyValue is a value of the type of an example, or of another type.
func anyValue(r *rand.Rand, example any) any {
	if r.IntN(20) == 0 {
		example = []any{"", int64(0), true, []any{}}[r.IntN(4)]
	}
	switch example.(type) {
	case bool:
		return r.IntN(2) == 0
	case int64:
		return []int64{0, 1, -1, 1 << 31, r.Int64N(1 << 31)}[r.IntN(5)]
	case []any:
		list := make([]any, r.IntN(4))
		for i := range list {
			list[i] = anyText(r)
		}
		return list
	}
	return anyText(r)
}

// anyText has what is hard to write in TOML, and what the keys want.
func anyText(r *rand.Rand) string {
	parts := []string{
		"/srv/", "https://host/", "git@host:", "3h", "5m", "all", "merged", "main", "*", `"`, "'", `\`, "#", "\n", "\r\n", "\t", "\x00", "\x7f", "\u0085",
		"é", "\U0001f600", "\ufeff", `"""`, "'''", "[[remote]]", " = ", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl", " ",
	}
	var b strings.Builder
	for range r.IntN(4) {
		b.WriteString(parts[r.IntN(len(parts))])
	}
	return b.String()
}

// FuzzDraft sets keys to all that can be thought of. What is taken is read back as what was meant,
// by the loader and by ParseDraft.
func FuzzDraft(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed, "x")
	}
	keys := settableNames()
	f.Fuzz(func(t *testing.T, seed uint64, text string) {
		r := rand.New(rand.NewPCG(seed, 0))
		d := newDraft(t, "m")
		set := map[string]any{}
		for range r.IntN(30) {
			k := findKey(keys[r.IntN(len(keys))], inRemote)
			example, _ := decode("it = " + k.example)
			value := anyValue(r, example["it"])
			switch r.IntN(4) {
			case 0:
				value = text
			case 1:
				value = example["it"]
			}
			if d.Set(k.name, value) == nil {
				set[k.name], _ = k.parse(k.name, value)
			}
		}
		read, ok := ParseDraft(d.Text())
		if !ok || !reflect.DeepEqual(read, d) {
			if strings.ToValidUTF8(text, "") != text {
				return // which no file may have; Check tells
			}
			t.Fatalf("%+v is read back as %+v, from\n%s", d, read, d.Text())
		}
		file := &file{name: "m.toml"}
		file.parse(d.Text())
		got := file.tables[inRemote][0].values
		for name, value := range set {
			if got[name] == nil && slices.ContainsFunc(file.faults, func(e *Error) bool { return e.Message != "" }) {
				continue // two keys that do not go together; the loader says so
			}
			if !sameValue(got[name], value) {
				t.Errorf("%s is %v, want %v, in\n%s", name, got[name], value, d.Text())
			}
		}
	})
}

// sameValue compares what parsers give. A regular expression is what its text says.
func sameValue(a, b any) bool {
	if r, ok := a.(branchRegex); ok {
		other, _ := b.(branchRegex)
		return r.text == other.text
	}
	return reflect.DeepEqual(a, b)
}

func TestWhatWasChangedByHandIsNoDraft(t *testing.T) {
	text := newDraft(t, "m", "url=/srv/m.git", "tags=none").Text()
	if d, ok := ParseDraft(text); !ok || d.Name() != "m" {
		t.Fatalf("%q is no draft", text)
	}
	for name, changed := range map[string]string{
		"a comment":            text + "# mine\n",
		"a comment in a line":  strings.Replace(text, "tags", "# mine\ntags", 1),
		"another remote":       text + "[[remote]]\nname = \"x\"\nurl = \"/x\"\n",
		"another table":        text + "[hook]\nwait = \"1s\"\n",
		"another order":        draftHead + "url = \"/srv/m.git\"\nname = \"m\"\ntags = \"none\"\n",
		"a key at the top":     "protected_branches = [\"main\"]\n" + text,
		"no head":              strings.TrimPrefix(text, "#"),
		"a value of one's own": strings.Replace(text, `"none"`, `'none'`, 1),
		"another line end":     strings.ReplaceAll(text, "\n", "\r\n"),
		"a bad name":           strings.Replace(text, `"m"`, `"../m"`, 1),
		"no TOML":              text + "=",
		"nothing":              "",
	} {
		if d, ok := ParseDraft(changed); ok {
			t.Errorf("%s: it is %+v", name, d)
		}
	}
}

func TestCheckLoadsTheWhole(t *testing.T) {
	g := newGround(t, map[string]string{
		"own":    "[defaults]\ntags = 'none'\n[[remote]]\nname = 'hand'\nurl = '/srv/hand.git'\n",
		"z.toml": "[[remote]]\nname = 'z'\nurl = '/srv/z.git'\n",
		"m.toml": "this is not TOML, and is to be replaced",
	})
	c, err := Check(g.sources, []*Draft{newDraft(t, "m", "url=/srv/m.git"), newDraft(t, "a", "url=/srv/a.git")})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range c.Remotes {
		names = append(names, r.Name)
		if r.Tags != TagsNone {
			t.Errorf("%s has the tags %q", r.Name, r.Tags)
		}
	}
	if want := []string{"hand", "a", "m", "z"}; !slices.Equal(names, want) {
		t.Errorf("the remotes are %q, want %q", names, want)
	}
	if _, err := os.Stat(filepath.Join(g.sources.Repository, "push-mirror.d", "a.toml")); err == nil {
		t.Error("it was written")
	}
}

func TestCheckTellsWhatIsWrong(t *testing.T) {
	g := newGround(t, map[string]string{"m.toml": ""})
	for name, test := range map[string]struct {
		drafts []*Draft
		want   string
	}{
		"alone":         {[]*Draft{newDraft(t, "m", "url=/srv/m.git", "prune=all")}, `remote "m" has prune = "all"`},
		"a bad login":   {[]*Draft{newDraft(t, "m", "url=/srv/m.git", "username=a")}, "username is for https and http urls only"},
		"one of two":    {[]*Draft{newDraft(t, "m", "url=/srv/m.git", "username=a"), newDraft(t, "n", "url=/n")}, "m: username is for"},
		"without a url": {[]*Draft{newDraft(t, "m")}, `remote "m" has no url`},
		"a namesake":    {[]*Draft{newDraft(t, "m", "url=/m"), newDraft(t, "M", "url=/m")}, "differ only in capital letters"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Check(g.sources, test.drafts)
			faults, _ := errors.AsType[Errors](err)
			if len(faults) != 1 || !strings.HasPrefix(faults[0].Error(), test.want) && !strings.Contains(faults[0].Message, test.want) || faults[0].File != "" || faults[0].Hint == "" {
				t.Errorf("%+v", err)
			}
		})
	}
}

// TestTrimmedAndWholeAreTheSameRemote takes out of random remotes what would hold anyway.
func TestTrimmedAndWholeAreTheSameRemote(t *testing.T) {
	g := newGround(t, map[string]string{"own": "protected_branches = ['main']\n[defaults]\nrefs_per_push = 2\nprune_limit = 7\n"})
	r := rand.New(rand.NewPCG(1, 2))
	trimmed := 0
	for range 300 {
		d := newDraft(t, "m", "url=/srv/m.git")
		for _, argument := range []string{
			"keep_divergent_refs=true", "keep_divergent_refs=false", "only_protected_branches=true", "only_protected_branches=false",
			"mirror_branch_regex=x", "tags=all", "tags=reachable", "tags=none", "prune=never", "prune=merged", "prune=all", "prune_limit=7",
			"prune_limit=100", "refs_per_push=0", "refs_per_push=2", "push_options=[]", "timeout=3h", "timeout=180m", "min_interval=0s", "enabled=true",
		} {
			if key, value, _ := strings.Cut(argument, "="); r.IntN(2) == 0 {
				if err := d.SetArgument(key, value); err != nil {
					t.Fatal(err)
				}
			}
		}
		whole := d.Clone()
		Trim(g.sources, []*Draft{d})
		before, err := Check(g.sources, []*Draft{whole})
		after, afterErr := Check(g.sources, []*Draft{d})
		if err != nil {
			continue // such as prune = "all" with keep_divergent_refs
		}
		trimmed += len(whole.values) - len(d.values)
		if afterErr != nil || !reflect.DeepEqual(before.Remotes[0].Shown(), after.Remotes[0].Shown()) ||
			before.Remotes[0].Branches.All() != after.Remotes[0].Branches.All() || before.Remotes[0].KeepDivergentRefs != after.Remotes[0].KeepDivergentRefs {
			t.Errorf("%s became %s: %v", lines(whole), lines(d), afterErr)
		}
		for name := range maps.Keys(d.values) {
			less := d.Clone()
			if err := less.SetArgument(name, ""); err != nil {
				t.Fatal(err)
			}
			if name == "url" || name == "mirror_branch_regex" {
				continue
			}
			without, err := Check(g.sources, []*Draft{less})
			if err != nil {
				continue
			}
			a, b := after.Remotes[0], without.Remotes[0]
			a.Line, b.Line = 0, 0
			if fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b) && reflect.DeepEqual(a, b) {
				t.Errorf("%s is left in\n%s", name, lines(d))
			}
		}
	}
	if trimmed == 0 {
		t.Error("nothing was ever taken out")
	}
}

func TestByHandNamesTheLines(t *testing.T) {
	const secret = "s3cret-hunter2"
	g := newGround(t, map[string]string{"own": `# mine
[[remote]]
name = "other"
url = "/srv/other.git"

[[remote]]
url = "https://host/m.git" # mine
name = "m"
tags = "all"
username = "a"
password_file = "/x"
`})
	m := g.load(t).Remotes[1]
	d := newDraft(t, "m", "tags=none", "prune=never")
	if err := d.Set("password", secret); err != nil {
		t.Fatal(err)
	}
	want := "take out line 11: password_file = \"/x\"\nbelow line 6: password = …\nbelow line 6: prune = \"never\"\nline 9: tags = \"none\""
	if got := ByHand(m, d, []string{"password_file", "ssh_key"}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	inline := newGround(t, map[string]string{"own": "remote = [{name = 'm', url = '/m'}]\nurl = 'x'\n"})
	if _, err := Load(inline.sources); err == nil {
		t.Fatal("a url at the top was taken")
	}
	inline = newGround(t, map[string]string{"own": "remote = [{name = 'm', url = '/m'}]\n"})
	if got := ByHand(inline.load(t).Remotes[0], newDraft(t, "m", "url=/n"), nil); got != `url = "/n"` {
		t.Errorf("in an inline table: %q", got)
	}
}
