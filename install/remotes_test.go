package install

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"git-push-mirror/pushmirror/config"
)

// draft is a remote with a url and further values.
func draft(t *testing.T, name string, arguments ...string) *config.Draft {
	t.Helper()
	d, err := config.NewDraft(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, argument := range append([]string{"url=/srv/" + name + ".git"}, arguments...) {
		key, value, _ := strings.Cut(argument, "=")
		if err := d.SetArgument(key, value); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// setting is a change of one key.
func setting(key, value string) Change {
	return Change{Set: func(d *config.Draft) error { return d.SetArgument(key, value) }}
}

func newRemotes(repository string) *Remotes {
	return NewRemotes(config.Sources{Repository: repository})
}

// remotesIn are the remotes that are configured, with what tells the old from the new.
func remotesIn(t *testing.T, repository string) map[string]config.Tags {
	t.Helper()
	c, err := config.Load(config.Sources{Repository: repository})
	if err != nil {
		t.Fatal(err)
	}
	remotes := map[string]config.Tags{}
	for _, r := range c.Remotes {
		remotes[r.Name] = r.Tags
	}
	return remotes
}

// TestKilledAtAnyStepARemoteIsOldOrNew ends a change before each of its steps. Whatever that leaves
// loads, as before or as it was to be; of several remotes some may be there. The same change made
// again, or for a removal another one, ends as it should and leaves nothing else behind.
func TestKilledAtAnyStepARemoteIsOldOrNew(t *testing.T) {
	old := map[string]config.Tags{"m": config.TagsAll}
	for name, test := range map[string]struct {
		change func(t *testing.T, r *Remotes) error
		then   map[string]config.Tags
		again  bool // it can be made again
	}{
		"add": {func(t *testing.T, r *Remotes) error {
			_, err := r.Add(t.Context(), []*config.Draft{draft(t, "a", "tags=none"), draft(t, "b", "tags=none")}, nil)
			return err
		}, map[string]config.Tags{"m": config.TagsAll, "a": config.TagsNone, "b": config.TagsNone}, true},
		"set": {func(t *testing.T, r *Remotes) error {
			_, err := r.Set(t.Context(), "m", setting("tags", "none"))
			return err
		}, map[string]config.Tags{"m": config.TagsNone}, true},
		"remove": {func(t *testing.T, r *Remotes) error {
			_, err := r.Remove(t.Context(), "m")
			return err
		}, map[string]config.Tags{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for step := 1; ; step++ {
				repository := newRepository(t)
				if _, err := newRemotes(repository).Add(t.Context(), []*config.Draft{draft(t, "m")}, nil); err != nil {
					t.Fatal(err)
				}
				r := newRemotes(repository)
				killed := diesBefore(step, &r.step, func() {
					if err := test.change(t, r); err != nil {
						t.Fatal(err)
					}
				})
				now := remotesIn(t, repository)
				for remote, tags := range now {
					if old[remote] != tags && test.then[remote] != tags {
						t.Errorf("killed before step %d, %s has the tags %q", step, remote, tags)
					}
				}
				for remote := range old {
					if _, stays := test.then[remote]; stays && now[remote] == "" {
						t.Errorf("killed before step %d, %s is gone", step, remote)
					}
				}
				if test.again {
					if err := test.change(t, newRemotes(repository)); err != nil {
						t.Errorf("killed before step %d, then again: %v", step, err)
					}
					if now := remotesIn(t, repository); !maps.Equal(now, test.then) {
						t.Errorf("killed before step %d, then again, there is %v", step, now)
					}
				}
				if _, err := newRemotes(repository).Add(t.Context(), []*config.Draft{draft(t, "last")}, nil); err != nil {
					t.Errorf("killed before step %d, nothing can be added: %v", step, err)
				}
				files, err := os.ReadDir(filepath.Join(repository, config.RepositoryFolder))
				if err != nil || len(files) != len(remotesIn(t, repository)) {
					t.Errorf("killed before step %d, there are the files %v, %v", step, files, err)
				}
				if !killed {
					if step < 3 {
						t.Fatalf("it has only %d steps", step-1)
					}
					return
				}
			}
		})
	}
}

// TestOfSeveralRemotesAllAreAddedOrNone has the last of three fail, for each reason, and looks for
// the first.
func TestOfSeveralRemotesAllAreAddedOrNone(t *testing.T) {
	for name, test := range map[string]struct {
		last    string
		setting string
		want    string
	}{
		"does not load":    {"c", "prune=all", `prune = "all"`},
		"is there":         {"hand", "tags=none", `there is a remote "hand" already: `},
		"is given twice":   {"b", "tags=all", `remote "b" is given twice`},
		"differs in case":  {"HAND", "tags=all", `there is a remote "hand" already: `},
		"has another file": {"other", "tags=all", `other.toml is there already, and has no remote "other"`},
	} {
		t.Run(name, func(t *testing.T) {
			repository := newRepository(t)
			writeFile(t, filepath.Join(repository, config.RepositoryFile), "[[remote]]\nname = \"hand\"\nurl = \"/srv/hand.git\"\n", 0o600)
			writeFile(t, filepath.Join(repository, config.RepositoryFolder, "other.toml"), "# mine\n", 0o600)
			added, err := newRemotes(repository).Add(t.Context(), []*config.Draft{draft(t, "a"), draft(t, "b"), draft(t, test.last, test.setting)}, nil)
			if err == nil || len(added) > 0 || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, %v, want %q", added, err, test.want)
			}
			if files := slices.Sorted(maps.Keys(remotesIn(t, repository))); !slices.Equal(files, []string{"hand"}) {
				t.Errorf("there is %q", files)
			}
		})
	}
}

// TestWhatFailsInTheMiddleIsUndone has the second of two remotes find its name taken when it is
// written.
func TestWhatFailsInTheMiddleIsUndone(t *testing.T) {
	repository := newRepository(t)
	r := newRemotes(repository)
	taken := filepath.Join(repository, config.RepositoryFolder, "b.toml")
	r.step = func() {
		if _, err := os.Lstat(filepath.Join(repository, config.RepositoryFolder, "a.toml")); err == nil {
			_ = os.Mkdir(taken, 0o700)
		}
	}
	_, err := r.Add(t.Context(), []*config.Draft{draft(t, "a"), draft(t, "b")}, nil)
	if !errors.Is(err, errChanged) {
		t.Errorf("the error is %v", err)
	}
	if err := os.Remove(taken); err != nil {
		t.Error(err)
	}
	if left, err := fs.Glob(os.DirFS(filepath.Join(repository, config.RepositoryFolder)), "*"); err != nil || len(left) > 0 {
		t.Errorf("there is %q, %v", left, err)
	}
}

// TestARemoteGoesWhateverElseIsBroken removes one of ours beside a file that does not load, and
// changes none.
func TestARemoteGoesWhateverElseIsBroken(t *testing.T) {
	repository := newRepository(t)
	if _, err := newRemotes(repository).Add(t.Context(), []*config.Draft{draft(t, "m"), draft(t, "n")}, nil); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(repository, config.RepositoryFile)
	writeFile(t, broken, "this is no TOML\n", 0o600)
	if changed, err := newRemotes(repository).Set(t.Context(), "m", setting("tags", "none")); err == nil || changed {
		t.Errorf("it was changed, although nothing loads: %v", err)
	}
	if _, err := newRemotes(repository).Remove(t.Context(), "m"); err != nil {
		t.Error(err)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	if now := remotesIn(t, repository); len(now) != 1 || now["n"] != config.TagsAll {
		t.Errorf("there is %v", now)
	}

	// What is broken is mended by setting it: here the whole loads again by the change.
	writeFile(t, broken, "protected_branches = [\"main\"]\n", 0o600)
	if _, err := newRemotes(repository).Set(t.Context(), "n", setting("only_protected_branches", "true")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(config.Sources{Repository: repository}); err == nil {
		t.Fatal("it loads without any protected branches")
	}
	if changed, err := newRemotes(repository).Set(t.Context(), "n", Change{Set: func(d *config.Draft) error { return d.SetArgument("only_protected_branches", "") }}); err != nil || !changed {
		t.Errorf("%v, %v", changed, err)
	}
	if now := remotesIn(t, repository); now["n"] != config.TagsAll {
		t.Errorf("there is %v", now)
	}
}
