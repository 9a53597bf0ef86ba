package install

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// installBeside adds ours to a folder of hooks that are all run.
func (i Installer) installBeside(t *tree, name string) (Result, error) {
	folder := filepath.Dir(name)
	others, err := t.entries(folder)
	if err != nil {
		return Result{}, err
	}
	for other, f := range others {
		if path := filepath.Join(t.dir, other); f.kind == calling && !isExecutable(path) {
			return Result{}, notExecutable(other, path)
		}
		if f.kind == calling || f.kind == program || f.kind == ours && other != name {
			return Result{Unchanged, other, "it runs git-push-mirror already"}, nil
		}
	}
	there := others[name]
	result := Result{Done: Installed, Hook: name}
	switch {
	case there.kind == ours:
		result.Done = Updated
		if i.upToDate(there) {
			return Result{Done: Unchanged, Hook: name}, i.sweep(t)
		}
	case there.kind == changed:
		return Result{}, changedError(name)
	case there.kind != absent:
		return Result{}, &RefusedError{name + " is somebody else's", "give it another name"}
	}
	if i.DryRun {
		return result, nil
	}
	// What is written is not in the folder until it is complete: all that is there is run.
	above := filepath.Dir(folder)
	if err := errors.Join(t.mkdir(above), t.mkdir(folder)); err != nil {
		return Result{}, err
	}
	written, err := t.write(above, script(i.Program), hookMode)
	if err != nil {
		return Result{}, err
	}
	if there.kind == absent {
		return result, t.create(written, name)
	}
	return result, t.replace(written, name)
}

// entries are the hooks in a folder, by their names from the repository's folder.
func (t *tree) entries(folder string) (map[string]found, error) {
	all := map[string]found{}
	list, err := fs.ReadDir(t.root.FS(), folder)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	for _, entry := range list {
		name := filepath.Join(folder, entry.Name())
		f, err := t.look(name)
		if err != nil {
			return nil, err
		}
		if f.kind != absent {
			all[name] = f
		}
	}
	return all, err
}
