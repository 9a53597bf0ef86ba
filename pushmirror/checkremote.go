package pushmirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
)

// checkStall is how long a mirror that has answered may keep a check waiting.
const checkStall = time.Minute

// remoteCheck looks at a remote and its mirror.
type remoteCheck struct {
	access
	upstream git.Refs // the refs here
}

// run finds out whether the remote can be updated, up to the first thing that keeps all that
// follows from being tried.
func (c *remoteCheck) run(ctx context.Context) []Finding {
	findings, usable := c.checkFiles()
	if !usable {
		return findings
	}
	to, err := c.target(ctx)
	if err != nil {
		return append(findings, failure("login", err))
	}
	findings = append(findings, ok("login", c.login()))
	to.Stall = min(to.Stall, checkStall)
	if c.scratch, err = c.repo.NewScratch(ctx, filepath.Join(os.TempDir(), scratchName), to); err != nil {
		return append(findings, failure("read_access", err))
	}
	defer func() { _ = c.scratch.Remove() }()
	listed, _, err := c.scratch.List(ctx, false)
	findings = append(findings, c.reachFindings(ctx, err)...)
	if err != nil {
		return findings
	}
	var held tally
	for _, ref := range listed {
		held.add(ref.Name)
	}
	findings = append(
		findings,
		ok("read_access", fmt.Sprintf("the mirror has %s and %s", count(held.branches, "branch", "branches"), count(held.tags, "tag", "tags"))),
		c.checkWrite(ctx),
		c.checkExtra(ctx, listed),
	)
	if c.usesLFS(c.remote) {
		findings = append(findings, c.checkLFS())
	}
	return findings
}

// checkLFS tells whether there is a way for large files. Their server is not asked: it would have
// to be for an object.
func (c *remoteCheck) checkLFS() Finding {
	const check = "large_files"
	to := cmp.Or(c.remote.LFSURL, c.remote.URL)
	if to.Scheme() == "file" {
		return ok(check, "they are copied")
	}
	if _, _, err := lfsServer(c.remote); err != nil {
		return failure(check, err)
	}
	if !c.repo.Git().HasLFS() {
		return fail(check, "git-lfs is not installed", `install git-lfs, or write lfs = "off" for a mirror that is to be without large files`)
	}
	return ok(check, "git-lfs brings them to the LFS server of "+to.String()+", which was not asked")
}

// checkFiles looks at each file that the remote needs.
func (c *remoteCheck) checkFiles() (findings []Finding, usable bool) {
	usable = true
	r := c.remote
	for _, file := range []struct {
		key, path string
		check     func(path string, info fs.FileInfo) error
	}{
		{"password_file", r.Login.PasswordFile, config.CheckPrivate},
		{"ssh_key", r.SSHKey, checkSSHKey},
		{"known_hosts", r.KnownHosts, nil},
		{"ca_file", r.CAFile, nil},
		{"client_cert", r.ClientCert, nil},
		{"client_key", r.ClientKey, config.CheckPrivate},
	} {
		if file.path == "" {
			continue
		}
		if err := checkFile(file.path, file.check); err != nil {
			usable = false
			f := failure("file", err)
			var open *config.Error
			var useless *git.Error
			if !errors.As(err, &open) && !errors.As(err, &useless) { // which name the file by themselves
				f = fail("file", fmt.Sprintf("%s %s: %v", file.key, file.path, reasonOf(err)),
					"put the file there, for the user who runs git-push-mirror to read")
			}
			findings = append(findings, f)
			continue
		}
		findings = append(findings, ok("file", file.key+" "+file.path))
	}
	return findings, usable
}

