package git

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// HasLFS reports whether git-lfs is in this process's PATH or in GIT_EXEC_PATH. It runs no process.
func (g *Git) HasLFS() bool {
	if _, err := exec.LookPath("git-lfs"); err == nil {
		return true
	}
	dir := Getenv(g.env, "GIT_EXEC_PATH")
	_, err := exec.LookPath(filepath.Join(dir, "git-lfs"))
	return dir != "" && err == nil
}

// SmallBlobs hands over the blobs of least to most bytes that the tips need and the known
// objects do not, each with a path that it has: of history only what lies between them is
// read, by
//
//	git rev-list --objects --filter=blob:limit=N --stdin |
//	git cat-file --batch-check |
//	git cat-file --batch
//
// What is missing here is passed over: the push will report it.
func (s *Scratch) SmallBlobs(ctx context.Context, tips, known []OID, least, most int, each func(path string, content []byte)) error {
	if len(tips) == 0 {
		return nil
	}
	if err := s.configure(len(tips[0])); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return pipeline(
		func(_ *io.PipeReader, to *io.PipeWriter) error { return s.listBlobs(ctx, tips, known, most, to) },
		func(from *io.PipeReader, to *io.PipeWriter) error { return s.sizeBlobs(ctx, from, least, most, to) },
		func(from *io.PipeReader, to *io.PipeWriter) error {
			_, err := s.run(ctx, command{stdin: from, stdout: to, args: []string{
				"cat-file", "--buffer", "--batch=%(objectsize) %(rest)",
			}})
			return err
		},
		func(from *io.PipeReader, _ *io.PipeWriter) error { return readBlobs(bufio.NewReader(from), most, each) },
	)
}

// pipeline runs stages side by side, each reading what the one before it writes. It returns the
// error of the first stage in line that failed, which is the cause of the others.
func pipeline(stages ...func(from *io.PipeReader, to *io.PipeWriter) error) error {
	errs := make([]error, len(stages))
	var all sync.WaitGroup
	next, _ := io.Pipe() // the first has nothing to read
	for i, run := range stages {
		from := next
		var to *io.PipeWriter
		next, to = io.Pipe()
		all.Go(func() {
			errs[i] = run(from, to)
			_ = from.CloseWithError(cmp.Or(errs[i], io.ErrClosedPipe))
			_ = to.CloseWithError(errs[i]) // nil: the end
		})
	}
	all.Wait()
	return cmp.Or(errs...)
}

// listBlobs writes a line OID SP PATH for each object that the tips need and the known objects do
// not, but for commits and the trees at their roots. Of blobs larger than most there is none.
func (s *Scratch) listBlobs(ctx context.Context, tips, known []OID, most int, to io.Writer) error {
	out := lines{each: func(line string) error {
		if _, path, _ := strings.Cut(line, " "); path == "" || path == "\n" {
			return nil
		}
		_, err := io.WriteString(to, line)
		return err
	}}
	_, err := s.run(ctx, command{stdin: revisions(tips, known), stdout: &out, args: []string{
		"rev-list", "--objects", "--missing=allow-any", "--ignore-missing", fmt.Sprintf("--filter=blob:limit=%d", most+1), "--stdin",
	}})
	return cmp.Or(err, out.close())
}

// sizeBlobs hands on those of the lines that name a blob of least to most bytes.
func (s *Scratch) sizeBlobs(ctx context.Context, from io.Reader, least, most int, to io.Writer) error {
	out := lines{each: func(line string) error {
		fields := strings.SplitN(line, " ", 4) // OID TYPE SIZE PATH
		if len(fields) < 4 || fields[1] != "blob" {
			return nil
		}
		if size, err := strconv.Atoi(fields[2]); err != nil || size < least || size > most {
			return err
		}
		_, err := io.WriteString(to, fields[0]+" "+fields[3])
		return err
	}}
	_, err := s.run(ctx, command{stdin: from, stdout: &out, args: []string{
		"cat-file", "--buffer", "--batch-check=%(objectname) %(objecttype) %(objectsize) %(rest)",
	}})
	return cmp.Or(err, out.close())
}

// readBlobs reads the output of
//
//	git cat-file --batch='%(objectsize) %(rest)'
//
// in which none is larger than most bytes.
func readBlobs(r *bufio.Reader, most int, each func(path string, content []byte)) error {
	content := make([]byte, most+1)
	for {
		head, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) && head == "" {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading 'git cat-file': %w", err)
		}
		length, path, _ := strings.Cut(strings.TrimSuffix(head, "\n"), " ")
		size, err := strconv.Atoi(length)
		if err != nil || size < 0 || size > most {
			return fmt.Errorf("reading 'git cat-file': unexpected line %.200q", head)
		}
		if _, err := io.ReadFull(r, content[:size+1]); err != nil {
			return fmt.Errorf("reading 'git cat-file': %w", err)
		}
		each(path, content[:size])
	}
}

