package pushmirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/queue"
	"git-push-mirror/pushmirror/state"
)

func (c Checkup) git(ctx context.Context) Finding {
	version, err := c.Repo.Git().Version(ctx)
	if err != nil {
		return failure("git", err)
	}
	return ok("git", version.Text)
}

// owner tells whose the repository is, and whether we may act in it.
func (c Checkup) owner(ctx context.Context) (Finding, bool) {
	if err := Trust(ctx, c.Repo); err != nil {
		return failure("owner", err), false
	}
	info, err := os.Stat(c.Repo.Dir())
	if err != nil {
		return failure("owner", err), false
	}
	uid, known := ownerOf(info)
	switch {
	case !known || uid == os.Geteuid():
		return ok("owner", "the repository belongs to the user who runs this"), true
	case uid == 0:
		return ok("owner", "the repository belongs to root"), true
	}
	return ok("owner", fmt.Sprintf("the repository belongs to %s, and git's safe.directory names it", userName(uid))), true
}

func (c Checkup) bare(ctx context.Context) Finding {
	bare := filepath.Base(c.Repo.Dir()) != ".git" // as git guesses
	settings, err := c.Repo.Settings(ctx, `^core\.bare$`)
	if err != nil {
		return failure("bare", err)
	}
	for _, s := range settings {
		bare = slices.Contains([]string{"true", "yes", "on", "1"}, strings.ToLower(s.Value))
	}
	if !bare {
		return warn("bare", "the repository has a work tree, and git refuses pushes to the branch that is checked out there",
			"git clone --bare makes a repository that can be pushed to")
	}
	return ok("bare", c.Repo.Dir()+" is a bare repository")
}

func (c Checkup) hook(ctx context.Context) Finding {
	how, err := c.Hook(ctx, c.Repo)
	if err != nil {
		return failure("hook", err)
	}
	return ok("hook", how)
}

// localCheck looks at what is on this machine. What the remotes share is read once.
type localCheck struct {
	*Upstream
	env func(string) string

	explain    sync.Once
	inForce    []config.InForce
	explainErr error

	upstream git.Refs
	head     git.RefName
	refsErr  error

	queue *queue.Queue // nil: there is none yet, or it cannot be used

	others     sync.Once
	elsewheres []elsewhere
}

func (l *localCheck) sources(ctx context.Context) config.Sources {
	return sources(l.repo, l.env, trusts(ctx, l.repo))
}

// places tells of the files that the configuration is read from.
func (l *localCheck) places() []Finding {
	system, own, folder := sources(l.repo, l.env, nil).Places()
	findings := make([]Finding, 0, len(l.config.Files)+1)
	for _, file := range l.config.Files {
		findings = append(findings, ok("config", file))
	}
	for _, place := range []string{system, own, folder} {
		if slices.ContainsFunc(l.config.Files, func(file string) bool { return file == place || filepath.Dir(file) == place }) {
			continue
		}
		if _, err := os.Lstat(place); err == nil && place != folder {
			findings = append(findings, warn("config", place+" is not read", "the system's file has repository_config = false: ask whoever keeps that to add the remote"))
		} else {
			findings = append(findings, ok("config", place+" is not there"))
		}
	}
	return findings
}

func (l *localCheck) remotes() Finding {
	on := 0
	for _, remote := range l.config.Remotes {
		if remote.Enabled {
			on++
		}
	}
	switch all := len(l.config.Remotes); {
	case all == 0:
		return fail("remotes", "no remote is configured for this repository", "git push-mirror init NAME URL")
	case on == 0:
		return warn("remotes", "every remote is switched off", "set enabled = true for one")
	case on < all:
		return ok("remotes", fmt.Sprintf("%d, of which %d switched off", all, all-on))
	default:
		return ok("remotes", strconv.Itoa(all))
	}
}

// refs looks at the refs here: what HEAD names, and what protected_branches match.
func (l *localCheck) refs(ctx context.Context) []Finding {
	head, err := l.repo.Head(ctx)
	if err == nil {
		l.upstream, l.head, err = l.repo.Refs(ctx, nil)
	}
	if l.refsErr = err; err != nil {
		return []Finding{failure("head", err)}
	}
	findings := []Finding{l.headFinding(head)}
	var branches []string
	for _, ref := range l.upstream {
		if ref.Name.IsBranch() {
			branches = append(branches, ref.Name.Short())
		}
	}
	for _, pattern := range l.config.ProtectedBranches {
		if len(branches) > 0 && !slices.ContainsFunc(branches, config.PatternFilter(pattern).Match) {
			findings = append(findings, warn("branches", fmt.Sprintf("no branch here matches %q of protected_branches", pattern),
				"the whole name has to match, without refs/heads/; git -C "+ShellQuote(l.Dir())+" branch lists them"))
		}
	}
	return findings
}

