package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/urfave/cli/v2"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
)

// recursiveFlag makes a command act on many repositories.
func recursiveFlag() cli.Flag {
	return &cli.BoolFlag{Name: "recursive", Usage: "act on every bare repository below the directory, or below root"}
}

// repository is one that a command is about: opened, or with the error of opening it.
type repository struct {
	dir      string
	root     string // below which --recursive found it
	folder   bool   // that cannot be looked into, so that it is not known what is in it
	upstream *pushmirror.Upstream
	err      error
}

// repositories gives the repository that a command is about or, with --recursive, each below the
// root. One of many that cannot be opened does not stop the others.
func (inv invocation) repositories(c *cli.Context) ([]repository, error) {
	if !c.Bool("recursive") {
		repo, err := inv.find(c)
		if err != nil {
			return nil, err
		}
		upstream, err := pushmirror.Open(c.Context, repo, inv.getenv)
		if err != nil {
			return nil, err
		}
		return []repository{{dir: upstream.Dir(), upstream: upstream}}, nil
	}
	g, err := git.New(inv.env)
	if err != nil {
		return nil, err
	}
	root, err := inv.root(c)
	if err != nil {
		return nil, err
	}
	found, err := reposBelow(c.Context, []string{root}, "name another one with -C DIR")
	concurrently(len(found), func(i int) {
		if r := &found[i]; !r.folder {
			r.upstream, r.err = inv.openAt(c.Context, g, r.dir)
		}
	})
	return found, err
}

// reposBelow finds the bare repositories below directories, and the folders that cannot be looked
// into. The hint is for directories without any.
func reposBelow(ctx context.Context, roots []string, hint string) ([]repository, error) {
	var all []repository
	for _, root := range roots {
		dirs, failed, err := pushmirror.BareRepositories(ctx, root)
		switch {
		case err != nil:
			return nil, err
		case errors.Is(failed[root], fs.ErrNotExist):
			return nil, usageError{fmt.Errorf("there is no directory %s", root), hint}
		}
		for _, dir := range dirs {
			all = append(all, repository{dir: dir, root: root})
		}
		for _, dir := range slices.Sorted(maps.Keys(failed)) {
			all = append(all, repository{dir: dir, root: root, folder: true, err: failed[dir]})
		}
	}
	if len(all) == 0 {
		return nil, usageError{fmt.Errorf("there is no bare repository below %s", strings.Join(roots, ", ")), hint}
	}
	return all, nil
}

// knownSomewhere refuses names of remotes that no repository has.
func knownSomewhere(repositories []repository, names []string) error {
	for _, name := range names {
		has := func(r repository) bool {
			if r.err != nil {
				return true // it may
			}
			_, err := r.upstream.Select([]string{name})
			return err == nil
		}
		if !slices.ContainsFunc(repositories, has) {
			return usageError{fmt.Errorf("no repository here has a remote %q", name), "git push-mirror status --recursive shows those there are"}
		}
	}
	return nil
}

// concurrently calls do with the numbers below n, a few at a time.
func concurrently(n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(n, 2*runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// root is the directory that --recursive searches, without links: -C DIR or where we are, to which
// git's own -C DIR leads too. Unless -C names it, the root of the system's configuration takes its
// place if it lies below, or if no repository does: a service starts in /, and would search it all.
func (inv invocation) root(c *cli.Context) (string, error) {
	dir, err := resolved(inv.directory(c))
	if err != nil || c.IsSet("C") {
		return dir, err
	}
	site, err := config.Load(config.DefaultSources(inv.getenv, ""))
	if err != nil || site.Root == "" {
		return dir, err
	}
	root, err := resolved(site.Root)
	if err != nil {
		return "", err
	}
	if down, err := filepath.Rel(dir, root); err == nil && filepath.IsLocal(down) {
		return root, nil
	}
	here, _, err := pushmirror.BareRepositories(c.Context, dir)
	if len(here) > 0 {
		return dir, err
	}
	return root, err
}

// resolved is the path of a directory without links.
func resolved(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		return real, nil
	}
	return dir, nil
}

// directory is where a command acts: -C DIR or where we are.
func (inv invocation) directory(c *cli.Context) string {
	return inv.path(c.String("C"))
}

// path is a path that an argument names, from where we are.
func (inv invocation) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(inv.dir, name)
}

// findOurs finds the repository that a command is about, if we may act on it.
func (inv invocation) findOurs(c *cli.Context) (*git.Repository, error) {
	repo, err := inv.find(c)
	if err == nil {
		err = pushmirror.Trust(c.Context, repo)
	}
	return repo, err
}

// find finds the repository that -C, $GIT_DIR or the working directory leads to, whether or not we
// may act on it.
func (inv invocation) find(c *cli.Context) (*git.Repository, error) {
	g, err := git.New(inv.env)
	if err != nil {
		return nil, err
	}
	gitDir := inv.getenv("GIT_DIR")
	if c.IsSet("C") {
		gitDir = ""
	}
	dir, err := filepath.Abs(inv.directory(c))
	if err != nil {
		return nil, fmt.Errorf("finding the repository: %w", err)
	}
	repo, err := g.Find(c.Context, dir, gitDir)
	if errors.Is(err, git.ErrNoRepository) {
		return nil, usageError{err, "go to a bare repository, or name it with -C DIR"}
	}
	return repo, err
}

// openAt opens the repository of a GIT_DIR, if we may act on it.
func (inv invocation) openAt(ctx context.Context, g *git.Git, dir string) (*pushmirror.Upstream, error) {
	repo, err := g.Open(dir)
	if err != nil {
		return nil, err
	}
	return pushmirror.Open(ctx, repo, inv.getenv)
}
