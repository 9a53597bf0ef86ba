package install

import (
	"errors"
	"path/filepath"
)

// hookMode lets everybody who may enter the repository run the hook: whoever pushes does.
const hookMode = 0o755

// upToDate reports whether a hook is the one that would be written.
func (i Installer) upToDate(f found) bool {
	return f.kind == ours && f.info.Mode().Perm() == hookMode && string(f.text) == string(script(i.Program))
}

// installPlain makes ours the only post-receive that git runs, and the one that is there
// the one that ours runs.
func (i Installer) installPlain(t *tree) (Result, error) {
	there, former, err := t.lookBoth()
	if err != nil {
		return Result{}, err
	}
	result := Result{Done: Installed, Hook: plainHook}
	keep := false
	switch {
	case there.kind == odd || former.kind == odd:
		return Result{}, notAFile(there, plainHook)
	case there.kind == changed:
		return Result{}, changedError(plainHook)
	case former.kind == changed: // it could run itself for ever
		return Result{}, changedError(formerHook)
	case there.kind == calling && !isExecutable(filepath.Join(t.dir, plainHook)):
		return Result{}, notExecutable(plainHook, filepath.Join(t.dir, plainHook))
	case there.kind == calling:
		return Result{Unchanged, plainHook, "it is not ours, and runs git-push-mirror already"}, nil
	case there.isOurs():
		result.Done = Updated
		if i.upToDate(there) && !former.isOurs() {
			return Result{Done: Unchanged, Hook: plainHook}, i.sweep(t)
		}
	case there.kind == foreign && former.kind == foreign && !same(there, former):
		return Result{}, &RefusedError{
			"there are two hooks of somebody else's, " + plainHook + " and " + formerHook + ", and ours can run only one",
			"have one of them run the other, or remove the one that is no longer wanted",
		}
	case there.kind == foreign:
		keep = former.kind != foreign
		result.Note = "the hook that was there is run by it, as " + formerHook
	}
	if i.DryRun {
		return result, nil
	}
	return result, i.putPlain(t, there, former, keep)
}

// putPlain writes the hook, has the one that is there keep a second name, and only then
// takes its first. Killed in between, the one that is there is still run, once.
func (i Installer) putPlain(t *tree, there, former found, keep bool) error {
	if err := t.mkdir(hooksFolder); err != nil {
		return err
	}
	written, err := t.write(hooksFolder, script(i.Program), hookMode)
	if err != nil {
		return err
	}
	if former.isOurs() { // it would run itself for ever
		if err := t.remove(formerHook); err != nil {
			return errors.Join(err, t.remove(written))
		}
	}
	if there.kind == absent {
		return t.create(written, plainHook)
	}
	if keep {
		if err := t.double(plainHook, there, formerHook); err != nil {
			return errors.Join(err, t.remove(written))
		}
	}
	if err := t.replace(written, plainHook); err != nil {
		if keep {
			err = errors.Join(err, t.unkeep())
		}
		return err
	}
	return nil
}

// unkeep takes the second name of the hook that is there away again, if it has its first.
func (t *tree) unkeep() error {
	there, former, err := t.lookBoth()
	if err != nil || there.kind != foreign || former.kind != foreign || !same(there, former) {
		return err
	}
	return t.remove(formerHook)
}

// changedError tells of a hook of ours that somebody has changed: what they added must not be lost.
func changedError(name string) error {
	return &RefusedError{
		name + " was changed after it was installed, and runs git-push-mirror no more",
		"move what was added into a hook of its own and remove " + name + ", then install",
	}
}

func notAFile(there found, name string) error {
	if there.kind != odd {
		name = formerHook
	}
	return &RefusedError{name + " is neither a file nor a link", "remove it: git could not run it"}
}
