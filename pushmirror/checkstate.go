package pushmirror

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/queue"
	"git-push-mirror/pushmirror/state"
)

// stateFolder looks whether the state of the remotes can be kept.
func (l *localCheck) stateFolder() Finding {
	folder := state.Folder(l.Dir())
	if err := probe(folder); err != nil {
		return fail("state_folder", fmt.Sprintf("%s cannot be written to: %v", folder, err), roomOrRight(err))
	}
	return ok("state_folder", folder)
}

// state looks whether what is remembered of a mirror can be read.
func (l *localCheck) state(remote config.Remote) []Finding {
	dir, err := state.Of(l.Dir(), remote.Name)
	if err == nil {
		_, err = dir.Record()
	}
	if err == nil {
		_, err = dir.Seen(remote.URL.Identity())
	}
	if err != nil {
		return []Finding{failure("state", err)}
	}
	return nil
}

// stateDir looks whether the worker can keep its list.
func (l *localCheck) stateDir() Finding {
	const check = "state_dir"
	dir, err := queue.Dir(l.getenv, l.config.StateDir)
	if err != nil {
		return fail(check, err.Error(), cmp.Or(HintOf(err), "name one with state_dir in the system's file"))
	}
	if err = probe(dir); err != nil && l.config.Worker.Start == config.StartHook {
		own := queue.OwnDir(l.Dir())
		l.queue = queue.Look(own)
		return warn(check, fmt.Sprintf("%s cannot be written to: %v; %s takes its place", dir, err, own), roomOrRight(err))
	} else if err != nil {
		return fail(check, fmt.Sprintf("%s cannot be written to: %v", dir, err), roomOrRight(err))
	}
	l.queue = queue.Look(dir)
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return ok(check, dir+" is made by the first push")
	case info.Mode().Perm()&0o002 != 0:
		return fail(check, fmt.Sprintf("everybody can write to %s (mode %04o)", dir, info.Mode().Perm()), "chmod o-rwx "+git.ShellQuote(dir))
	case info.Mode().Perm()&0o005 != 0:
		return warn(check, fmt.Sprintf("everybody can look into %s (mode %04o)", dir, info.Mode().Perm()), "chmod o-rwx "+git.ShellQuote(dir))
	}
	return ok(check, dir)
}

// probe writes a file into a folder or, where there is none yet, into that which it is to be
// made in, and removes it.
func probe(dir string) error {
	info, err := os.Stat(dir)
	for errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir) {
		if _, linkErr := os.Lstat(dir); linkErr == nil {
			return errors.New("it is a link to nowhere")
		}
		dir = filepath.Dir(dir)
		info, err = os.Stat(dir)
	}
	if err != nil {
		return reasonOf(err)
	}
	if !info.IsDir() {
		return errors.New("it is no folder")
	}
	f, err := os.CreateTemp(dir, ".push-mirror-check-")
	if err != nil {
		return reasonOf(err)
	}
	_, err = f.Write(bytes.Repeat([]byte{'\n'}, 4096))
	return reasonOf(errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name())))
}

// reasonOf is an error of the file system without the path.
func reasonOf(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

func roomOrRight(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "give it to the user who runs git-push-mirror"
	}
	return "see what is in the way: a file where a folder is to be, or a disk that is full or read-only"
}

// log looks whether the worker, which does not start without, can open its log.
func (l *localCheck) log() []Finding {
	path := l.config.Log.Output
	if path == config.OutputStderr || path == config.OutputJournal {
		return nil // which need no file
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		err = f.Close()
	} else if errors.Is(err, fs.ErrNotExist) {
		var info fs.FileInfo
		if info, err = os.Stat(filepath.Dir(path)); err == nil && info.IsDir() {
			err = probe(filepath.Dir(path))
		}
	}
	if err != nil {
		return []Finding{fail("log",
			fmt.Sprintf("[log] output, %s, cannot be written to, so no worker starts: %v", path, reasonOf(err)), roomOrRight(err))}
	}
	return []Finding{ok("log", path)}
}

// worker looks whether somebody takes up the work.
func (l *localCheck) worker() Finding {
	const check = "worker"
	never := l.config.Worker.Start == config.StartNever
	if l.queue == nil {
		if never {
			return fail(check, `none has run yet, and [worker] start = "never" has hooks start none`, startService)
		}
		return ok(check, "none has run yet, the hook starts one")
	}
	working, err := l.queue.Working()
	if err != nil {
		return failure(check, err)
	}
	worked, err := l.queue.Worked()
	if err != nil {
		return failure(check, err)
	}
	waiting, err := l.waiting()
	if err != nil {
		return failure(check, err)
	}
	said := "none runs, and none has run yet"
	if working && worked.IsZero() {
		said = "one runs" // and could not write since when, on a full disk
	} else if working {
		said = "one has been running since " + state.At(worked).String()
	} else if !worked.IsZero() {
		said = "none runs, the last one began at " + state.At(worked).String()
	}
	old := !waiting.IsZero() && l.clock().Sub(waiting) > young
	if old {
		said += "; work has been waiting since " + state.At(waiting).String()
	}
	switch {
	case !working && never:
		return fail(check, said, startService)
	case old && !working:
		return fail(check, said, "git push-mirror worker --until-idle takes it up; "+l.seeLog())
	case l.unknown():
		return warn(check, said+"; none knows this repository, as after a move", "git push-mirror sync makes it known")
	case old:
		return warn(check, said, "git push-mirror status tells what for; "+l.seeLog())
	}
	return ok(check, said)
}

const startService = "have a service run git-push-mirror worker: systemctl enable --now git-push-mirror"

// seeLog says where a worker logs.
func (l *localCheck) seeLog() string {
	switch output := l.config.Log.Output; output {
	case config.OutputStderr:
		return "what the last one said is in " + l.queue.Log()
	case config.OutputJournal:
		return "what the last one said is in the journal: journalctl -u git-push-mirror"
	default:
		return "what the last one said is in " + output
	}
}

// waiting is since when work waits here for a worker to take it up; the zero Time if none does.
func (l *localCheck) waiting() (time.Time, error) {
	oldest, err := l.queue.Waiting(l.Dir())
	if err != nil {
		return oldest, err
	}
	names := []string{""} // the repository as a whole
	for _, remote := range l.config.Remotes {
		if remote.Enabled {
			names = append(names, remote.Name)
		}
	}
	for _, name := range names {
		dir, err := state.Of(l.Dir(), name)
		if err != nil {
			return oldest, err
		}
		since, marked, err := dir.Marked()
		if err != nil {
			return oldest, err
		}
		if marked && (oldest.IsZero() || since.Before(oldest)) {
			oldest = since.Time
		}
	}
	return oldest, nil
}
