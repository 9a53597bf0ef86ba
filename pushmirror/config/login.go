package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Secret is a text that only Reveal shows, however it is printed. Its zero value is none.
type Secret struct{ text *string }

// newSecret makes a secret of a text.
func newSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// isZero reports whether there is no secret; an empty one is one.
func (s Secret) isZero() bool { return s.text == nil }

// Format prints "*****", whatever the verb and its flags.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, masked) }

// MarshalText gives "*****".
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

const masked = "*****"

// The keys that make sense for some urls only, and which.
var loginKeys = []struct {
	schemes []string
	keys    []string
}{
	{[]string{"https", "http"}, []string{"username", "password", "password_file", "password_command"}},
	{[]string{"https"}, []string{"ca_file", "client_cert", "client_key"}},
	{[]string{"ssh"}, []string{"ssh_key", "known_hosts", "host_keys"}},
}

var passwordKeys = []string{"password", "password_file", "password_command"}

// checkLogin checks the keys that say who logs in and how.
func (t *table) checkLogin() {
	u, ok := lookup[URL](settings{t}, "url")
	if !ok {
		return
	}
	misplaced := false
	for _, group := range loginKeys {
		for _, name := range group.keys {
			if t.has(name) && !slices.Contains(group.schemes, u.Scheme()) {
				t.fault(name, complaint(fmt.Sprintf("%s is for %s urls only", name, strings.Join(group.schemes, " and ")),
					"take it out, or correct the url"))
				misplaced = true
			}
		}
	}
	if misplaced {
		return
	}
	var given []string
	if !u.password().isZero() {
		given = append(given, "url")
	}
	for _, name := range passwordKeys {
		if t.has(name) {
			given = append(given, name)
		}
	}
	if len(given) > 1 {
		t.fault(given[len(given)-1], complaint(fmt.Sprintf("the password of %s stands in %s", t.label(), strings.Join(given, " and in ")),
			"keep one of them"))
		return
	}
	user, hasUser := lookup[string](settings{t}, "username")
	secret, _ := lookup[Secret](settings{t}, "password")
	switch {
	case hasUser && secret.Reveal() == TokenPassword:
		t.fault("password", complaint(t.label()+" has its token in username, which is shown", TokenCure))
	case hasUser && u.user() != "" && user != u.user():
		t.fault("username", complaint("username is another one than in the url of "+t.label(), "keep one of them"))
	case len(given) == 1 && !t.has("username") && u.user() == "":
		t.fault(given[0], complaint(t.label()+" has a password, but no username",
			`GitHub takes any, such as "x-access-token", GitLab "oauth2", CodeCommit the one of the Git credentials`))
	case t.has("client_key") && !t.has("client_cert"):
		t.fault("client_key", complaint(t.label()+" has a client_key, but no client_cert", "name the certificate too"))
	}
}

// holdsSecret reports whether a secret stands in the table itself.
func (t *table) holdsSecret() bool {
	u, _ := lookup[URL](settings{t}, "url")
	return t.has("password") || u.HasUserinfo()
}

// holdsSecret reports whether a secret stands in one of the remotes.
func (f *file) holdsSecret() bool {
	return slices.ContainsFunc(f.tables[inRemote], (*table).holdsSecret)
}

// TokenPassword goes with a token that is written in place of the user, as GitHub's and Gitea's
// guides have it. That is taken from a url, which is not shown; TokenCure says what to do where it
// stands elsewhere.
const (
	TokenPassword = "x-oauth-basic"
	TokenCure     = `write the token where the password is, and username = "x-access-token"`
)

// setLogin takes who logs in from the keys and the url.
func (r *Remote) setLogin(t *table) {
	s := settings{t}
	r.Login = Login{
		Username:        cmp.Or(get[string](s, "username"), r.URL.user()),
		Password:        get[Secret](s, "password"),
		PasswordFile:    get[string](s, "password_file"),
		PasswordCommand: get[[]string](s, "password_command"),
	}
	switch {
	case !r.URL.password().isZero():
		r.Login.Password = r.URL.password()
		r.Login.Token = r.Login.Password.Reveal() == TokenPassword
	case r.URL.user() != "" && !r.Login.HasPassword():
		r.Login.Password, r.Login.Token = newSecret(TokenPassword), true
	}
}

// username takes a name that can be sent to an http server.
func username(name, text string) (any, *Error) {
	switch {
	case text == "":
		return nil, complaint(name+" is empty", "")
	case strings.ContainsFunc(text, unicode.IsControl):
		return nil, complaint(name+" has a line end or a control character in it", "write it in one line")
	case strings.Contains(text, ":"):
		return nil, complaint(name+" has a colon in it, which ends a user name in http", "a password or token has keys of its own")
	}
	return text, nil
}

// password takes a secret that git's credential protocol can carry.
func password(name, text string) (any, *Error) {
	switch {
	case text == "":
		return nil, complaint(name+" is empty", "")
	case strings.ContainsAny(text, "\n\r\x00"):
		return nil, complaint(name+" has a line end or a NUL in it", "write it in one line")
	}
	return newSecret(text), nil
}
