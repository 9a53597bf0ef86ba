package pushmirror

import (
	"fmt"
	"slices"

	"git-push-mirror/pushmirror/config"
)

// hostOf names the host of a remote as people read it, SCHEME://HOST: when it fails, all remotes on
// it do. It is "" for a path on this machine.
func hostOf(remote config.Remote) string {
	if host := remote.URL.Host(); host != "" {
		return remote.URL.Scheme() + "://" + host
	}
	return ""
}

// loginOf names the login of a remote as people read it, "HOST as USER by FILE", without what is
// not configured: when it is refused, all remotes on the host that log in by the same are. It shows
// no secret: for a password that stands in the config, FILE is its place there.
func loginOf(remote config.Remote) string {
	host := hostOf(remote)
	if host == "" {
		return ""
	}
	login, by := remote.Login, ""
	switch {
	case remote.URL.Scheme() == "ssh":
		by = remote.SSHKey
	case login.PasswordFile != "":
		by = login.PasswordFile
	case login.HasPassword():
		by = fmt.Sprintf("what stands in %s:%d", remote.File, remote.Line)
	default:
		by = remote.ClientCert
	}
	user := ""
	switch {
	case remote.URL.Scheme() == "ssh":
		user = remote.URL.SSHUser()
	case !remote.URL.HasUserinfo(): // where the user may be a token
		user = login.Username
	}
	if user != "" {
		host += " as " + user
	}
	if by != "" {
		host += " by " + by
	}
	return host
}

// sharedWith are the host and the login of a remote, once each.
func sharedWith(remote config.Remote) []string {
	return slices.DeleteFunc(slices.Compact([]string{hostOf(remote), loginOf(remote)}), func(name string) bool { return name == "" })
}
