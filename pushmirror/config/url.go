package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Rules of this file
//
// A URL is taken only if git, ssh, curl and this package are sure to read the
// same parts in it: where they might not, it is refused with a way to write it
// plainly. Otherwise a password could be taken for a path, and be shown.
//
// A complaint never quotes the URL: it may have been refused for not being
// understood, and then nobody knows where in it a secret stands.

// URL is where a remote is. Its zero value is no URL. However it is printed,
// no password and no token in it shows; only [URL.Raw] gives them away.
type URL struct {
	// The raw text is behind a pointer since fmt cannot call the methods of an
	// unexported field of somebody else's struct, but prints a pointer in it as
	// an address.
	raw      *string
	shown    string
	identity string
	scheme   string
	host     string
	path     string
	sshUser  string
	login    *userinfo // behind a pointer for the same reason; nil for none
}

// Raw returns the URL as it was written, which is what git gets.
func (u URL) Raw() string {
	if u.raw == nil {
		return ""
	}
	return *u.raw
}

// String returns the URL for people: with asterisks in place of the user and
// the password of an http or https URL, since a token may stand in either.
func (u URL) String() string {
	return u.shown
}

// Format prints the URL as String does, whatever the verb and its flags.
func (u URL) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, fmt.FormatString(f, verb), u.shown)
}

// Scheme returns https, http, ssh, git or file: how git will talk to the
// mirror. user@host:path is ssh, and a path is file.
func (u URL) Scheme() string {
	return u.scheme
}

// Host returns the host in lower-case letters, and :PORT if the URL has one;
// it is empty for a file.
func (u URL) Host() string {
	return u.host
}

// Path returns the path of the repository as its host, or this machine, has it: decoded. It begins
// with a / but for that of user@host:path, which may be relative to the user's home.
func (u URL) Path() string {
	return u.path
}

// SSHUser returns the user of an ssh URL, as it is written; "" for none.
func (u URL) SSHUser() string {
	return u.sshUser
}

// HostPort returns the host, an IPv6 address without brackets, and the port of an ssh URL.
func (u URL) HostPort() (host, port string) {
	return splitPort(u.host)
}

// Identity returns what tells this mirror from another: it stays the same when
// a user or password of an http or https URL comes, changes or goes, so it may
// be stored where a secret may not.
func (u URL) Identity() string {
	return u.identity
}

// ParseURL reads an https, http, ssh, git or file URL, user@host:path or an
// absolute path. Its error is an [*Error] without a file: what is wrong, the
// cure, and nothing of the URL itself.
func ParseURL(raw string) (URL, error) {
	u, err := parseURL(raw)
	if err != nil {
		return URL{}, err
	}
	return u, nil
}

// parseURL is ParseURL for those who need the *Error.
func parseURL(raw string) (URL, *Error) {
	u, err := parseForm(raw)
	if err != nil {
		return URL{}, err
	}
	u.raw = &raw
	return u, nil
}

// refuse is what a parser returns for a URL that is wrong.
func refuse(message, hint string) (URL, *Error) {
	return URL{}, complaint(message, hint)
}

// schemes are those that git needs no helper of somebody else's for.
var schemes = []string{"https", "http", "ssh", "git", "file"}

// parseForm finds out which of the forms raw has.
func parseForm(raw string) (URL, *Error) {
	switch {
	case raw == "":
		return refuse("the url is empty", urlForms)
	case strings.ContainsFunc(raw, unicode.IsControl):
		return refuse("the url holds a control character, such as a line end", "take it out")
	case strings.TrimSpace(raw) != raw:
		return refuse("the url begins or ends with a space", "take the space out")
	case raw[0] == '-':
		return refuse("the url begins with a -, so git would read it as an option", urlForms)
	}
	scheme, rest, colon := strings.Cut(raw, ":")
	isScheme := colon && !strings.ContainsFunc(scheme, notInScheme)
	switch {
	case isScheme && strings.HasPrefix(rest, ":"):
		return refuseHelper(scheme)
	case isScheme && strings.HasPrefix(rest, "//"):
		return parseSchemed(scheme, rest[len("//"):], raw)
	case strings.Contains(raw, "://"):
		return refuse("the url has :// in its path, and git takes all before it for a scheme",
			"write the : as %3A, in a url that begins with file:// or ssh://")
	case raw[0] == '/':
		return parsePath(raw)
	case colon && !strings.Contains(scheme, "/"):
		return parseScp(raw)
	}
	first, _, _ := strings.Cut(strings.TrimLeft(raw, "/"), "/")
	if strings.Contains(first, "@") || strings.Contains(strings.Trim(first, "."), ".") && !strings.HasSuffix(first, ".git") {
		return refuse("the url names a host, it seems, but not how to reach it", urlForms)
	}
	return refuse("the url is a relative path, which means another place in each folder",
		"write the whole path, from the / at its beginning")
}

