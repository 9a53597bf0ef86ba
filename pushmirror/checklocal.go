package pushmirror

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/queue"
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
	switch uid := disk.InodeOf(info).UID; uid {
	case os.Geteuid():
		return ok("owner", "the repository belongs to the user who runs this"), true
	case 0:
		return ok("owner", "the repository belongs to root"), true
	default:
		return ok("owner", fmt.Sprintf("the repository belongs to %s, and git's safe.directory names it", userName(uid))), true
	}
}

func (c Checkup) bare(ctx context.Context) Finding {
	bare := filepath.Base(c.Repo.Dir()) != ".git" // as git guesses
	settings, err := c.Repo.Settings(ctx, `^core\.bare$`)
	if err != nil {
		return failure("bare", err)
	}
	for _, s := range settings {
		bare = s.IsTrue()
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
	getenv func(string) string

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

// places tells of the files that the configuration is read from.
func (l *localCheck) places() []Finding {
	system, own, folder := config.DefaultSources(l.getenv, l.repo.Dir()).Places()
	findings := make([]Finding, 0, len(l.config.Files)+1)
	for _, file := range l.config.Files {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o002 != 0 {
			findings = append(findings, warn("config",
				fmt.Sprintf("everybody can write to %s (mode %04o), which may name programs to run", file, info.Mode().Perm()),
				"chmod o-w "+git.ShellQuote(file)))
			continue
		}
		findings = append(findings, ok("config", file))
	}
	for _, place := range []string{system, own, folder} {
		if slices.ContainsFunc(l.config.Files, func(file string) bool { return file == place || filepath.Dir(file) == place }) {
			continue
		}
		if _, err := os.Lstat(place); err == nil && place != folder {
			findings = append(findings, warn("config", place+" is not read",
				"the system's file has repository_config = false: ask whoever keeps that to add the remote"))
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
		return fail("remotes", "no remote is configured for this repository", l.FirstRemote())
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
				"the whole name has to match, without refs/heads/; git -C "+git.ShellQuote(l.Dir())+" branch lists them"))
		}
	}
	return findings
}

func (l *localCheck) headFinding(head git.RefName) Finding {
	name := "git -C " + git.ShellQuote(l.Dir()) + " symbolic-ref HEAD refs/heads/BRANCH"
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

// filter tells which of the refs here go to a remote.
func (l *localCheck) filter(ctx context.Context, remote config.Remote) Finding {
	if l.refsErr != nil {
		return failure("filter", l.refsErr)
	}
	through, err := l.through(ctx, remote, l.upstream, l.head)
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

// through are those of the refs here that the filter of a remote lets through: they would be
// pending if the mirror were empty.
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
