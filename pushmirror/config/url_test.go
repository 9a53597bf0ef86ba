package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func mustParse(t *testing.T, raw string) URL {
	t.Helper()
	u, err := ParseURL(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestURLs(t *testing.T) {
	for _, test := range []struct {
		raw, shown, scheme, host, identity string // shown and identity: "" for the same as raw
		path, user                         string // path: "" for what follows the host as it is written
	}{
		{raw: "https://github.com/acme/widgets.git", scheme: "https", host: "github.com"},
		{raw: "http://H.ORG:8080/W.git", scheme: "http", host: "h.org:8080", identity: "http://h.org:8080/W.git"},
		{raw: "http://[DB8::1]:8/w", scheme: "http", host: "[db8::1]:8", identity: "http://[db8::1]:8/w"},
		{raw: "https://xn--mller-kva.example/w", scheme: "https", host: "xn--mller-kva.example"},
		{raw: "https://host/caf%C3%A9/café/", path: "/café/café/", scheme: "https", host: "host"},
		{
			raw: "https://me:pass@github.com/acme/w.git", shown: "https://*****:*****@github.com/acme/w.git",
			scheme: "https", host: "github.com", identity: "https://github.com/acme/w.git",
		},
		{
			raw: "http://token@host:81/w", shown: "http://*****:*****@host:81/w", scheme: "http", host: "host:81",
			identity: "http://host:81/w",
		},
		{raw: "ssh://git@H.org:22/srv/w", user: "git", scheme: "ssh", host: "h.org:22", identity: "ssh://git@h.org:22/srv/w"},
		{raw: "ssh://backup/~git/w.git", path: "/~git/w.git", scheme: "ssh", host: "backup"},
		{raw: "ssh://me%40corp@backup/w", user: "me%40corp", scheme: "ssh", host: "backup"},
		{raw: "ssh://git@[::1]/w", user: "git", scheme: "ssh", host: "[::1]"},
		{raw: "git@github.com:acme/widgets.git", user: "git", scheme: "ssh", host: "github.com"},
		{raw: "GitHub.com:acme/my widgets", path: "acme/my widgets", scheme: "ssh", host: "github.com", identity: "github.com:acme/my widgets"},
		{raw: "git@host:/srv/a@b.git", path: "/srv/a@b.git", user: "git", scheme: "ssh", host: "host"},
		{raw: "git@[::1]:w.git", user: "git", scheme: "ssh", host: "[::1]"},
		{raw: "[::1]:w", scheme: "ssh", host: "[::1]"},
		{raw: "me@corp@host:w", user: "me@corp", scheme: "ssh", host: "host"},
		{raw: "git@host:2222/w", path: "2222/w", user: "git", scheme: "ssh", host: "host"},
		{raw: "git://host:9418/w", scheme: "git", host: "host:9418"},
		{raw: "file:///srv/git/w.git", path: "/srv/git/w.git", scheme: "file"},
		{raw: "/srv/git/my widgets.git", scheme: "file"},
		{raw: "/srv/a::b:c@d", scheme: "file"},
	} {
		t.Run(test.raw, func(t *testing.T) {
			if test.shown == "" {
				test.shown = test.raw
			}
			if test.identity == "" {
				test.identity = test.raw
			}
			u := mustParse(t, test.raw)
			if u.Raw() != test.raw || u.String() != test.shown || u.Identity() != test.identity {
				t.Errorf("raw %s, shown %s, identity %s", u.Raw(), u, u.Identity())
			}
			if u.Scheme() != test.scheme || u.Host() != test.host {
				t.Errorf("scheme %q, host %q", u.Scheme(), u.Host())
			}
			if test.path == "" {
				test.path = test.raw[len(test.raw)-len(u.Path()):]
			}
			if u.Path() != test.path || u.SSHUser() != test.user {
				t.Errorf("path %q, user %q", u.Path(), u.SSHUser())
			}
			if u.HasUserinfo() != (test.shown != test.raw) {
				t.Errorf("has userinfo: %v", u.HasUserinfo())
			}
		})
	}
}

var refusedURLs = []struct {
	raw, want string // want: part of the complaint or of the hint
}{
	{"", "empty"},
	{"https://host/a\nb", "control character"},
	{"https://host/a%0ab", "control character"},
	{"ssh://host/a%00b", "control character"},
	{"/srv/\x7f", "control character"},
	{" https://host/w", "begins or ends with a space"},
	{"https://host/my widgets", "%20"},
	{"ssh://host/my widgets", "%20"},
	{`https://host\@evil/w`, "%5C"},
	{"https://host/100%", "%25"},
	{"-oProxyCommand=x:y", "option"},
	{"ssh://-oProxyCommand=x/w", "option"},
	{"ssh://-x@host/w", "option"},
	{"ssh://%2Dx@host/w", "option"},
	{"git@-x:w", "option"},
	{"-x@host:w", "option"},
	{"git@host:-x", "option"},
	{"git@host:a://b/c", "%3A"},
	{"/srv/a://b", "%3A"},
	{"git://-x/w", "option"},
	{"ext::sh -c x", "run a program"},
	{"fd::17", "fd::"},
	{"codecommit::eu-west-1://widgets", "https://git-codecommit.REGION.amazonaws.com/v1/repos/NAME"},
	{"codecommit://widgets", "https://git-codecommit.REGION.amazonaws.com/v1/repos/NAME"},
	{"hg::https://host/w", "helper"},
	{"::x", "helper"},
	{"htps://host/w", "did you mean https://?"},
	{"HTTPS://host/w", "did you mean https://?"},
	{"rsync://host/w", "scheme"},
	{"://host/w", "scheme"},
	{"https:/host/w", "write https://"},
	{"https:host/w", "write https://"},
	{"widgets.git", "relative"},
	{"../widgets.git", "relative"},
	{"./a:b", "relative"},
	{"~/widgets.git", "relative"},
	{"https://host", "no repository"},
	{"https://host//", "no repository"},
	{"file:///", "no repository"},
	{"/", "no repository"},
	{"git@host:", "no repository"},
	{"https:///w", "no host"},
	{"https://me@/w", "no host"},
	{":w", "no host"},
	{"git@:w", "no host"},
	{"https://ho_st:0/w", "1 to 65535"},
	{"https://host:/w", "1 to 65535"},
	{"https://host:65536/w", "1 to 65535"},
	{"https://user:pa/ss@host/w", "%2F"},
	{"https://user:22/pass@host/w", "%40"},
	{"https://us@er:pass@host/w", "two @"},
	{"https://host/w?token=x", "%3F"},
	{"https://host/w#x", "%23"},
	{"https://müller.example/w", "xn--"},
	{"https://ho{path}st/w", "no host's name"},
	{"https://ho+st/w", "no host's name"},
	{"https://[::1/w", "IPv6"},
	{"https://[1.2.3.4]/w", "IPv6"},
	{"https://[fe80::1%25eth0]/w", "IPv6"},
	{"git@[::1]w", "]:"},
	{"[git@host:2222]:w", "no host's name"},
	{"[host:2222]:w", "ssh://USER@HOST:PORT/PATH"},
	{"git://me@host/w", "no users"},
	{"file://host/w", "three slashes"},
	{"ssh://git:pass@host/w", "ssh logs in with a key"},
	{"ssh://git:@host/w", "ssh logs in with a key"},
	{"ssh://git%3Apass@host/w", "ssh logs in with a key"},
	{"ssh://@host/w", "no user before it"},
	{"ssh://{path}@host/w", "brace"},
	{"me@host name:w", "no host's name"},
	{"me me@host:w", "space"},
	{"git:pass@host:w", "may hold a password"},
	{"x-access-token:pass@github.com/w", "may hold a password"},
	{"git:pass@[::1]:w", "may hold a password"},
}

func TestRefusedURLs(t *testing.T) {
	for _, test := range refusedURLs {
		t.Run(test.raw, func(t *testing.T) {
			u, err := ParseURL(test.raw)
			e, ok := errors.AsType[*Error](err)
			if !ok || u != (URL{}) {
				t.Fatalf("ParseURL = %v, %v; want an *Error alone", u, err)
			}
			if told := e.Message + "; " + e.Hint; !strings.Contains(told, test.want) || e.Hint == "" {
				t.Errorf("told %q, want %q in it", told, test.want)
			}
		})
	}
}

// printings are all the ways in which a URL might get into a log.
func printings(u URL) []string {
	type exported struct{ U any }
	type hidden struct{ u URL }
	all := []string{u.String(), u.Identity(), u.Host()}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10.3s", "%p", "%T", "%[2]v"} {
		for _, value := range []any{u, &u, []URL{u}, map[string]URL{"x": u}, exported{u}, hidden{u}, &hidden{u}} {
			all = append(all, fmt.Sprintf(format, value))
		}
	}
	return all
}

func TestNoPrintingShowsASecret(t *testing.T) {
	for _, raw := range []string{"https://me:s3cret@h/w", "http://s3cret@h/w", "https://s3cret:x-oauth-basic@h/w"} {
		for _, printed := range printings(mustParse(t, raw)) {
			if strings.Contains(printed, "s3cret") || strings.Contains(printed, fmt.Sprintf("%x", "s3cret")) {
				t.Errorf("a secret shows in %s", printed)
			}
		}
	}
	if got := fmt.Sprintf("%v", mustParse(t, "https://me:x@h/w")); got != "https://*****:*****@h/w" {
		t.Errorf("printed as %s", got)
	}
	if (URL{}).String() != "" || (URL{}).Raw() != "" {
		t.Error("the zero URL is not empty")
	}
}

func FuzzURL(f *testing.F) {
	for _, prefix := range []string{
		"https://me:", "http://:", "ssh://git:", "git:", "git@host:", "https://a@b:", "https://host/x:", "file://a:",
		"https://me%3a:", "ssh://git@host:", "https://[::1]:", "https://host:1/:", "ext::", "/a:", "git://host/a:",
	} {
		f.Add(prefix, "host/w.git")
	}
	const secret = "s3cret-hunter2"
	f.Fuzz(func(t *testing.T, prefix, suffix string) {
		raw := prefix + secret + "@" + suffix
		u, err := ParseURL(raw)
		if err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || strings.Contains(e.Message+e.Hint, secret) || e.Hint == "" {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		if u.Raw() != raw {
			t.Errorf("%q became %q", raw, u.Raw())
		}
		schemed := strings.HasPrefix(raw, u.Scheme()+"://")
		switch {
		case u.Scheme() == "file":
			return // a path has no secrets
		case u.Scheme() == "ssh" && !schemed && strings.Contains(prefix, "/"):
			return // nor has the path of user@host:path
		case u.Scheme() == "ssh" && !strings.Contains(strings.TrimPrefix(prefix, "ssh://"), ":"):
			return // a user of ssh is no secret
		}
		for _, printed := range printings(u) {
			if strings.Contains(printed, secret) {
				t.Errorf("%q shows in %s", raw, printed)
			}
		}
	})
}