func checkFile(path string, check func(string, fs.FileInfo) error) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is no regular file")
	}
	if check != nil {
		if err := check(path, info); err != nil {
			return err
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return f.Close()
}

// login says how we log in.
func (c *remoteCheck) login() string {
	r := c.remote
	switch {
	case r.URL.Scheme() == "ssh" && r.SSHKey != "":
		return "with ssh_key alone"
	case r.URL.Scheme() == "ssh":
		return "with the keys that ssh finds"
	case r.Login.PasswordFile != "":
		return "with the password from password_file"
	case r.Login.PasswordCommand != nil:
		return "with the password that password_command prints"
	case r.Login.HasPassword():
		return fmt.Sprintf("with the password in %s:%d", r.File, r.Line)
	case r.URL.Scheme() == "http" || r.URL.Scheme() == "https":
		return "no password is configured: git's credential helpers and .netrc are asked"
	}
	return "none is needed"
}

// reachFindings tell how far a listing came that ended with err: to the host, past its key,
// into the repository.
func (c *remoteCheck) reachFindings(ctx context.Context, err error) []Finding {
	r := c.remote
	var findings []Finding
	var failed *git.Error
	errors.As(err, &failed)
	told := func(check string) []Finding {
		hint := "see what git says: git ls-remote " + git.ShellQuote(r.URL.String())
		if failed != nil {
			hint = cmp.Or(c.cure(ctx, failed), hint)
		}
		return append(findings, fail(check, err.Error(), hint))
	}
	if r.URL.Host() == "" {
		if err != nil {
			return told("read_access")
		}
		return nil
	}
	if failed != nil && (failed.Kind == git.KindTimeout || failed.Kind == git.KindNetwork && failed.Host) {
		return told("host")
	}
	findings = append(findings, ok("host", r.URL.Host()+" answers"))
	if identity := c.identity(); identity.Check != "" {
		if failed != nil && failed.Kind == git.KindHostKey {
			return told(identity.Check)
		}
		findings = append(findings, identity)
	}
	if err != nil {
		return told("read_access")
	}
	return findings
}

// identity says by what the host was known; nothing where none proves who it is.
func (c *remoteCheck) identity() Finding {
	const key, certificate = "host_key", "certificate"
	switch r := c.remote; {
	case r.URL.Scheme() == "ssh" && r.HostKeys != nil:
		return ok(key, "it is one of host_keys")
	case r.URL.Scheme() == "ssh" && r.KnownHosts != "":
		return ok(key, "it is in "+r.KnownHosts)
	case r.URL.Scheme() == "ssh":
		return ok(key, "ssh takes it, by the user's own configuration")
	case r.URL.Scheme() == "https" && r.CAFile != "":
		return ok(certificate, "git takes it, by ca_file")
	case r.URL.Scheme() == "https":
		return ok(certificate, "git takes it")
	}
	return Finding{}
}

// checkWrite tells whether the mirror offers to take a push. That shows who may write to the
// repository at all, over http and ssh, and on hosts such as GitHub and GitLab; not what a
// hook, a protected branch or a full disk says to a ref.
func (c *remoteCheck) checkWrite(ctx context.Context) Finding {
	err := c.scratch.TryPush(ctx)
	if err == nil && c.remote.URL.Host() == "" {
		err = localAccess(repositoryAt(c.remote.URL.Path()))
	}
	if err == nil {
		return ok("write_access", "the mirror would take a push; which refs it refuses, sync shows")
	}
	f := fail("write_access", err.Error(), roomOrRight(err))
	var failed *git.Error
	if errors.As(err, &failed) {
		f.Hint = optional(cmp.Or(c.cure(ctx, failed), "see what git says: git push --dry-run "+git.ShellQuote(c.remote.URL.String())+" HEAD"))
	}
	return f
}

// localAccess tells whether we may write into a repository of this machine, which git finds
// out only when it has something to write.
func localAccess(dir string) error {
	for _, folder := range []string{"objects", "refs"} {
		if err := disk.MayWrite(filepath.Join(dir, folder)); err != nil {
			return err
		}
	}
	return nil
}

// checkExtra finds the refs on the mirror that no update brings there: those that upstream
// lacks and no deletion takes away, and those that the filter leaves out.
func (c *remoteCheck) checkExtra(ctx context.Context, listed git.Refs) Finding {
	const check = "extra_refs"
	through, err := c.through(ctx, c.remote, c.upstream, "")
	if err != nil {
		return failure(check, err)
	}
	var gone, outside []git.RefName
	for up, there := range git.Join(c.upstream, listed) {
		name := there.Name
		if name == "" || there.Symref != "" || through[name] {
			continue
		}
		if up.Name == "" && plan.Inside(c.remote, name) {
			gone = append(gone, name)
		} else {
			outside = append(outside, name)
		}
	}
	switch {
	case len(outside) > 0:
		detail := fmt.Sprintf("the filter leaves out %s on the mirror: %s", count(len(outside), "ref that is", "refs that are"), enumerate(outside, inFull))
		if len(gone) > 0 {
			detail += fmt.Sprintf("; %s only there: %s", count(len(gone), "is", "are"), enumerate(gone, inFull))
		}
		return warn(check, detail, "what the filter leaves out is neither updated nor deleted; to delete it: "+c.deletes(outside[0]))
	case len(gone) > 0:
		detail := fmt.Sprintf("%s only on the mirror: %s", count(len(gone), "ref is", "refs are"), enumerate(gone, inFull))
		return warn(check, detail, c.extraHint(gone[0]))
	}
	return ok(check, "the mirror has no ref that does not belong there")
}

func inFull(name git.RefName) string { return string(name) }

func (c *remoteCheck) deletes(name git.RefName) string {
	return fmt.Sprintf("git push %s --delete %s", git.ShellQuote(c.remote.URL.String()), git.ShellQuote(string(name)))
}

// extraHint says what becomes of a ref that only the mirror has.
func (c *remoteCheck) extraHint(name git.RefName) string {
	switch c.remote.Prune {
	case config.PruneAll:
		return fmt.Sprintf("git push-mirror sync %s deletes what may be deleted", c.remote.Name)
	case config.PruneMerged:
		return `prune = "merged" deletes what the default branch contains; to delete another: ` + c.deletes(name)
	}
	return `they stay there, as prune = "never"; to delete one: ` + c.deletes(name)
}
