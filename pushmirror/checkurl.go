package pushmirror

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/disk"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/state"
)

// elsewhere is a remote of another repository of this user.
type elsewhere struct {
	repository, remote, place string
}

// url looks whether a remote is another repository than this one, and the only remote there.
func (l *localCheck) url(remote config.Remote) Finding {
	const check = "url"
	if self := selfReference(remote.URL, l.Dir()); self != "" {
		if self == maybeSelf {
			return warn(check, fmt.Sprintf("%s seems to be this repository itself, by way of this machine's ssh", remote.URL),
				otherURL+", unless the port leads to another machine")
		}
		return fail(check, fmt.Sprintf("%s is this repository itself", remote.URL), otherURL)
	}
	place := placeOf(remote.URL)
	for _, other := range l.otherRepositories() {
		if other.place == place {
			return fail(check, fmt.Sprintf("%s is a mirror of %s as well, as its remote %q", remote.URL, other.repository, other.remote),
				"give each repository a mirror of its own: of two that push to one, each undoes the other's work or reports it as diverged")
		}
	}
	for _, other := range l.config.Remotes {
		if other.Enabled && other.Name != remote.Name && placeOf(other.URL) == place {
			return warn(check, fmt.Sprintf("%s is the remote %q as well", remote.URL, other.Name), "keep one of the two")
		}
	}
	return ok(check, remote.URL.String())
}

// otherRepositories are the remotes of the other repositories that the worker knows. A
// configuration that cannot be read is their owner's matter.
func (l *localCheck) otherRepositories() []elsewhere {
	l.others.Do(func() {
		if l.queue == nil {
			return
		}
		known, _ := l.queue.Known() // the worker tells of a damaged list
		for _, dir := range known {
			if dir == l.Dir() || disk.Same(dir, l.Dir()) || !isRepository(dir) {
				continue
			}
			c, err := config.Load(config.DefaultSources(l.getenv, dir))
			if err != nil {
				continue
			}
			for _, r := range c.Remotes {
				if r.Enabled {
					l.elsewheres = append(l.elsewheres, elsewhere{dir, r.Name, placeOf(r.URL)})
				}
			}
		}
	})
	return l.elsewheres
}

// placeOf is where a url leads, as HOST/PATH or the path of a folder. It is the same for all urls
// of one repository, as far as can be seen from them: by whatever scheme, user or link, with or
// without the default port and the .git at the end.
func placeOf(u config.URL) string {
	if u.Host() == "" {
		path := u.Path()
		if dir := repositoryAt(path); dir != "" {
			path = dir
		}
		return filepath.Clean(path)
	}
	port := map[string]string{"http": "80", "https": "443", "ssh": "22", "git": "9418"}[u.Scheme()]
	return strings.TrimSuffix(u.Host(), ":"+port) + "/" + strings.TrimSuffix(strings.Trim(u.Path(), "/"), ".git")
}

// repositoryAt is the repository that git finds at a path, without links; "" if none. Git
// tries these names, as gitrepository-layout(7) and enter_repo in its path.c have it.
func repositoryAt(path string) string {
	for _, suffix := range []string{"/.git", "", ".git/.git", ".git"} {
		if dir, err := filepath.EvalSymlinks(path + suffix); err == nil && isRepository(dir) {
			return dir
		}
	}
	return ""
}

// How sure it is that a remote is the repository itself.
const (
	surelySelf = "surely"
	maybeSelf  = "maybe"
)

// selfReference tells whether a url leads to the repository that it is to be a mirror of; ""
// if not. Of ssh, whose port may be a tunnel's, only the usual one is sure to lead here.
func selfReference(u config.URL, dir string) string {
	if u.Host() == "" {
		if disk.Same(repositoryAt(u.Path()), dir) {
			return surelySelf
		}
		return ""
	}
	host, port := u.HostPort()
	if u.Scheme() != "ssh" || !isThisMachine(host) || !disk.Same(repositoryAt(sshPath(u)), dir) {
		return ""
	}
	if port == "22" {
		return surelySelf
	}
	return maybeSelf
}

// CheckNotSelf refuses a url that surely leads to the repository in dir, a GIT_DIR, which it is to
// be a mirror of: whatever is pushed would seem to be on that mirror at once. Its error is a
// *git.Error with the cure.
func CheckNotSelf(u config.URL, dir string) error {
	if selfReference(u, dir) != surelySelf {
		return nil
	}
	return &git.Error{Kind: state.KindConfig, Err: fmt.Errorf("%s is this repository itself", u), Hint: otherURL}
}

const otherURL = "write the url of another repository"

// sshPath is the path that an ssh url names on the host, if that is this machine; "" if it
// cannot be told.
func sshPath(u config.URL) string {
	if filepath.IsAbs(u.Path()) && !strings.HasPrefix(u.Path(), "/~") {
		return u.Path()
	}
	account, err := user.Current()
	if name := u.SSHUser(); name != "" {
		account, err = user.Lookup(name)
	}
	if err != nil {
		return ""
	}
	return filepath.Join(account.HomeDir, strings.TrimPrefix(strings.TrimPrefix(u.Path(), "/"), "~/"))
}

// isThisMachine reports whether a host is this machine, by its name or address and without
// asking a name server.
func isThisMachine(host string) bool {
	if name, err := os.Hostname(); err == nil && strings.EqualFold(host, name) {
		return true
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if ip.IsLoopback() {
		return true
	}
	addresses, err := net.InterfaceAddrs()
	return err == nil && slices.ContainsFunc(addresses, func(a net.Addr) bool {
		prefix, err := netip.ParsePrefix(a.String())
		return err == nil && prefix.Addr().Unmap() == ip.Unmap()
	})
}