const urlForms = "write https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH or the absolute path of a folder"

func notInScheme(r rune) bool {
	return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("+-.", r)
}

const codecommit = "write it as https://git-codecommit.REGION.amazonaws.com/v1/repos/NAME"

func refuseHelper(helper string) (URL, *Error) {
	switch strings.ToLower(helper) {
	case "ext":
		return refuse("the url begins with ext::, which makes git run a program", urlForms)
	case "fd":
		return refuse("the url begins with fd::, which is for the program that opened a connection", urlForms)
	case "codecommit":
		return refuse("the url begins with codecommit::, which needs a program besides git", codecommit)
	}
	return refuse("the url begins with the name of a helper and ::, which needs a program besides git", urlForms)
}

func parsePath(path string) (URL, *Error) {
	if strings.Trim(path, "/") == "" {
		return refuse("the url names no repository", "write the whole path of the repository's folder")
	}
	return URL{shown: path, identity: path, scheme: "file", path: path}, nil
}

// parseSchemed reads SCHEME://REST.
func parseSchemed(scheme, rest, raw string) (URL, *Error) {
	switch scheme {
	case "https", "http":
		if strings.ContainsAny(rest, "?#") {
			return refuse("the url has a ? or # in it, and git knows neither a query nor a fragment",
				"take that part out; a ? or # in a name is written %3F or %23")
		}
	case "ssh", "git", "file":
	default:
		return refuseScheme(scheme)
	}
	if err := checkCharacters(rest); err != nil {
		return URL{}, err
	}
	authority, path, slash := strings.Cut(rest, "/")
	if !slash || strings.Trim(path, "/") == "" {
		form := scheme + "://HOST/PATH"
		if scheme == "file" {
			form = "file:///PATH"
		}
		return refuse("the url names no repository", "write its path: "+form)
	}
	if scheme == "file" {
		if authority != "" {
			return refuse("the url has a host, but a file is on this machine",
				"write three slashes before the path: file:///PATH")
		}
		return URL{shown: raw, identity: raw, scheme: scheme, path: decoded(rest)}, nil
	}
	if strings.Contains(path, "@") {
		return refuse("the url has an @ in its path, so a part of the path may be meant as a password",
			"write the @ as %40, or a / that belongs to the password as %2F")
	}
	return parseNetwork(scheme, authority, path)
}

