package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// The placeholders in the url of a remote of the system file.
const (
	placeholderPath   = "{path}"        // the repository's path below root, without .git
	placeholderDashed = "{path_dashed}" // the same with - for each /
)

// checkRoot demands the root that repositories and placeholders go by; first
// is a remote that needs it.
func (f *file) checkRoot(first *table) {
	if f.tables[atTop][0].has("root") {
		return
	}
	f.fault(first.path, complaint("the system file has a remote, but no root", findKey("root", atTop).explain()))
}

// pathBelowRoot returns the path of a repository below the root that f sets, as
// "team/widgets.git"; "" if it is elsewhere, or if f has no need to know.
func (f *file) pathBelowRoot(repository string) string {
	if repository == "" || len(f.tables[inRemote]) == 0 {
		return ""
	}
	// Both may be reached through links, and by different ones.
	root, err := filepath.EvalSymlinks(get[string](settings(f.tables[atTop]), "root"))
	if err != nil {
		e := complaint("root cannot be looked up: "+reason(err), findKey("root", atTop).explain())
		e.cause = err
		f.tables[atTop][0].fault("root", e)
		return ""
	}
	resolved, err := filepath.EvalSymlinks(repository)
	if err != nil {
		e := complaint("this repository cannot be looked up: "+reason(err), "name a repository that exists")
		e.File, e.cause = repository, err
		f.faults = append(f.faults, e)
		return ""
	}
	below, err := filepath.Rel(root, resolved)
	if err != nil || below == "." || !filepath.IsLocal(below) {
		return ""
	}
	return below
}

// reason is an I/O error without the path, which the reader is told anyway.
func reason(err error) string {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	return err.Error()
}

// serves reports whether a remote of the system file is for the repository at
// a path below root.
func (t *table) serves(path string) bool {
	if path == "" {
		return false
	}
	names := []string{path, strings.TrimSuffix(path, ".git")}
	return matchAny(get[[]string](settings{t}, "repositories"), names...) &&
		!matchAny(get[[]string](settings{t}, "exclude"), names...)
}

// checkPlaceholders checks a url before it is known what will be filled in.
// Since no brace is allowed in a host, a placeholder can only be in the path:
// whoever may create a repository cannot choose where it is sent.
func checkPlaceholders(template URL, system bool) *Error {
	raw := template.Raw()
	if !system {
		if strings.Contains(raw, "{path") {
			return complaint("the url has a placeholder in it, which is filled in only in the system file",
				"write the path of the mirror itself")
		}
		return nil
	}
	left := strings.NewReplacer(placeholderPath, "", placeholderDashed, "").Replace(raw)
	if strings.ContainsAny(left, "{}") {
		return complaint("the url has a brace in it that belongs to no placeholder",
			fmt.Sprintf("there are %s and %s", placeholderPath, placeholderDashed))
	}
	return nil
}

// checkOneEach refuses one url for several repositories: in one mirror, each would undo the others'
// work or report it as diverged.
func (t *table) checkOneEach(template URL) *Error {
	patterns := get[[]string](settings{t}, "repositories")
	several := slices.ContainsFunc(patterns, func(p string) bool {
		return strings.Contains(p, "*") || strings.TrimSuffix(p, ".git") != strings.TrimSuffix(patterns[0], ".git")
	})
	if !several || strings.Contains(template.Raw(), "{path") {
		return nil
	}
	return complaint("the url is the same for all the repositories that the remote is for",
		fmt.Sprintf("put %s or %s into it, or name one repository alone", placeholderPath, placeholderDashed))
}

// fill puts the path of a repository below root into a url. Where the url is
// percent-encoded, so is the path.
func fill(template URL, path string) (URL, *Error) {
	path = strings.TrimSuffix(strings.TrimSuffix(path, ".git"), "/")
	dashed := strings.ReplaceAll(path, "/", "-")
	raw := template.Raw()
	if strings.HasPrefix(raw, template.Scheme()+"://") {
		path, dashed = escape(path), escape(dashed)
	}
	filled := strings.NewReplacer(placeholderPath, path, placeholderDashed, dashed).Replace(raw)
	if filled == raw {
		return template, nil
	}
	u, err := parseURL(filled)
	if err != nil {
		err.Message += ", once the path of this repository is filled in"
		err.Hint = "rename the repository, or name it in exclude"
	}
	return u, err
}

// escape encodes all of a path but its slashes. An @ is left alone by the
// library, but not allowed in a url's path here.
func escape(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = strings.ReplaceAll(url.PathEscape(segment), "@", "%40")
	}
	return strings.Join(segments, "/")
}

// checkHost checks that code may go to the hosts of a remote.
func (c *Config) checkHost(t *table, r Remote) {
	if c.AllowHosts == nil || !r.Enabled {
		return
	}
	for key, u := range map[string]URL{"url": r.URL, "lfs_url": r.LFSURL} {
		if u.Scheme() == "" {
			continue
		}
		host := u.Host()
		if host == "" {
			host = "localhost"
		}
		name, _ := splitPort(host)
		if !matchAny(c.AllowHosts, host, name) {
			t.fault(key, complaint(fmt.Sprintf("%s is on %s, which [policy] allow_hosts in the system file does not name", t.label(), host),
				"mirror to a host that it names, or have it changed"))
		}
	}
}
