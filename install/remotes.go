package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
)

// Remotes are the remotes of a repository that have a file each in push-mirror.d. A change is first
// loaded, with all else that is configured: what does not load is not written. A file that was
// written or changed by hand is never touched.
type Remotes struct {
	sources config.Sources
	tree    *tree  // while it is being changed, by nobody else
	step    func() // called before each change; nil in use
}

// remotesPatience is how long others are waited for that change the remotes: they may add
// thousands.
const remotesPatience = 10 * time.Minute

// NewRemotes gives the remotes of a configuration.
func NewRemotes(sources config.Sources) *Remotes { return &Remotes{sources: sources} }

// open opens the repository for a change, and waits for others that change it.
func (r *Remotes) open(ctx context.Context) error {
	t, err := openTree(ctx, r.sources.Repository, remotesPatience, r.step)
	if err != nil {
		return explain(r.sources.Repository, err)
	}
	if os.Geteuid() != t.inode.UID && os.Geteuid() != 0 {
		t.close()
		err := &RefusedError{fmt.Sprintf("%s belongs to somebody else, who could not read what you write there", t.dir), "run it as the owner"}
		if owner := ownerOf(t.dir); owner != nil {
			err.Cure = (&pushmirror.OwnerError{Dir: t.dir, Owner: owner.Username, Root: true}).Hint()
		}
		return err
	}
	r.tree = t
	return nil
}

// HandWrittenError tells of a remote that is not in a file of ours.
type HandWrittenError struct {
	Remote config.Remote
	cure   string
}

// Error implements error.
func (e *HandWrittenError) Error() string {
	return fmt.Sprintf("remote %q stands in a file that was written or changed by hand, and is left alone: %s:%d", e.Remote.Name, e.Remote.File, e.Remote.Line)
}

// Hint tells how to change it by hand.
func (e *HandWrittenError) Hint() string { return e.cure }

