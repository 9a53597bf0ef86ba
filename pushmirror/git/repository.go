package git

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"git-push-mirror/pushmirror/disk"
)

// Repository is upstream: a repository on this machine that is only read. It can be used from
// many goroutines.
type Repository struct {
	git *Git
	dir string
}

// Git is the git that reads the repository.
func (r *Repository) Git() *Git { return r.git }

// ErrNoRepository says that there is no repository where one was looked for.
var ErrNoRepository = errors.New("no git repository")

// Open returns the repository of a GIT_DIR (absolute, or relative to the working directory): for
// the folder of a linked worktree the repository that the worktree belongs to. Symbolic links are
// resolved. It runs no process. If dir is no repository, the error wraps ErrNoRepository.
func (g *Git) Open(dir string) (*Repository, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the repository: %w", err)
	}
	if text, err := disk.ReadRegular(filepath.Join(dir, "commondir"), maxRefFile); err == nil { // of a linked worktree
		common := strings.TrimSuffix(text, "\n")
		if !filepath.IsAbs(common) {
			common = filepath.Join(dir, common)
		}
		dir = common
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real // or what is known of it would be another repository's
	}
	for _, part := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(dir, part)); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("%s is %w", dir, ErrNoRepository)
			}
			return nil, fmt.Errorf("opening the repository: %w", err)
		}
	}
	return &Repository{git: g, dir: dir}, nil
}

// maxRefFile is more than the size, in bytes, of any file that names a folder or another ref.
const maxRefFile = 64 << 10

// Find gives the repository that a git command run in dir would work on, by
//
//	git rev-parse --absolute-git-dir
//
// without running it where dir is a bare repository itself, as most are.
// gitDir is what $GIT_DIR holds, if anything; it counts before dir. Somebody else's
// repository is found too: whether to act on it is the caller's question. A place
// that is in no repository is an error that wraps ErrNoRepository.
func (g *Git) Find(ctx context.Context, dir, gitDir string) (*Repository, error) {
	if gitDir != "" {
		if !filepath.IsAbs(gitDir) {
			gitDir = filepath.Join(dir, gitDir)
		}
		return g.Open(gitDir)
	}
	if r := g.bareAt(dir); r != nil {
		return r, nil
	}
	if _, err := os.Stat(filepath.Join(dir, "HEAD")); errors.Is(err, fs.ErrPermission) {
		return nil, &Error{
			Kind: KindLocal, Err: fmt.Errorf("opening the repository: %w", err), Hint: "run it as the user whom the repository belongs to",
		}
	}
	out, err := g.output(ctx, "", nil, "-c", "safe.directory=*", "-C", dir, "rev-parse", "--absolute-git-dir")
	var failed *Error
	if errors.As(err, &failed) && (strings.Contains(failed.Stderr, "not a git repository") || strings.Contains(failed.Stderr, "cannot change to")) {
		return nil, fmt.Errorf("%s is in %w", dir, ErrNoRepository)
	}
	if err != nil {
		return nil, err
	}
	return g.Open(strings.TrimSuffix(out, "\n"))
}

// bareAt opens dir if it is a bare repository and has no .git within; nil if not.
func (g *Git) bareAt(dir string) *Repository {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(dir, ".git")); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	r, err := g.Open(dir)
	if err != nil {
		return nil
	}
	if abs, err := filepath.Abs(dir); err != nil || abs != r.dir {
		return nil
	}
	return r
}

