package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestWhatIsNoFileIsTold(t *testing.T) {
	own := func(g ground) string { return filepath.Join(g.sources.Repository, "push-mirror.toml") }
	folder := func(g ground) string { return filepath.Join(g.sources.Repository, "push-mirror.d") }
	for name, test := range map[string]struct {
		lay  func(g *ground) error
		want string
	}{
		"a folder in place of a file": {
			func(g *ground) error { return os.Mkdir(own(*g), 0o755) },
			"push-mirror.toml: this cannot be read as a config: no regular file",
		},
		"a pipe in place of a file": {
			func(g *ground) error { return syscall.Mkfifo(own(*g), 0o644) },
			"push-mirror.toml: this cannot be read as a config: no regular file",
		},
		"a link to nowhere": {
			func(g *ground) error { return os.Symlink("nowhere", own(*g)) },
			"push-mirror.toml: this cannot be read as a config: no such file or directory",
		},
		"a large file": {
			func(g *ground) error { return os.WriteFile(own(*g), make([]byte, 1<<20+1), 0o644) },
			"push-mirror.toml: this cannot be read as a config: larger than 1 MiB",
		},
		"a file in place of the folder": {
			func(g *ground) error { return os.WriteFile(folder(*g), nil, 0o644) },
			"push-mirror.d: this cannot be read as a config: not a directory",
		},
		"a link to no folder": {
			func(g *ground) error { return os.Symlink("nowhere", folder(*g)) },
			"push-mirror.d: this cannot be read as a config: no such file or directory",
		},
		"a system file that is named and not there": {
			func(g *ground) error { g.sources.SystemRequired = true; return nil },
			"config.toml: this cannot be read as a config: no such file or directory",
		},
		"a system file that is named by a relative path": {
			func(g *ground) error { g.sources.System = "config.toml"; return nil },
			"config.toml: the system file is named by a relative path",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGround(t, nil)
			if err := test.lay(&g); err != nil {
				t.Fatal(err)
			}
			_, err := Load(g.sources)
			faults, _ := errors.AsType[Errors](err)
			if len(faults) != 1 || !strings.Contains(faults[0].Error(), test.want) || faults[0].Hint == "" {
				t.Errorf("got %v, want %s and a hint", err, test.want)
			}
		})
	}
}

func TestAFileThatMayNotBeReadIsTold(t *testing.T) {
	f := unreadableFile("/etc/x.toml", &fs.PathError{Op: "open", Path: "/etc/x.toml", Err: syscall.EACCES})
	if got := f.faults.Error(); got != "/etc/x.toml: this cannot be read as a config: permission denied" {
		t.Error(got)
	}
	if !strings.Contains(f.faults[0].Hint, "let the user") || !errors.Is(f.faults, fs.ErrPermission) {
		t.Errorf("%+v", f.faults[0])
	}
}

func TestARepositorysFilesCountOnlyIfItIsNamed(t *testing.T) {
	g := newGround(t, map[string]string{"own": "this is no config", "a.toml": "nor is this"})
	g.sources.Repository = ""
	if c := g.load(t); len(c.Files) != 0 || !c.Modified.IsZero() {
		t.Errorf("got %+v", c)
	}
}

func TestModifiedIsTheNewestTime(t *testing.T) {
	g := newGround(t, map[string]string{"system": "", "own": "", "a.toml": ""})
	folder := filepath.Join(g.sources.Repository, "push-mirror.d")
	names := []string{
		g.sources.System, filepath.Join(g.sources.Repository, "push-mirror.toml"),
		filepath.Join(folder, "a.toml"), folder,
	}
	old := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, newest := range names {
		for _, name := range names {
			when := old
			if name == newest {
				when = old.Add(time.Hour)
			}
			if err := os.Chtimes(name, when, when); err != nil {
				t.Fatal(err)
			}
		}
		if got := g.load(t).Modified; !got.Equal(old.Add(time.Hour)) {
			t.Errorf("with %s the newest, modified is %v", newest, got)
		}
	}
}

func TestChangedLooksAtAllPlaces(t *testing.T) {
	g := newGround(t, map[string]string{"system": "", "own": "", "a.toml": ""})
	folder := filepath.Join(g.sources.Repository, "push-mirror.d")
	for i, name := range []string{
		g.sources.System, filepath.Join(g.sources.Repository, "push-mirror.toml"), filepath.Join(folder, "a.toml"), folder,
	} {
		ahead := time.Now().Add(time.Duration(1+i) * time.Hour).Truncate(time.Second)
		if err := os.Chtimes(name, ahead, ahead); err != nil {
			t.Fatal(err)
		}
		if got := Changed(g.sources); !got.Equal(ahead) {
			t.Errorf("with %s the newest, it is %v", name, got)
		}
	}
}

func TestLineEndsAndByteOrderMarksDoNotMatter(t *testing.T) {
	c := loadOwn(t, "\ufeffprotected_branches = ['main']\r\n\r\n[[remote]]\r\nname = 'one'\r\nurl = '/1'\r\n")
	if r := c.Remotes[0]; r.Line != 3 || r.Name != "one" || !r.OnlyProtectedBranches {
		t.Errorf("got %+v", r)
	}
	_, err := Load(newGround(t, map[string]string{"own": "\r\nname = \"one\r\n"}).sources)
	if e, ok := errors.AsType[*Error](err); !ok || e.Line != 2 {
		t.Errorf("got %v, want an error on line 2", err)
	}
}

func TestOtherEncodingsAreTold(t *testing.T) {
	for text, line := range map[string]int{"\xff\xfea\x00=\x001\x00": 1, "# \ufffd\n\n# caf\xe9\n": 3} {
		_, err := Load(newGround(t, map[string]string{"own": text}).sources)
		if e, ok := errors.AsType[*Error](err); !ok || e.Line != line || e.Message != "this is not UTF-8 text" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	const secret = "s3cret-hunter2"
	f.Add("[[remote]]\nname = 'a'\n", "\n", "\n", false)
	f.Add("root = '/'\n[[remote]]\nname = 'a'\nrepositories = ['*']\n", "\n", "timeout = '0s'", true)
	f.Add("name = '", "'\n", "", false)
	f.Add("protected_branches = ['''", "", "''']", false)
	f.Add("[['", "']]\n", "", false)
	f.Add("remote = [{ ", ", ", " }]", true)
	f.Add("[[remote]]\nmirror_branch_regex = \"\"\"", "\"\"\"\n", "", false)
	f.Add("[[remote]]\npassword = [\n", ",\n", "]", false)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, before, between, after string, system bool) {
		s := Sources{Repository: dir, System: filepath.Join(dir, "config.toml")}
		name := filepath.Join(dir, "push-mirror.toml")
		if system {
			name = s.System
		}
		text := before + `password = "` + secret + `"` + between + `url = "https://me:` + secret + `@host/w"` + after
		write(t, name, text)
		defer func() {
			if err := os.Remove(name); err != nil {
				t.Error(err)
			}
		}()
		c, err := Load(s)
		faults, _ := errors.AsType[Errors](err)
		if (c == nil) != (len(faults) > 0) || (c == nil) != (err != nil) {
			t.Fatalf("Load = %v, %v", c, err)
		}
		for _, e := range faults {
			if strings.Contains(e.Error()+e.Hint, secret) {
				t.Errorf("a secret shows in\n%v\nof\n%s", e, text)
			}
			if e.Line < 0 || e.Line > 1+strings.Count(text, "\n") || e.Message == "" || e.Hint == "" {
				t.Errorf("%+v", e)
			}
		}
	})
}