// LFSPush is what one git lfs push is to do.
type LFSPush struct {
	// URL is the LFS server's; for ssh, the mirror's.
	URL string
	// Elsewhere: the server is not on the mirror's host, so the mirror's login and certificates are
	// not meant for it, and git asks its own helpers.
	Elsewhere bool
	// Files are the objects to upload: the path of each on this machine, by its LFS id.
	Files map[string]string
	// Progress gets the progress that git-lfs shows; it may be nil.
	Progress io.Writer
}

// PushLFS uploads LFS objects, by
//
//	git lfs push --object-id --stdin MIRROR
//
// from this repository, so that neither upstream's config nor a .lfsconfig in it has a say on where
// they go. It returns what git-lfs wrote to stderr. By the protocol the server says which objects
// it lacks and where they are to go; only the mirror's host gets the mirror's login.
func (s *Scratch) PushLFS(ctx context.Context, p LFSPush) (text string, err error) {
	if err := s.layOut(p.Files); err != nil {
		return "", fmt.Errorf("filling the scratch repository: %w", err)
	}
	t := *s
	if p.Elsewhere {
		t.to.Login, t.to.CAFile, t.to.ClientCert, t.to.ClientKey = nil, "", "", ""
		defer func() { err = errors.Join(err, s.restore()) }()
		if err := t.writeConfig(); err != nil {
			return "", err
		}
	}
	if err := t.write("lfs.config", t.lfsConfig(p.URL)); err != nil {
		return "", fmt.Errorf("filling the scratch repository: %w", err)
	}
	var oids strings.Builder
	for oid := range p.Files {
		oids.WriteString(oid + "\n")
	}
	return t.reach(ctx, command{
		args:  []string{"-c", "include.path=" + filepath.Join(s.dir, "lfs.config"), "lfs", "push", "--object-id", "--stdin", t.mirror()},
		stdin: strings.NewReader(oids.String()), stderr: p.Progress, talk: true,
	})
}

// restore writes the mirror's own config again. If that fails, the next configure tries.
func (s *Scratch) restore() error {
	digits := s.digits
	s.digits = 0
	return s.configure(digits)
}

// layOut makes links to these files, and nothing else, the LFS objects of the scratch repository:
// git-lfs writes beside objects, which it must not do upstream.
func (s *Scratch) layOut(files map[string]string) error {
	storage := filepath.Join(s.dir, "lfs")
	if err := os.RemoveAll(storage); err != nil {
		return err
	}
	for oid, file := range files {
		link := LFSPath(storage, oid)
		if err := os.MkdirAll(filepath.Dir(link), 0o700); err != nil {
			return err
		}
		if err := os.Symlink(file, link); err != nil {
			return err
		}
	}
	return nil
}

// LFSPath is where an LFS object is below the storage folder.
func LFSPath(storage, oid string) string {
	return filepath.Join(storage, "objects", oid[0:2], oid[2:4], oid)
}

// lfsConfig overrides all other config. It gives the URL a name that nobody can guess, as mirror
// does. Git-lfs does not retry for long, since the next update tries again. It reads certificates
// for a host, not for a URL as git does.
func (s *Scratch) lfsConfig(to string) string {
	alias := quote("lfs-" + s.mirror())
	config := fmt.Sprintf(`[lfs]
	url = %[1]s
	pushUrl = %[1]s
	storage = %[2]s
	forceProgress = true
	allowIncompletePush = false
	activityTimeout = %[3]d
[lfs "transfer"]
	maxRetries = 1
	maxRetryDelay = 1
[lfs "ssh"]
	autoMultiplex = false
	retries = 1
[remote %[4]s]
	url = %[1]s
[url %[5]s]
	insteadOf = %[1]s
	pushInsteadOf = %[1]s
`, alias, quote(filepath.Join(s.dir, "lfs")), int(s.to.Stall/time.Second), quote(s.mirror()), quote(to))
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "https" {
		return config
	}
	config += fmt.Sprintf("[http %s]\n", quote("https://"+u.Host))
	for key, value := range map[string]string{"sslCAInfo": s.to.CAFile, "sslCert": s.to.ClientCert, "sslKey": s.to.ClientKey} {
		if value != "" {
			config += fmt.Sprintf("\t%s = %s\n", key, quote(value))
		}
	}
	if s.to.Login != nil || s.to.CAFile != "" || s.to.ClientCert != "" {
		config += "\tsslVerify = true\n"
	}
	return config
}
