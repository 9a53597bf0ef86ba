package pushmirror

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/git"
)

// Upstream is a repository whose remotes are kept up to date. It can be used from many goroutines.
type Upstream struct {
	repo   *git.Repository
	config *config.Config
	clock  func() time.Time
	getenv func(string) string
}

// Open reads the configuration of a repository on behalf of a person or a worker; getenv gives
// environment variables. The repository has to belong to the user who runs us or to root, as
// do its configuration files, or git's safe.directory has to name it: an *OwnerError tells
// that it does not. Its error is a config.Errors when the configuration is at fault.
func Open(ctx context.Context, repo *git.Repository, getenv func(string) string) (*Upstream, error) {
	if err := Trust(ctx, repo); err != nil {
		return nil, err
	}
	return open(repo, Sources(ctx, repo, getenv), getenv)
}

// Sources is where the configuration of a repository is for a person or a worker who may act on
// it, as Trust tells.
func Sources(ctx context.Context, repo *git.Repository, getenv func(string) string) config.Sources {
	sources := config.DefaultSources(getenv, repo.Dir())
	sources.Trusted = func() bool {
		safe, err := repo.IsSafe(ctx)
		return err == nil && safe
	}
	return sources
}

// OpenInHook is Open in a hook: git runs it in a repository that git trusts.
func OpenInHook(repo *git.Repository, getenv func(string) string) (*Upstream, error) {
	sources := config.DefaultSources(getenv, repo.Dir())
	sources.Trusted = func() bool { return true }
	return open(repo, sources, getenv)
}

func open(repo *git.Repository, sources config.Sources, getenv func(string) string) (*Upstream, error) {
	cfg, err := config.Load(sources)
	if err != nil {
		return nil, err
	}
	return &Upstream{repo: repo, config: cfg, clock: time.Now, getenv: getenv}, nil
}

// Unconfigured is Open without a configuration, for what needs none: one that is broken must not
// hide the log.
func Unconfigured(repo *git.Repository, getenv func(string) string) *Upstream {
	return &Upstream{repo: repo, config: &config.Config{}, clock: time.Now, getenv: getenv}
}

// Dir is the repository's folder, absolute.
func (u *Upstream) Dir() string { return u.repo.Dir() }

// gone reports whether the repository has been moved or deleted since it was opened.
func (u *Upstream) gone() bool {
	_, err := u.repo.Git().Open(u.Dir())
	return errors.Is(err, git.ErrNoRepository)
}

// Repository is the repository itself.
func (u *Upstream) Repository() *git.Repository { return u.repo }

// Hook is the configuration of what pushers meet.
func (u *Upstream) Hook() config.Hook { return u.config.Hook }

// Worker is the configuration of the deliveries in the background.
func (u *Upstream) Worker() config.Worker { return u.config.Worker }

// StateDir is the state_dir of the configuration; "" if not set.
func (u *Upstream) StateDir() string { return u.config.StateDir }

// FirstRemote is the command that gives the repository a remote when it has none: init wants no
// configuration to be there.
func (u *Upstream) FirstRemote() string {
	if _, own, _ := config.DefaultSources(u.getenv, u.repo.Dir()).Places(); slices.Contains(u.config.Files, own) {
		return "write a [[remote]] into " + own + ", or: git push-mirror remote add NAME URL"
	}
	return "git push-mirror init NAME URL"
}

// Notifies reports whether somebody is to be told of failures: the configuration has a
// [notify] command.
func (u *Upstream) Notifies() bool { return len(u.config.Notify.Command) > 0 }

// UnknownRemoteError tells of a remote that is asked for and not configured.
type UnknownRemoteError struct {
	Name  string
	Known []string
}

// Error implements error.
func (e *UnknownRemoteError) Error() string { return fmt.Sprintf("there is no remote %q", e.Name) }

// Hint names the remotes that there are.
func (e *UnknownRemoteError) Hint() string {
	if len(e.Known) == 0 {
		return "no remote is configured for this repository"
	}
	return "the remotes are: " + strings.Join(e.Known, ", ")
}

// Select gives the remotes of these names, in the order of the configuration, or
// all remotes when there are no names. A name that is not configured is an
// *UnknownRemoteError.
func (u *Upstream) Select(names []string) ([]config.Remote, error) {
	var known []string
	for _, remote := range u.config.Remotes {
		known = append(known, remote.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, &UnknownRemoteError{Name: name, Known: known}
		}
	}
	if len(names) == 0 {
		return u.config.Remotes, nil
	}
	var selected []config.Remote
	for _, remote := range u.config.Remotes {
		if slices.Contains(names, remote.Name) {
			selected = append(selected, remote)
		}
	}
	return selected, nil
}

// remote finds a remote by its name.
func (u *Upstream) remote(name string) (config.Remote, bool) {
	for _, remote := range u.config.Remotes {
		if remote.Name == name {
			return remote, true
		}
	}
	return config.Remote{}, false
}

// OwnerError tells of a repository that belongs to somebody else.
type OwnerError struct {
	Dir   string
	Owner string
	Root  bool // we are root
}

// Error implements error.
func (e *OwnerError) Error() string { return fmt.Sprintf("%s belongs to %s", e.Dir, e.Owner) }

// Hint is the command that works.
func (e *OwnerError) Hint() string {
	if e.Root {
		return fmt.Sprintf("run it as %s: sudo -u %s git -C %s push-mirror …", e.Owner, e.Owner, git.ShellQuote(e.Dir))
	}
	return fmt.Sprintf("run it as %s, or trust the repository: git config --global --add safe.directory %s", e.Owner, git.ShellQuote(e.Dir))
}

// Trust checks that a person or a worker may act on a repository: an *OwnerError tells that it
// is somebody else's. Root may not act in anybody else's either, since files that root makes
// there would be in the owner's way.
func Trust(ctx context.Context, repo *git.Repository) error {
	info, err := os.Stat(repo.Dir())
	if err != nil {
		return fmt.Errorf("opening the repository: %w", err)
	}
	owner, us := disk.InodeOf(info).UID, os.Geteuid()
	if owner == us || (owner == 0 && us != 0) {
		return nil
	}
	if us != 0 {
		if safe, err := repo.IsSafe(ctx); err != nil || safe {
			return err
		}
	}
	return &OwnerError{Dir: repo.Dir(), Owner: userName(owner), Root: us == 0}
}

// userName is what a user is called; their number if that is not known.
func userName(uid int) string {
	id := strconv.Itoa(uid)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}