func (l *localCheck) headFinding(head git.RefName) Finding {
	name := "git -C " + ShellQuote(l.Dir()) + " symbolic-ref HEAD refs/heads/BRANCH"
	prunes := slices.ContainsFunc(l.config.Remotes, func(r config.Remote) bool { return r.Enabled && r.Prune != config.PruneNever })
	switch {
	case l.head != "":
		return ok("head", "HEAD names "+string(head))
	case len(l.upstream) == 0:
		return ok("head", "the repository is empty")
	case prunes:
		return fail("head", "HEAD names no branch that exists here, so nothing is deleted from the mirrors", name)
	}
	return warn("head", "HEAD names no branch that exists here, so clones check out nothing", name)
}

// stateFolder looks whether the state of the remotes can be kept.
func (l *localCheck) stateFolder() Finding {
	folder := filepath.Join(l.Dir(), "push-mirror")
	if err := probe(folder); err != nil {
		return fail("state_folder", fmt.Sprintf("%s cannot be written to: %v", folder, err), roomOrRight(err))
	}
	return ok("state_folder", folder)
}

// stateDir looks whether the worker can keep its list.
func (l *localCheck) stateDir() Finding {
	const check = "state_dir"
	dir, err := queue.Dir(l.env("PUSH_MIRROR_STATE_DIR"), l.config.StateDir)
	if err != nil {
		return fail(check, err.Error(), "name one with state_dir in the system's file")
	}
	if err = probe(dir); err != nil && l.config.Worker.Start == config.StartHook {
		own := filepath.Join(l.Dir(), "push-mirror", ".worker")
		l.openQueue(own)
		return warn(check, fmt.Sprintf("%s cannot be written to: %v; %s takes its place", dir, err, own), roomOrRight(err))
	} else if err != nil {
		return fail(check, fmt.Sprintf("%s cannot be written to: %v", dir, err), roomOrRight(err))
	}
	l.openQueue(dir)
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return ok(check, dir+" is made by the first push")
	case info.Mode().Perm()&0o002 != 0:
		return fail(check, fmt.Sprintf("everybody can write to %s (mode %04o)", dir, info.Mode().Perm()), "chmod o-rwx "+ShellQuote(dir))
	case info.Mode().Perm()&0o005 != 0:
		return warn(check, fmt.Sprintf("everybody can look into %s (mode %04o)", dir, info.Mode().Perm()), "chmod o-rwx "+ShellQuote(dir))
	}
	return ok(check, dir)
}

// openQueue takes a queue for the one that the worker has, if it was made before.
func (l *localCheck) openQueue(dir string) {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		l.queue, _ = queue.Open(dir)
	}
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
		return []Finding{fail("log", fmt.Sprintf("[log] output, %s, cannot be written to, so no worker starts: %v", path, reasonOf(err)), roomOrRight(err))}
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
	if working {
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

// filter tells which of the refs here go to a remote.
func (l *localCheck) filter(ctx context.Context, remote config.Remote) Finding {
	through, err := l.through(ctx, remote)
	if err != nil {
		return failure("filter", err)
	}
	var all, out tally
	for _, ref := range l.upstream {
		if ref.Symref == "" {
			all.add(ref.Name)
		}
	}
	for name := range through {
		out.add(name)
	}
	text := fmt.Sprintf("%d of %s and %d of %s go there", out.branches, count(all.branches, "branch", "branches"), out.tags, count(all.tags, "tag", "tags"))
	switch {
	case len(l.upstream) == 0:
		return ok("filter", "there is no ref yet that could go there")
	case len(through) > 0:
		return ok("filter", text)
	case remote.MirrorBranchRegex != "":
		return warn("filter", text, fmt.Sprintf("look at mirror_branch_regex, which a whole name has to match: %q", remote.MirrorBranchRegex))
	}
	return warn("filter", text, "look at protected_branches, or set only_protected_branches = false for this remote")
}

// tally counts refs.
type tally struct{ branches, tags int }

func (t *tally) add(name git.RefName) {
	if name.IsBranch() {
		t.branches++
	} else {
		t.tags++
	}
}

// through are the refs here that the filter of a remote lets through: those that would be
// pending if the mirror were empty.
func (l *localCheck) through(ctx context.Context, remote config.Remote) (map[git.RefName]bool, error) {
	if l.refsErr != nil {
		return nil, l.refsErr
	}
	return l.Upstream.through(ctx, remote, l.upstream, l.head)
}

func (u *Upstream) through(ctx context.Context, remote config.Remote, refs git.Refs, head git.RefName) (map[git.RefName]bool, error) {
	in := plan.Input{Remote: remote, Upstream: refs, Default: head}
	outside, err := u.outside(ctx, in)
	if err != nil {
		return nil, err
	}
	through := map[git.RefName]bool{}
	for _, name := range in.Pending(outside) {
		through[name] = true
	}
	return through, nil
}
