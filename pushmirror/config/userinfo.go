package config

import (
	"net/url"
	"strings"
)

// userinfo is what stands before the @ of an http or https URL, decoded.
type userinfo struct {
	user, password Secret // a token may stand in either
}

// HasUserinfo reports whether a user or a password stands in an http or https
// URL.
func (u URL) HasUserinfo() bool {
	return u.login != nil
}

// WithUser returns an http or https URL with that user and no password, or with "" without a user.
// Of any other it returns the Identity.
func (u URL) WithUser(user string) string {
	if user == "" || u.scheme != "https" && u.scheme != "http" {
		return u.identity
	}
	return strings.Replace(u.identity, "://", "://"+url.User(user).String()+"@", 1)
}

// user and password are what stands in the URL; "" and none for nothing.
func (u URL) user() string {
	if u.login == nil {
		return ""
	}
	return u.login.user.Reveal()
}

func (u URL) password() Secret {
	if u.login == nil {
		return Secret{}
	}
	return u.login.password
}

// parseUserinfo reads USER[:PASSWORD].
func parseUserinfo(escaped string) (*userinfo, *Error) {
	user, password, hasPassword := strings.Cut(escaped, ":")
	user = decoded(user)
	login := &userinfo{user: newSecret(user)}
	switch {
	case user == "":
		return nil, complaint("the url has an @, but no user before it", "write USER:PASSWORD@, or take the @ out")
	case strings.Contains(user, ":"):
		return nil, complaint("the url's user has a colon in it, which ends a user name in http", "write the password after a plain colon")
	}
	if hasPassword && password != "" {
		login.password = newSecret(decoded(password))
	}
	return login, nil
}
