package pushmirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/lfs"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// largeFiles are those that an update brings to the mirror before it pushes the refs that need
// them.
type largeFiles struct {
	decided bool   // the update has come to them
	whole   string // the server that has all that the mirror's refs need, see state.Record; "" when that is not known
	// What arrived and what failed. Pointers that anybody can push may give one object several
	// sizes, of which it has one.
	arrived map[lfs.Pointer]lfs.Object
	failed  map[lfs.Pointer]failedObject
	refused map[git.RefName]failedObject
	// unchecked are values there of which nobody knows whether it has what they need.
	unchecked map[git.RefName]git.OID
	held      []failedObject // those of failed that refs need which the mirror has already
}

// failedObject is one that did not arrive, and why.
type failedObject struct {
	lfs.Object
	lfs.Failure
}

func (f failedObject) String() string {
	return fmt.Sprintf("LFS object %s (%s): %s", f.OID, f.Path, f.Reason)
}

// usesLFS reports whether a remote gets large files: its lfs says so or, if that is "auto", this
// repository seems to have some and git-lfs is installed. It costs a look at a few files.
func (u *Upstream) usesLFS(remote config.Remote) bool {
	switch remote.LFS {
	case config.LFSOn:
		return true
	case config.LFSOff:
		return false
	}
	return lfs.Holds(u.repo) && u.repo.Git().HasLFS()
}

// lfsServer tells where the large files of a remote go, and whether that is on another host than
// the mirror. Its error, a *git.Error, has the cure where there is no such place.
func lfsServer(remote config.Remote) (server string, elsewhere bool, err error) {
	user := remote.Login.Username
	if remote.Login.Token {
		user = ""
	}
	if u := remote.LFSURL; u.Scheme() != "" {
		elsewhere = u.Scheme() != remote.URL.Scheme() || u.Host() != remote.URL.Host()
		if elsewhere {
			user = ""
		}
		return u.WithUser(user), elsewhere, checkSSHPath(u)
	}
	switch u := remote.URL; u.Scheme() {
	case "git":
		return "", false, &git.Error{
			Kind: state.KindLFS, Err: errors.New("git's own protocol carries no large files"),
			Hint: `write lfs_url = "https://…", or lfs = "off"`,
		}
	case "http", "https":
		// As git-lfs does it: docs/api/server-discovery.md.
		return strings.TrimSuffix(strings.TrimSuffix(u.WithUser(user), "/"), ".git") + ".git/info/lfs", false, nil
	default:
		return u.Identity(), false, checkSSHPath(u)
	}
}

