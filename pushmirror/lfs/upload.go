package lfs

import (
	"context"
	"errors"
	"io"
	"math/bits"
	"regexp"
	"slices"
	"strings"
	"sync"

	"git-push-mirror/pushmirror/git"
)

// Server is the LFS server of a mirror.
type Server struct {
	Scratch   *git.Scratch
	URL       string // see git.LFSPush
	Elsewhere bool   // see git.LFSPush
	Progress  io.Writer
}

// Failure is why an object did not arrive.
type Failure struct {
	Reason    string // in git-lfs's or the server's words
	Hint      string // the cure, where one is known
	Temporary bool   // the same may succeed later without anybody's help
}

// upload is an upload under way.
type upload struct {
	Server
	files  map[string]string // by object id
	runs   int               // of git-lfs that are left
	failed map[string]Failure
}

// Upload brings objects, the path of each by its id, to the server. It returns those that did not
// arrive, by id. An object that is refused stops no other: if git-lfs does not name it, it is
// looked for by halves, in a bounded number of runs. An error is one of this side: ctx is done, or
// a disk is full.
func (s Server) Upload(ctx context.Context, files map[string]string) (map[string]Failure, error) {
	u := &upload{Server: s, files: files, runs: 2*bits.Len(uint(len(files))) + 8, failed: map[string]Failure{}}
	ids := make([]string, 0, len(files))
	for id := range files {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return u.failed, u.some(ctx, ids)
}

// some uploads these objects, and notes those that fail.
func (u *upload) some(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	files := make(map[string]string, len(ids))
	for _, id := range ids {
		files[id] = u.files[id]
	}
	u.runs--
	said, err := u.Scratch.PushLFS(ctx, git.LFSPush{URL: u.URL, Elsewhere: u.Elsewhere, Files: files, Progress: u.Progress})
	if err == nil || ctx.Err() != nil {
		return err
	}
	var failed *git.Error
	if !errors.As(err, &failed) {
		return err
	}
	f, all := classify(failed, said)
	named := u.named(said, files)
	switch {
	case all || len(ids) == 1 || u.runs <= 0:
		for _, id := range ids {
			u.failed[id] = f
		}
		return nil
	case len(named) > 0:
		for id, f := range named {
			u.failed[id] = f
		}
		return u.some(ctx, slices.DeleteFunc(ids, func(id string) bool { return u.failed[id] != Failure{} }))
	}
	half := len(ids) / 2
	if err := u.some(ctx, ids[:half]); err != nil {
		return err
	}
	return u.some(ctx, ids[half:])
}

var objectID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\b[0-9a-f]{64}\b`) })

// named returns the objects whose ids git-lfs mentions in its complaints.
func (u *upload) named(said string, files map[string]string) map[string]Failure {
	named := map[string]Failure{}
	for line := range strings.Lines(said) {
		for _, id := range objectID().FindAllString(line, -1) {
			if _, ours := files[id]; ours {
				named[id], _ = classify(&git.Error{Kind: git.KindNetwork}, line)
			}
		}
	}
	return named
}

// row is a row of the table that classes what git-lfs says.
type row struct {
	text      string // part of it, lower case
	all       bool   // every object fails for this reason
	temporary bool
	hint      string
}

const noSSHServer = `the host has no LFS over ssh: set lfs_url to where it is, or write lfs = "off"`

// rows are read from the top; the first whose text is found counts. What no row knows is temporary:
// trying again does no harm.
var rows = []row{
	{text: "is not a git command", all: true, hint: `install git-lfs, or write lfs = "off" for a mirror that is to be without large files`},
	{text: "git-lfs-authenticate: command not found", all: true, hint: noSSHServer},
	{text: "git-lfs-authenticate: not found", all: true, hint: noSSHServer},
	{text: "from http 413", hint: "the server takes no object of that size: allow it there"},
	{text: "unprocessable entity", hint: "the server checked the object and did not take it: compare it with its id, sha256sum tells"},
	{text: "authorization error", all: true, hint: "the server did not accept who we are, or does not let us write"},
	{text: "authentication required", all: true, hint: "the server did not accept who we are, or does not let us write"},
	{text: "credentials for", all: true, hint: "the server wants a user name and a password"},
	{text: "could not read username", all: true, hint: "the server wants a user name and a password; git's credential helper can supply them"},
	{text: "could not read password", all: true, hint: "the server did not accept the user name and password"},
	{text: "repository or object not found", all: true, hint: `the mirror has no LFS there: switch it on there, set lfs_url, or write lfs = "off"`},
	{text: "not implemented", all: true, hint: `the mirror has no LFS there: switch it on there, set lfs_url, or write lfs = "off"`},
	{text: "certificate", all: true, temporary: true, hint: "the certificate of the LFS server is not trusted: name its authority in ca_file"},
	{text: "connection refused", all: true, temporary: true},
	{text: "no such host", all: true, temporary: true},
	{text: "i/o timeout", all: true, temporary: true},
	{text: "insufficient server storage", temporary: true, hint: "the server has no room for it"},
}

// signed matches a URL with a query, by which a server lets anybody who has it upload.
var signed = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(https?://)(?:[^\s/@"']*@)?([^\s?#"']*)[?#][^\s"']*`)
})

// classify turns what git-lfs said into a Failure; all is true if every object fails for it.
func classify(failed *git.Error, said string) (f Failure, all bool) {
	f.Reason = git.Shorten(signed().ReplaceAllString(complaint(said), "$1$2?…"))
	if failed.Kind == git.KindTimeout || f.Reason == "" {
		f.Reason, f.Temporary = failed.Error(), true
		return f, true
	}
	lower := strings.ToLower(said)
	for _, row := range rows {
		if strings.Contains(lower, row.text) {
			f.Hint, f.Temporary = row.hint, row.temporary
			return f, row.all
		}
	}
	f.Temporary = true
	return f, false
}

// complaint is the first line that is neither blank nor a warning.
func complaint(said string) string {
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "warning: ") {
			return strings.TrimPrefix(strings.TrimPrefix(line, "error: "), "LFS: ")
		}
	}
	return ""
}
