package install

import (
	"errors"
	"path/filepath"
)

// uninstall takes ours out of all places: a repository may have moved to another host, or a
// host may have changed its ways.
func (i Installer) uninstall(t *tree) (Result, error) {
	result, err := i.uninstallPlain(t)
	if err != nil {
		return Result{}, err
	}
	for _, folder := range []string{hookFolder, gitlabHooks} {
		others, err := t.entries(folder)
		if err != nil {
			continue // a link out of the repository, where we never put anything
		}
		for name, f := range others {
			if written, _ := isScript(f.text); written && !f.isOurs() {
				return Result{}, notOursError(name)
			}
			if !f.isOurs() {
				continue
			}
			if result.Done == NotThere {
				result = Result{Done: Removed, Hook: name}
			}
			if i.DryRun {
				continue
			}
			if err := t.remove(name); err != nil {
				return Result{}, err
			}
		}
	}
	if result.Done == Removed && !i.DryRun {
		t.removeEmpty(result.Hook)
	}
	return result, nil
}

// removeEmpty removes the folders of a hook that is gone, if nothing else is in them: hosts
// and git make them with something in, or not at all.
func (t *tree) removeEmpty(hook string) {
	for folder := filepath.Dir(hook); folder != "." && folder != hookFolder; folder = filepath.Dir(folder) {
		t.step()
		if t.root.Remove(folder) != nil {
			return
		}
	}
}

func (i Installer) uninstallPlain(t *tree) (Result, error) {
	nothing := Result{Done: NotThere, Hook: plainHook}
	if t.checkShared(hooksFolder) != nil {
		return nothing, nil //nolint:nilerr // where we never put anything
	}
	there, former, err := t.lookBoth()
	if err != nil {
		return Result{}, err
	}
	if former.isOurs() { // not by our doing
		if !i.DryRun {
			if err := t.remove(formerHook); err != nil {
				return Result{}, err
			}
		}
		former = found{}
	}
	result := Result{Done: Removed, Hook: plainHook}
	act := func() error { return t.remove(plainHook) }
	switch {
	case former.theirs() && (there.isOurs() || there.kind == absent):
		result.Done = Restored
		act = func() error { return t.rename(formerHook, plainHook) }
	case former.kind == foreign && there.kind == foreign && same(there, former): // what an install that was killed left
		result.Done = Restored
		act = func() error { return t.remove(formerHook) }
	case former.kind == foreign && there.kind == foreign:
		nothing.Note = plainHook + " is somebody else's, so " + formerHook + " stays where it is"
		return nothing, nil
	case there.kind == calling || there.kind == changed:
		return Result{}, notOursError(plainHook)
	case !there.isOurs():
		return nothing, i.sweep(t)
	}
	if i.DryRun {
		return result, nil
	}
	return result, errors.Join(act(), i.sweep(t))
}

// notOursError tells of a hook that runs the program, or did before somebody changed it, and that
// is not to be lost.
func notOursError(name string) error {
	return &RefusedError{name + " is not ours, although it runs git-push-mirror", "take that line out of it, or remove it"}
}

// sweep removes what runs that were killed left behind.
func (i Installer) sweep(t *tree) error {
	for _, folder := range []string{hooksFolder, gitlabFolder} {
		if i.DryRun || !t.isFolder(folder) {
			continue
		}
		if err := t.sweep(folder); err != nil {
			return err
		}
	}
	return nil
}