// isEmpty reports whether the files show that there is no branch and no tag.
func (r *Repository) isEmpty() bool {
	for _, name := range []string{packedRefs, "reftable"} {
		if _, err := os.Lstat(filepath.Join(r.dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	for _, name := range []string{"refs/heads", "refs/tags"} {
		entries, err := os.ReadDir(filepath.Join(r.dir, name))
		if len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return true
}

// Dir is the repository's folder, absolute.
func (r *Repository) Dir() string { return r.dir }

// Refs lists the branches and tags, and the branch that HEAD names: "" if HEAD is detached or the
// branch does not exist. Symbolic refs are marked; those that lead nowhere have no object id. Names
// and values that known has too share its strings. With an *UnreadableError, which tells of refs
// that cannot be read, it returns all that can.
func (r *Repository) Refs(ctx context.Context, known Refs) (refs Refs, head RefName, err error) {
	f := forEachRef{refList: refList{known: known, refs: make(Refs, 0, len(known))}}
	out := lines{each: f.line}
	warnings, err := r.git.run(ctx, command{dir: r.dir, stdout: &out, args: []string{
		"for-each-ref", "--format=%(HEAD)%(objectname) %(refname) %(symref)", "refs/heads", "refs/tags",
	}})
	if err = cmp.Or(err, out.close()); err != nil {
		return nil, "", err
	}
	refs = Sort(f.refs)
	symbolic, err := r.unlisted(refs, warnings)
	if len(symbolic) > 0 {
		refs = Sort(append(refs, symbolic...))
	}
	return refs, f.head, err
}

// Head is the branch that HEAD names, whether it exists or not; "" if HEAD is detached.
func (r *Repository) Head(ctx context.Context) (RefName, error) {
	out, err := r.git.output(ctx, r.dir, nil, "symbolic-ref", "--quiet", "HEAD")
	if exitCode(err) == 1 { // it is detached
		return "", nil
	}
	return RefName(strings.TrimSuffix(out, "\n")), err
}

// oidDigits is the length of the repository's object ids, 40 or 64, by
//
//	git rev-parse --show-object-format
func (r *Repository) oidDigits(ctx context.Context) (int, error) {
	out, err := r.git.output(ctx, r.dir, nil, "rev-parse", "--show-object-format")
	if strings.TrimSpace(out) == "sha256" {
		return 64, err
	}
	return 40, err
}

// Objects are the answers of [Repository.Objects].
type Objects struct {
	known   map[OID]bool
	commits map[OID]OID
}

// Known reports whether the object was asked for and is in the repository.
func (o Objects) Known(oid OID) bool { return o.known[oid] }

// Commit is the commit that the object is or, as a tag, leads to; "" when there
// is none.
func (o Objects) Commit(oid OID) OID { return o.commits[oid] }

// Objects looks objects up, all in one
//
//	git cat-file --batch-check='%(objectname) %(objecttype)'
func (r *Repository) Objects(ctx context.Context, oids []OID) (Objects, error) {
	found := Objects{known: make(map[OID]bool, len(oids)), commits: make(map[OID]OID, len(oids))}
	if len(oids) == 0 {
		return found, nil
	}
	var in strings.Builder
	in.Grow(len(oids) * (2*len(oids[0]) + len("\n^{commit}\n")))
	for _, oid := range oids {
		in.WriteString(string(oid) + "\n" + string(oid) + "^{commit}\n")
	}
	told := 0 // each object in two lines
	out := lines{each: func(line string) error {
		if told == 2*len(oids) {
			return fmt.Errorf("reading 'git cat-file': more lines than %d objects have", len(oids))
		}
		oid := oids[told/2]
		line = strings.TrimSuffix(line, "\n")
		if told++; told%2 == 1 {
			found.known[oid] = !strings.HasSuffix(line, " missing")
		} else if commit, ok := strings.CutSuffix(line, " commit"); ok && commit == string(oid) {
			found.commits[oid] = oid
		} else if ok {
			found.commits[oid] = OID(commit)
		}
		return nil
	}}
	_, err := r.git.run(ctx, command{
		dir: r.dir, stdin: strings.NewReader(in.String()), stdout: &out,
		args: []string{"cat-file", "--batch-check=%(objectname) %(objecttype)"},
	})
	if err = cmp.Or(err, out.close()); err == nil && told != 2*len(oids) {
		err = fmt.Errorf("reading 'git cat-file': %d lines for %d objects", told, len(oids))
	}
	return found, err
}

// revisions is the input for git rev-list --stdin to list what can be reached from some objects and
// not from others.
func revisions(from, without []OID) io.Reader {
	var in strings.Builder
	for _, oid := range from {
		in.WriteString(string(oid) + "\n")
	}
	for _, oid := range without {
		in.WriteString("^" + string(oid) + "\n")
	}
	return strings.NewReader(in.String())
}

// Unreachable tells which of the commits cannot be reached from any of the tips,
// by one
//
//	git rev-list --stdin
//
// with the commits, and the tips negated.
func (r *Repository) Unreachable(ctx context.Context, commits, tips []OID) (map[OID]bool, error) {
	wanted := make(map[OID]bool, len(commits))
	for _, oid := range commits {
		wanted[oid] = true
	}
	out, err := r.git.output(ctx, r.dir, revisions(commits, tips), "rev-list", "--stdin")
	if err != nil {
		return nil, err
	}
	unreachable := map[OID]bool{}
	scan := bufio.NewScanner(strings.NewReader(out))
	for scan.Scan() {
		if oid := OID(scan.Text()); wanted[oid] {
			unreachable[oid] = true
		}
	}
	return unreachable, scan.Err()
}

// CountCommits counts the commits that can be reached from some objects and not from others,
// which need not be known here, by
//
//	git rev-list --count --ignore-missing --stdin
//
// with the others negated.
func (r *Repository) CountCommits(ctx context.Context, from, without []OID) (int, error) {
	out, err := r.git.output(ctx, r.dir, revisions(from, without), "rev-list", "--count", "--ignore-missing", "--stdin")
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		return 0, fmt.Errorf("reading 'git rev-list --count': %w", err)
	}
	return n, nil
}

// Complete reports whether everything that the objects need is in the
// repository, apart from what the known objects need, by
//
//	git -c core.commitGraph=false rev-list --objects --quiet
//
// without the commit-graph, by which git would not notice that a commit is missing. It reads no
// blob.
func (r *Repository) Complete(ctx context.Context, oids, known []OID) (bool, error) {
	return r.walks(ctx, "--objects", oids, known)
}

// Sound is like Complete, and also checks that no object, blobs included, is damaged, by
// --verify-objects. Of a damaged blob git may only print an error and still exit with 0.
func (r *Repository) Sound(ctx context.Context, oids, known []OID) (bool, error) {
	return r.walks(ctx, "--verify-objects", oids, known)
}

func (r *Repository) walks(ctx context.Context, how string, oids, known []OID) (bool, error) {
	said, err := r.git.run(ctx, command{
		dir: r.dir, stdin: revisions(oids, known),
		args: []string{"-c", "core.commitGraph=false", "rev-list", how, "--quiet", "--stdin"},
	})
	if exitCode(err) > 0 {
		return false, nil
	}
	return err == nil && !hasLine(said, "error: hash mismatch "), err
}

// Alternates are the absolute paths of the object folders that the repository's
// objects/info/alternates names. It does not follow their own alternates.
func (r *Repository) Alternates() []string {
	objects := filepath.Join(r.dir, "objects")
	text, err := os.ReadFile(filepath.Join(objects, "info/alternates"))
	if err != nil {
		return nil
	}
	var dirs []string
	for line := range strings.Lines(string(text)) {
		dir := strings.TrimSuffix(line, "\n")
		if unquoted, err := strconv.Unquote(dir); err == nil {
			dir = unquoted
		}
		if dir == "" || strings.HasPrefix(dir, "#") {
			continue
		}
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(objects, dir)
		}
		dirs = append(dirs, dir)
	}
	return dirs
}
