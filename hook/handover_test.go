package hook

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
)

// Git tells a hook of a symbolic ref by its own name. What it leads to is what a remote may get.
func TestAPushConcernsWhatItMayHaveChanged(t *testing.T) {
	main := config.Remote{Name: "main", Enabled: true, Branches: config.PatternFilter("main"), Tags: config.TagsNone}
	files, tables := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"alias": "ref: refs/heads/main\n", "other": "ref: refs/heads/alias\n", "astray": "ref: refs/heads/topic\n",
		"3": "ref: refs/heads/other", "4": "ref:refs/heads/3\n", "5": "ref: \trefs/heads/4 \n", "6": "ref: refs/heads/5\n", "round": "ref: refs/heads/round\n", "../tags/alias": "ref: refs/heads/main\n",
		"../notes/alias": "ref: refs/heads/main\n", "by-notes": "ref: refs/notes/alias\n",
	} {
		path := filepath.Join(files, "refs/heads", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(files, "refs/heads/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(tables, "reftable"), 0o700); err != nil {
		t.Fatal(err)
	}
	var many []string
	for i := range maxTargets + 1 {
		many = append(many, fmt.Sprintf("refs/heads/topic/%d", i))
	}
	for _, c := range []struct {
		name       string
		repository string
		pushed     []string
		want       bool
	}{
		{"the branch itself", files, []string{"refs/heads/main"}, true},
		{"another", files, []string{"refs/heads/topic"}, false},
		{"a symbolic ref to it", files, []string{"refs/heads/topic", "refs/heads/alias"}, true},
		{"one to that", files, []string{"refs/heads/other"}, true},
		{"one to another that is no branch", files, []string{"refs/heads/by-notes"}, true},
		{"a symbolic ref that is neither", files, []string{"refs/notes/alias"}, true},
		{"a symbolic tag", files, []string{"refs/tags/alias"}, true},
		{"as many as git follows", files, []string{"refs/heads/5"}, true},
		{"more than git follows", files, []string{"refs/heads/6"}, false},
		{"one that leads to itself", files, []string{"refs/heads/round"}, false},
		{"what is no file", files, []string{"refs/heads/pipe"}, false},
		{"one that leads elsewhere", files, []string{"refs/heads/astray"}, false},
		{"as many others as are looked at", files, many[:maxTargets], false},
		{"more than are looked at", files, many, true},
		{"refs that cannot be looked at", tables, []string{"refs/heads/topic"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var changes []change
			for _, name := range c.pushed {
				changes = append(changes, change{name: git.RefName(name)})
			}
			off := main
			off.Enabled = false
			if got := concernedBy([]config.Remote{off, main}, c.repository, changes); len(got) == 1 != c.want || len(got) > 1 {
				t.Errorf("%d remotes are concerned", len(got))
			}
		})
	}
}

// Where a service delivers, a list that it does not look at would hide that it is not told.
func TestNoListOfItsOwnIsMadeWhereAServiceDelivers(t *testing.T) {
	repository := t.TempDir()
	blocked := filepath.Join(repository, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h := Hook{Env: []string{"PUSH_MIRROR_STATE_DIR=" + blocked}}
	if err := h.enqueue(repository, "", config.StartNever); err == nil {
		t.Error("nobody is told that the service is not")
	}
	if entries, err := os.ReadDir(repository); err != nil || len(entries) != 1 {
		t.Errorf("there are %v, %v", entries, err)
	}
}