// checkCharacters refuses what programs read in different ways, plain or
// behind a percent sign.
func checkCharacters(rest string) *Error {
	if strings.ContainsFunc(rest, unicode.IsSpace) {
		return complaint("the url holds a space", "write %20 in its place")
	}
	if strings.Contains(rest, `\`) {
		return complaint(`the url holds a \`, `write /, or %5C if the name really has a \ in it`)
	}
	plain, err := url.PathUnescape(rest)
	if err != nil {
		return complaint("the url holds a % that is not followed by two hexadecimal digits", "write a plain % as %25")
	}
	if strings.ContainsFunc(plain, unicode.IsControl) {
		return complaint("the url holds a control character, such as a line end", "take it out")
	}
	return nil
}

// decoded is what a part of a URL stands for that checkCharacters has seen.
func decoded(escaped string) string {
	plain, _ := url.PathUnescape(escaped)
	return plain
}

func refuseScheme(scheme string) (URL, *Error) {
	hint := urlForms
	if scheme == "codecommit" {
		hint = codecommit
	} else if meant := Nearest(scheme, schemes); meant != "" {
		hint = "did you mean " + meant + "://?"
	}
	return refuse("the url begins with a scheme that git has no transport of its own for", hint)
}

// parseNetwork reads a URL whose mirror is reached through the network.
func parseNetwork(scheme, authority, path string) (URL, *Error) {
	at := strings.LastIndexByte(authority, '@')
	userinfo, address := authority[:max(at, 0)], authority[at+1:]
	if strings.Contains(userinfo, "@") {
		return refuse("the url has two @ before its host", "write the one that belongs to the user or password as %40")
	}
	host, err := parseHost(address)
	if err != nil {
		return URL{}, err
	}
	u := URL{scheme: scheme, host: host, path: decoded("/" + path)}
	prefix, suffix := scheme+"://", "/"+path
	switch {
	case at < 0:
	case scheme == "git":
		return refuse("the url has a user in it, but the git protocol knows no users", "take it out, with the @")
	case scheme == "ssh":
		if err := checkUser(userinfo); err != nil {
			return URL{}, err
		}
		prefix += userinfo + "@"
		u.sshUser = userinfo
	default:
		login, err := parseUserinfo(userinfo)
		if err != nil {
			return URL{}, err
		}
		u.login = login
	}
	u.identity = prefix + host + suffix
	if u.login != nil {
		prefix += "*****:*****@"
	}
	u.shown = prefix + address + suffix
	return u, nil
}

// checkUser checks the user of ssh://USER@HOST, where git takes a colon for
// the end of the user even if it is escaped.
func checkUser(escaped string) *Error {
	user := decoded(escaped)
	if strings.Contains(user, ":") {
		return complaint("the url holds a password, which ssh does not take",
			"take it out of the url, with the colon; ssh logs in with a key")
	}
	return checkSSHUser(user)
}

func checkSSHUser(user string) *Error {
	switch {
	case user == "":
		return complaint("the url has an @, but no user before it", "write the user, or take the @ out")
	case user[0] == '-':
		return complaint("the url's user begins with a -, so ssh would read it as an option", "write a user's name")
	case strings.ContainsAny(user, "{}") || strings.ContainsFunc(user, unicode.IsSpace):
		return complaint("the url's user holds a space or a brace", "write a user's name")
	}
	return nil
}

// parseHost reads HOST or HOST:PORT and returns it in lower-case letters.
func parseHost(address string) (string, *Error) {
	name, port, hasPort := address, "", false
	if i := strings.LastIndexByte(address, ':'); i > strings.LastIndexByte(address, ']') {
		name, port, hasPort = address[:i], address[i+1:], true
	}
	if hasPort {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", complaint("the url has no number from 1 to 65535 after the host's colon",
				"write a port there, or take the colon out: a path begins at the /; a user and a password stand before an @")
		}
	}
	if inner, bracket := strings.CutPrefix(name, "["); bracket {
		inner, closed := strings.CutSuffix(inner, "]")
		if ip, err := netip.ParseAddr(inner); err != nil || !closed || !ip.Is6() || ip.Zone() != "" {
			return "", complaint("the url has no IPv6 address in its brackets",
				"write for example [2001:db8::1]; a port needs ssh://USER@HOST:PORT/PATH")
		}
		return strings.ToLower(address), nil
	}
	if err := checkHostname(name); err != nil {
		return "", err
	}
	return strings.ToLower(address), nil
}

func checkHostname(name string) *Error {
	switch {
	case name == "":
		return complaint("the url names no host", urlForms)
	case name[0] == '-':
		return complaint("the url's host begins with a -, so ssh would read it as an option",
			"write the name of a host")
	case strings.ContainsFunc(name, notInHostname):
		return complaint("the url's host has a character in it that no host's name has",
			"a name has letters, digits, dots, - and _; an IPv6 address stands in brackets; "+
				"a name with other letters is written in its xn-- form")
	}
	return nil
}

func notInHostname(r rune) bool {
	return notInScheme(r) && r != '_' || r == '+'
}

// parseScp reads USER@HOST:PATH, as scp does.
func parseScp(raw string) (URL, *Error) {
	colon := strings.IndexByte(raw, ':')
	if open := strings.IndexByte(raw, '['); open == 0 || open > 0 && raw[open-1] == '@' && open < colon {
		colon = strings.Index(raw, "]:") + 1
		if colon == 0 {
			return refuse("the url has no ]: after its IPv6 address", "write for example git@[2001:db8::1]:PATH")
		}
	}
	address, path := raw[:colon], raw[colon+1:]
	at := strings.LastIndexByte(address, '@')
	user, host := address[:max(at, 0)], address[at+1:]
	first, _, _ := strings.Cut(path, "/")
	switch {
	case strings.Contains(first, "@"):
		return refuse("the url has an @ after its first colon, so it may hold a password",
			"write https:// or ssh:// before it if that is what it lacks; ssh logs in with a key, not with a password")
	case at < 0 && slices.Contains(schemes, host):
		return refuse("the url has too few slashes after its scheme", "write "+host+"://")
	case strings.Trim(path, "/") == "":
		return refuse("the url names no repository", "write its path after the colon: USER@HOST:PATH")
	case path[0] == '-':
		return refuse("the url's path begins with a -, so git would read it as an option", "write ./ before it")
	}
	if at >= 0 {
		if err := checkSSHUser(user); err != nil {
			return URL{}, err
		}
	}
	lower, err := parseHost(host)
	if err != nil {
		return URL{}, err
	}
	return URL{
		scheme: "ssh", host: lower, path: path, sshUser: user, shown: raw, identity: address[:at+1] + lower + ":" + path,
	}, nil
}
