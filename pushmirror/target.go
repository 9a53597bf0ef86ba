package pushmirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/credentials"
	"git-push-mirror/pushmirror/git"
)

// access is a remote and the way to its mirror.
type access struct {
	*Upstream
	remote  config.Remote
	scratch *git.Scratch // what the mirror is talked with from; nil until git is asked
}

// target says how git reaches the mirror, with the credentials as they are by now.
func (a *access) target(ctx context.Context) (git.Target, error) {
	r := a.remote
	to := git.Target{
		URL: r.URL.Raw(), CAFile: r.CAFile, ClientCert: r.ClientCert, ClientKey: r.ClientKey,
		Stall: r.StallTimeout,
	}
	if r.URL.Host() != "" {
		to.Answer = answerTimeout
	}
	if err := checkKeys(r); err != nil {
		return to, err
	}
	switch {
	case r.URL.Scheme() == "ssh":
		to.SSH = &git.SSH{Key: r.SSHKey, KnownHosts: r.KnownHosts, HostKeys: r.HostKeys}
	case r.Login.Username == "": // git's own helpers may know one
	case r.Login.HasPassword():
		err := a.logIn(ctx, &to)
		return to, err
	default:
		to.URL = r.URL.WithUser(r.Login.Username)
	}
	return to, nil
}

// checkKeys looks at the private keys of a remote before git, or ssh, does so with less to say.
func checkKeys(r config.Remote) error {
	for _, key := range []struct {
		path  string
		check func(path string, info fs.FileInfo) error
	}{{r.SSHKey, checkSSHKey}, {r.ClientKey, config.CheckPrivate}} {
		if key.path == "" {
			continue
		}
		info, err := os.Stat(key.path)
		if err != nil {
			return &git.Error{
				Kind: git.KindAuth, Err: fmt.Errorf("looking at a private key: %w", err),
				Hint: "put the key there, for the user who runs git-push-mirror to read",
			}
		}
		if err := key.check(key.path, info); err != nil {
			return err
		}
	}
	return nil
}

// logIn has git log in with the remote's user and password.
func (a *access) logIn(ctx context.Context, to *git.Target) error {
	r := a.remote
	password, err := credentials.Password(ctx, r.Login, a.repo.Git().Environ())
	if err != nil {
		return err
	}
	if password == config.TokenPassword && !r.Login.Token {
		return &git.Error{Kind: git.KindAuth, Err: errors.New("the token is in username, which is shown"), Hint: config.TokenCure}
	}
	helper, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	to.URL = r.URL.WithUser(r.Login.Username)
	to.Login = &git.Login{Helper: helper, Protocol: r.URL.Scheme(), Host: r.URL.Host(), Username: r.Login.Username, Password: password}
	to.Mask = git.NewMask(r.Login.Username, password)
	if r.Login.Token {
		// The user is the secret, and the URL is in arguments: anybody's name keeps .netrc from
		// being asked.
		to.URL = r.URL.WithUser("git")
		to.Mask = to.Mask.And(git.NewMask("", r.Login.Username))
	}
	return nil
}

// cure adds to the hint of a failed command what is known of the remote.
func (a *access) cure(ctx context.Context, failed *git.Error) string {
	r := a.remote
	switch {
	case strings.Contains(failed.Stderr, "IDENTIFICATION HAS CHANGED"):
		return "the host shows another key than the one that is known: somebody may be in between; if it was changed there on purpose, " +
			"put the new one in the old one's place: git push-mirror host-keys " + git.ShellQuote(r.URL.String())
	case failed.Kind == git.KindHostKey && r.URL.Scheme() == "ssh":
		return "look at the host's keys, and pin them if they are right: git push-mirror host-keys " + git.ShellQuote(r.URL.String())
	case failed.Kind == git.KindAuth && r.URL.Scheme() == "ssh" && failed.Stderr != "":
		return cmp.Or(sshHint(r), failed.Hint)
	case failed.Kind == git.KindAuth && a.scratch != nil:
		return strings.Join(append(sourceHint(r), failed.Hint+scopeHint(r.URL.Host())), "; ")
	case (failed.Kind == git.KindNetwork || failed.Kind == git.KindTimeout) && failed.Host:
		return cmp.Or(failed.Hint, unreachable(r))
	case failed.Moved:
		if to, err := config.ParseURL(a.scratch.Redirect(ctx)); err == nil {
			return "write its new address into the config, if you trust it: url = " + fmt.Sprintf("%q", to)
		}
	}
	return failed.Hint
}

func unreachable(r config.Remote) string {
	return "see whether " + r.URL.Host() + " is up and no firewall is in between"
}

func sshHint(r config.Remote) string {
	if r.SSHKey == "" {
		return ""
	}
	return fmt.Sprintf("the host does not take %s: let it know %s.pub, with the right to write", r.SSHKey, r.SSHKey)
}

// sourceHint says where the password comes from that a mirror did not take.
func sourceHint(r config.Remote) []string {
	switch {
	case r.Login.PasswordFile != "":
		return []string{"look at " + r.Login.PasswordFile}
	case r.Login.PasswordCommand != nil:
		return []string{"look at what password_command prints"}
	case r.Login.HasPassword():
		return []string{fmt.Sprintf("look at the password in %s:%d", r.File, r.Line)}
	}
	return nil
}

// scopeHint says what a token must be allowed, where that is known.
func scopeHint(host string) string {
	switch {
	case host == "github.com":
		return "; GitHub: the token needs Contents: read and write (fine-grained) or repo (classic), and workflow where there are workflows"
	case strings.Contains(host, "gitlab"):
		return "; GitLab: the token needs write_repository and, for protected branches, a role that may push; with 2FA no password works"
	case strings.HasPrefix(host, "git-codecommit."):
		return "; CodeCommit: the user's policy needs codecommit:GitPull and codecommit:GitPush, and user and password are the Git credentials of IAM"
	}
	return ""
}