var plainSSH = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w./~+@%=:,\[\]-]*$`) })

// checkSSHPath refuses the path of an ssh URL that the host's shell would not take as it stands,
// since git-lfs quotes nothing.
func checkSSHPath(u config.URL) error {
	path, err := url.PathUnescape(u.Identity())
	if u.Scheme() != "ssh" || err == nil && plainSSH().MatchString(path) {
		return nil
	}
	return &git.Error{
		Kind: state.KindLFS, Err: errors.New("git-lfs cannot be given this path over ssh"),
		Hint: `write lfs_url = "https://…", or lfs = "off"`,
	}
}

// upload brings the large files that the plan's refs need to the mirror and returns the steps that
// may be pushed after that. Refs that need an object which did not arrive are refused. The first
// time, and when somebody else has brought what upstream has, what is on the mirror already counts
// too: it may have been pushed without.
func (a *attempt) upload(ctx context.Context) ([]*plan.Step, error) {
	l := &a.large
	l.decided, l.whole, l.refused, l.held = true, "", map[git.RefName]failedObject{}, nil
	if !a.usesLFS(a.remote) {
		return a.plan.Steps, nil
	}
	server := cmp.Or(a.remote.LFSURL, a.remote.URL).Identity() + " for " + a.filter(a.remote)
	var there, held []git.OID
	if a.before.LFS == server {
		l.unchecked = a.before.LFSUnchecked
		there = a.provided()
	} else {
		held = a.common()
		l.unchecked = a.uncommon()
	}
	needed, err := a.needed(ctx, append(newValues(a.plan.Steps), held...), there)
	if err == nil {
		err = a.bring(ctx, needed)
	}
	if err == nil && len(l.failed) > 0 {
		err = errors.Join(a.refuseNeedy(ctx, a.plan.Steps, there), a.findHeld(ctx, held))
	}
	if err != nil {
		return nil, err
	}
	if len(l.held) == 0 {
		l.whole = server
	}
	return slices.DeleteFunc(slices.Clone(a.plan.Steps), func(s *plan.Step) bool {
		_, refused := l.refused[s.Name]
		return refused
	}), nil
}

// needed finds the objects that the tips need and the others do not. What cannot be read here has
// none: the push that wants it will say so.
func (a *attempt) needed(ctx context.Context, tips, others []git.OID) ([]lfs.Object, error) {
	objects, err := lfs.Find(ctx, a.scratch, tips, others)
	if !git.BrokenObject(err) {
		return objects, err
	}
	if len(tips) == 1 {
		return nil, nil
	}
	half := len(tips) / 2
	objects, err = a.needed(ctx, tips[:half], others)
	if err != nil {
		return nil, err
	}
	more, err := a.needed(ctx, tips[half:], others)
	return append(objects, more...), err
}

// bring uploads what this update has not tried yet, and notes what arrived and what failed.
func (a *attempt) bring(ctx context.Context, objects []lfs.Object) error {
	l := &a.large
	objects = slices.DeleteFunc(objects, func(o lfs.Object) bool {
		_, arrived := l.arrived[o.Pointer]
		_, failed := l.failed[o.Pointer]
		return arrived || failed
	})
	if len(objects) == 0 {
		return nil
	}
	store, err := lfs.Open(ctx, a.repo)
	if err != nil {
		return err
	}
	files := map[string]string{}
	for _, o := range objects {
		if file := store.Locate(o.Pointer); file != "" {
			files[o.OID] = file
		} else {
			l.failed[o.Pointer] = failedObject{o, lfs.Failure{Reason: "it is missing here, or damaged", Hint: fmt.Sprintf(
				"in a clone that has it: git lfs push --object-id %s %s", git.ShellQuote(a.Dir()), o.OID)}}
		}
	}
	failures, err := a.send(ctx, files)
	if err != nil {
		return err
	}
	for _, o := range objects {
		if _, missing := l.failed[o.Pointer]; missing {
			continue
		}
		if f, failed := failures[o.OID]; failed {
			l.failed[o.Pointer] = failedObject{o, f}
		} else {
			l.arrived[o.Pointer] = o
		}
	}
	return nil
}

// send uploads files by their object ids, and returns those that did not arrive.
func (a *attempt) send(ctx context.Context, files map[string]string) (map[string]lfs.Failure, error) {
	if len(files) == 0 {
		return nil, nil
	}
	if to := cmp.Or(a.remote.LFSURL, a.remote.URL); to.Scheme() == "file" {
		return a.copy(ctx, files, to.Path())
	}
	url, elsewhere, err := lfsServer(a.remote)
	var nowhere *git.Error
	if errors.As(err, &nowhere) {
		failures := map[string]lfs.Failure{}
		for oid := range files {
			failures[oid] = lfs.Failure{Reason: nowhere.Error(), Hint: nowhere.Hint}
		}
		return failures, nil
	}
	return lfs.Server{Scratch: a.scratch, URL: url, Elsewhere: elsewhere, Progress: a.Progress}.Upload(ctx, files)
}

// copy is send to a mirror on this machine.
func (a *attempt) copy(ctx context.Context, files map[string]string, path string) (map[string]lfs.Failure, error) {
	mirror, err := a.repo.Git().Open(repositoryAt(path))
	if err != nil {
		return nil, err
	}
	store, err := lfs.Open(ctx, mirror)
	if err != nil {
		return nil, err
	}
	return lfs.Copy(ctx, files, store)
}

// refuseNeedy refuses the steps that need an object which did not arrive.
func (a *attempt) refuseNeedy(ctx context.Context, steps []*plan.Step, there []git.OID) error {
	needed, err := a.needed(ctx, newValues(steps), there)
	if err != nil {
		return err
	}
	failing := a.large.failing(needed)
	switch {
	case len(failing) == 0:
		return nil
	case len(steps) == 1:
		reason := failing[0].String()
		if more := len(failing) - 1; more > 0 {
			reason += fmt.Sprintf(", and %d more", more)
		}
		a.refuse(steps[0], reason)
		a.large.refused[steps[0].Name] = failing[0]
		return nil
	}
	half := len(steps) / 2
	return errors.Join(a.refuseNeedy(ctx, steps[:half], there), a.refuseNeedy(ctx, steps[half:], there))
}

// findHeld finds what failed of that which refs need that the mirror has already.
func (a *attempt) findHeld(ctx context.Context, held []git.OID) error {
	needed, err := a.needed(ctx, held, nil)
	a.large.held = a.large.failing(needed)
	return err
}

// failing picks from objects those that did not arrive, permanent failures first.
func (l *largeFiles) failing(objects []lfs.Object) []failedObject {
	var failing []failedObject
	for _, o := range objects {
		if f, ok := l.failed[o.Pointer]; ok {
			failing = append(failing, f)
		}
	}
	slices.SortStableFunc(failing, func(a, b failedObject) int {
		switch {
		case a.Temporary == b.Temporary:
			return cmp.Compare(a.OID, b.OID)
		case b.Temporary:
			return -1
		}
		return 1
	})
	return failing
}

// trouble says which refs were not pushed, and why, and gives the object whose hint counts.
func (l *largeFiles) trouble() (first failedObject, text string) {
	var parts []string
	names := slices.Sorted(maps.Keys(l.refused))
	for _, name := range names {
		if first.OID == "" || first.Temporary {
			first = l.refused[name]
		}
	}
	if n := len(names); n > 0 {
		parts = append(parts, fmt.Sprintf("%s not pushed: %s", count(n, "ref was", "refs were"),
			enumerate(names, func(name git.RefName) string { return fmt.Sprintf("%s (%s)", name, l.refused[name]) })))
	}
	if n := len(l.held); n > 0 {
		parts = append(parts, fmt.Sprintf("%s of refs that are on the mirror already did not get there: %s", count(n, "large file", "large files"), l.held[0]))
		if first.OID == "" {
			first = l.held[0]
		}
	}
	return first, strings.Join(parts, "; ")
}

// temporary reports whether trying again may help any of it.
func (l *largeFiles) temporary() bool {
	for f := range maps.Values(l.refused) {
		if f.Temporary {
			return true
		}
	}
	return slices.ContainsFunc(l.held, func(f failedObject) bool { return f.Temporary })
}

// count is what the record tells of them.
func (l *largeFiles) count(r *state.Record) {
	for _, o := range l.arrived {
		r.LFSObjects++
		r.LFSBytes += o.Size
	}
}

// distrust forgets that the mirror has all large files if somebody else has put values there that
// upstream has as well: whoever pushes with plain git brings no large files along. Before is what
// was known of the mirror.
func (a *attempt) distrust(before plan.Mirror) {
	if a.before.LFS == "" {
		return
	}
	now := a.seen.Mirror
	for there, was := range git.Join(now.Refs, before.Refs) {
		new := there.Name != "" && there.Symref == "" && (there.OID != was.OID || before.Foreign[there.Name])
		if new && !now.Foreign[there.Name] && plan.Inside(a.remote, there.Name) {
			a.before.LFS = ""
			return
		}
	}
}

// provided are the values of the mirror whose large files it has, provided that it once had those
// of all values that both sides had. What somebody else put there may be without them, and so may
// what was unchecked then.
func (a *attempt) provided() []git.OID {
	var oids []git.OID
	for _, ref := range a.seen.Mirror.Refs {
		if !a.seen.Mirror.Foreign[ref.Name] && a.large.unchecked[ref.Name] != ref.OID && plan.Inside(a.remote, ref.Name) {
			oids = append(oids, ref.OID)
		}
	}
	return oids
}

// uncommon are the refs of the mirror that no longer, or not yet, have what upstream has.
func (a *attempt) uncommon() map[git.RefName]git.OID {
	refs := map[git.RefName]git.OID{}
	for up, there := range git.Join(a.upstream, a.seen.Mirror.Refs) {
		if there.Name != "" && up.OID != there.OID && plan.Inside(a.remote, there.Name) {
			refs[there.Name] = there.OID
		}
	}
	return refs
}

// common are the values of refs inside the filter that both sides have.
func (a *attempt) common() []git.OID {
	var oids []git.OID
	for up, there := range git.Join(a.upstream, a.seen.Mirror.Refs) {
		if up.OID == there.OID && up.Symref == "" && plan.Inside(a.remote, up.Name) {
			oids = append(oids, up.OID)
		}
	}
	return oids
}

// newValues are what the steps send.
func newValues(steps []*plan.Step) []git.OID {
	var oids []git.OID
	for _, s := range steps {
		if s.Sent() && s.New != "" {
			oids = append(oids, s.New)
		}
	}
	return oids
}