// Add writes the files of remotes that are new, all of them or, if one of them is wrong, none,
// and returns their names. One that is there already, exactly so, is left out. What would hold
// anyway for those that are in statuses too is not written. The error is a config.Errors if the
// configuration would not load.
func (r *Remotes) Add(ctx context.Context, drafts, statuses []*config.Draft) (added []string, err error) {
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	defer r.tree.close()
	config.Trim(r.sources, statuses)
	now, err := config.Load(r.sources)
	if err != nil {
		return nil, err
	}
	var fresh []*config.Draft
	var errs []error
	for i, d := range drafts {
		same := func(other *config.Draft) bool { return strings.EqualFold(other.Name(), d.Name()) }
		there := slices.IndexFunc(now.Remotes, func(remote config.Remote) bool { return strings.EqualFold(remote.Name, d.Name()) })
		current, ours, err := r.read(d.Name())
		switch {
		case err != nil:
			errs = append(errs, err)
		case slices.ContainsFunc(drafts[:i], same):
			errs = append(errs, &RefusedError{fmt.Sprintf("remote %q is given twice", d.Name()), "leave one of them out, or give it another name"})
		case ours && current.Text() == d.Text():
		case there >= 0:
			errs = append(errs, r.alreadyThere(now.Remotes[there], d.Name()))
		case ours || r.exists(d.Name()):
			errs = append(errs, &RefusedError{
				fmt.Sprintf("%s is there already, and has no remote %q", r.Path(d.Name()), d.Name()),
				"give that file another name, or this remote",
			})
		default:
			fresh = append(fresh, d)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if err := r.check(fresh); err != nil {
		return nil, err
	}
	for i, d := range fresh {
		if err := r.write(d, r.tree.create); err != nil {
			for _, before := range fresh[:i] {
				err = errors.Join(err, r.tree.remove(r.name(before.Name())))
			}
			return nil, err
		}
		added = append(added, d.Name())
	}
	return added, nil
}

func (r *Remotes) alreadyThere(remote config.Remote, name string) error {
	hint := "change it there, or give this one another name"
	switch {
	case remote.Name != name:
		hint = "give this one a name that differs in more than capital letters"
	case remote.File == r.Path(name) && r.isOurs(name):
		hint = "change it: git push-mirror remote set " + name + " KEY=VALUE"
	}
	return &RefusedError{fmt.Sprintf("there is a remote %q already: %s:%d", remote.Name, remote.File, remote.Line), hint}
}

// Set changes the file of a remote. It reports false if there was nothing to change. The error is a
// config.Errors if the configuration would not load, a *HandWrittenError for a remote that stands
// elsewhere.
func (r *Remotes) Set(ctx context.Context, name string, change Change) (changed bool, err error) {
	if err := r.open(ctx); err != nil {
		return false, err
	}
	defer r.tree.close()
	current, ours, err := r.read(name)
	if err != nil {
		return false, err
	}
	if now, err := config.Load(r.sources); err == nil {
		if err := r.elsewhere(now, name, change); err != nil {
			return false, err
		}
	} else if !ours {
		return false, err
	}
	d := current.Clone()
	if err := change.Set(d); err != nil {
		return false, err
	}
	if err := r.check([]*config.Draft{d}); err != nil {
		return false, err
	}
	if d.Text() == current.Text() {
		return false, nil
	}
	return true, r.write(d, r.tree.replace)
}

// A Change is what Set does to a remote. The keys that it takes out are in Unset, for those who
// have to do that by hand.
type Change struct {
	Set   func(d *config.Draft) error
	Unset []string
}

// elsewhere refuses a remote that does not stand in a file of ours.
func (r *Remotes) elsewhere(now *config.Config, name string, change Change) error {
	remote, err := find(now, name)
	if err != nil || remote.File == r.Path(name) && r.isOurs(name) {
		return err
	}
	d, err := config.NewDraft(name)
	if err != nil {
		return err
	}
	if err := change.Set(d); err != nil {
		return err
	}
	return &HandWrittenError{remote, config.ByHand(remote, d, change.Unset)}
}

func (r *Remotes) isOurs(name string) bool {
	_, ours, err := r.read(name)
	return ours && err == nil
}

// find gives a remote of a configuration.
func find(c *config.Config, name string) (config.Remote, error) {
	var known []string
	for _, remote := range c.Remotes {
		if remote.Name == name {
			return remote, nil
		}
		known = append(known, remote.Name)
	}
	return config.Remote{}, &pushmirror.UnknownRemoteError{Name: name, Known: known}
}

// Remove removes the file of a remote. If another file, such as the system's, has a remote of that
// name too, that one is in left. A configuration that did not load before need not load afterwards.
func (r *Remotes) Remove(ctx context.Context, name string) (left *config.Remote, err error) {
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	defer r.tree.close()
	_, ours, err := r.read(name)
	if err != nil {
		return nil, err
	}
	now, loadErr := config.Load(r.sources)
	if !ours {
		if loadErr != nil {
			return nil, loadErr
		}
		remote, err := find(now, name)
		if err != nil {
			return nil, err
		}
		return nil, &HandWrittenError{remote, fmt.Sprintf("take out the [[remote]] that begins on line %d", remote.Line)}
	}
	without := r.sources
	without.Instead = map[string]string{config.DraftName(name): ""}
	then, err := config.Load(without)
	if err != nil && loadErr == nil {
		return nil, err
	}
	if err := r.tree.remove(r.name(name)); err != nil {
		return nil, explain(r.tree.dir, err)
	}
	if then != nil {
		if remote, err := find(then, name); err == nil {
			left = &remote
		}
	}
	return left, nil
}

// check loads the configuration with the drafts in it, and has each of them count.
func (r *Remotes) check(drafts []*config.Draft) error {
	then, err := config.Check(r.sources, drafts)
	if err != nil {
		return err
	}
	for _, d := range drafts {
		switch remote, err := find(then, d.Name()); {
		case err != nil:
			return notCounting(r.sources)
		case remote.File != r.Path(d.Name()):
			return &HandWrittenError{remote, "change it there"}
		default:
			if err := pushmirror.CheckNotSelf(remote.URL, r.sources.Repository); err != nil {
				return err
			}
		}
	}
	return nil
}

// write writes the file of a remote, which put gives its name. Whoever may push can read a new
// one, since the hook has to, and nobody else: it may have arguments of programs in it. None but
// the owner can write to it, since it names programs. One that is replaced keeps its mode. A
// secret is the owner's alone.
func (r *Remotes) write(d *config.Draft, put func(written, name string) error) error {
	t := r.tree
	readers := t.pushers()
	mode := 0o600 | readers
	old, oldErr := t.root.Lstat(r.name(d.Name()))
	if oldErr == nil {
		mode = old.Mode().Perm()
	}
	if d.HoldsSecret() {
		mode = 0o600
	}
	err := t.mkdirAs(config.RepositoryFolder, t.mode&fs.ModeSetgid|0o700|readers|readers>>2)
	var written string
	if err == nil {
		written, err = t.write(config.RepositoryFolder, []byte(d.Text()), mode)
	}
	if err == nil {
		if oldErr == nil {
			t.keepGroup(written, old)
		}
		err = put(written, r.name(d.Name()))
	}
	if err != nil {
		return explain(t.dir, fmt.Errorf("writing %s: %w", r.Path(d.Name()), err))
	}
	return nil
}

// read reads the file of a remote. It reports false for one that is not there or not ours.
func (r *Remotes) read(name string) (d *config.Draft, ours bool, err error) {
	if _, err := config.NewDraft(name); err != nil {
		return nil, false, err
	}
	info, err := r.tree.root.Lstat(r.name(name))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, false, nil
	case err != nil:
		return nil, false, explain(r.tree.dir, err)
	case !info.Mode().IsRegular():
		return nil, false, nil
	}
	f, err := r.tree.root.Open(r.name(name))
	if err != nil {
		return nil, false, explain(r.tree.dir, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxRemote))
	if err != nil {
		return nil, false, explain(r.tree.dir, err)
	}
	d, ours = config.ParseDraft(string(text))
	return d, ours && d.Name() == name, nil
}

// maxRemote is more than a configuration may have.
const maxRemote = 2 << 20 // bytes

func (r *Remotes) exists(name string) bool {
	_, err := r.tree.root.Lstat(r.name(name))
	return err == nil
}

// name is the file of a remote, from the repository's folder.
func (r *Remotes) name(remote string) string {
	return filepath.Join(config.RepositoryFolder, config.DraftName(remote))
}

// Path is the file of a remote, as the configuration names it.
func (r *Remotes) Path(remote string) string {
	return filepath.Join(r.sources.Repository, r.name(remote))
}
