package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"git-push-mirror/pushmirror/disk"
)

// Scratch is the repository that a mirror is listed and pushed from. It is made
// for one update and holds only the refs to send; objects are upstream's, as alternates, to which
// it never writes. So upstream's config, hooks, replace refs and grafts have no say, and a wildcard
// refspec, whose cost is linear where that of explicit ones is quadratic, means exactly the refs to
// send. It is for one goroutine.
type Scratch struct {
	git      *Git
	upstream *Repository
	dir      string
	to       Target
	ssh      string // core.sshCommand; "" for the user's own
	digits   int    // of an object id
}

// Target is a mirror, as git reaches it.
type Target struct {
	URL   string // with no secret in it
	Login *Login // for http; nil: git asks its own helpers and .netrc
	SSH   *SSH   // for ssh
	// CAFile, ClientCert and ClientKey are paths for https; "": the user's or the system's.
	CAFile, ClientCert, ClientKey string
	// Mask hides secrets in what git and the mirror say.
	Mask Mask
	// Answer is how long the host may take to send its first byte (on Linux only), Stall how long git
	// may make no progress; 0: no limit.
	Answer, Stall time.Duration
	// Known is what the mirror was last seen to hold; a listing shares its strings.
	Known Refs
	// Reached is called when the mirror has answered a listing, or a push is about to send its
	// objects; it may be nil.
	Reached func()
}

// NewScratch makes a scratch repository, readable by this user alone, for pushing from r. Its path
// is begin and a random end. Its folder must be one in which nobody else can rename our files: git
// would obey what they put in their place. Call Remove when done.
func (r *Repository) NewScratch(ctx context.Context, begin string, to Target) (*Scratch, error) {
	dir, err := os.MkdirTemp(filepath.Split(begin))
	if err != nil {
		return nil, fmt.Errorf("making a scratch repository: %w", err)
	}
	s := &Scratch{git: r.git, upstream: r, dir: dir, to: to}
	if err := s.init(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("making a scratch repository: %w", err), s.Remove())
	}
	return s, nil
}

// Remove deletes the scratch repository.
func (s *Scratch) Remove() error {
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("removing the scratch repository: %w", err)
	}
	return nil
}

// ClearScratch removes this user's scratch repositories whose paths begin so, which killed updates
// left, and ends the processes that still run of these: git ends with us, but a transport may wait
// for a silent mirror. The lock of the update must be held, so that none is in use.
func ClearScratch(begin string) error {
	parent, prefix := filepath.Split(begin)
	entries, err := os.ReadDir(parent)
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), prefix) || !isOurs(entry) {
			continue
		}
		dir := filepath.Join(parent, entry.Name())
		endMarked(scratchVariable + "=" + dir)
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

func isOurs(entry fs.DirEntry) bool {
	info, err := entry.Info()
	return err == nil && disk.InodeOf(info).UID == os.Geteuid()
}

// scratchVariable marks all processes of an update in their environment, with the folder of
// its scratch repository.
const scratchVariable = "PUSH_MIRROR_SCRATCH"

// run runs git in the scratch repository.
func (s *Scratch) run(ctx context.Context, c command) (string, error) {
	if err := s.followShallow(); err != nil {
		return "", err
	}
	c.reaches = true
	c.dir, c.env = s.dir, append(c.env, scratchVariable+"="+s.dir,
		"GIT_OBJECT_DIRECTORY="+s.dir, // where none are
		"GIT_ALTERNATE_OBJECT_DIRECTORIES="+s.objects())
	return s.git.run(ctx, c)
}

// objects is the folder of upstream's objects, as git reads it among alternates.
func (s *Scratch) objects() string { return quote(filepath.Join(s.upstream.dir, "objects")) }

// followShallow makes a scratch repository shallow if upstream is, or has become so.
func (s *Scratch) followShallow() error {
	shallow := filepath.Join(s.upstream.dir, "shallow")
	if _, err := os.Lstat(shallow); err != nil {
		return nil //nolint:nilerr // it is not shallow, as nearly always
	}
	err := os.Symlink(shallow, filepath.Join(s.dir, "shallow"))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// reach is run for a command that talks with the mirror.
func (s *Scratch) reach(ctx context.Context, c command) (string, error) {
	c.answer, c.stall, c.login, c.mask = s.to.Answer, s.to.Stall, s.to.Login, s.to.Mask
	return s.run(ctx, c)
}

func (s *Scratch) init(ctx context.Context) error {
	if err := os.Mkdir(filepath.Join(s.dir, "refs"), 0o700); err != nil {
		return err
	}
	if s.to.SSH != nil {
		if err := s.initSSH(ctx); err != nil {
			return err
		}
	}
	return errors.Join(s.write("HEAD", "ref: refs/none\n"), s.configure(40))
}

// configure writes the config for object ids of that length, if it is not there yet.
func (s *Scratch) configure(oidDigits int) error {
	if s.digits == oidDigits {
		return nil
	}
	s.digits = oidDigits
	err := s.writeConfig()
	if err != nil {
		s.digits = 0
	}
	return err
}

// writeConfig writes the config. What stands here goes before the user's and the
// system's config, which keep their say on how to reach a mirror (http.*,
// credential.*, core.sshCommand) and lose it on what is pushed.
func (s *Scratch) writeConfig() error {
	version, format := 0, ""
	if s.digits == 64 {
		version, format = 1, "[extensions]\n\tobjectFormat = sha256\n"
	}
	return s.write("config", fmt.Sprintf(`[core]
	repositoryFormatVersion = %d
	bare = true
	hooksPath = /dev/null
	abbrev = no
	alternateRefsPrefixes = refs/none
%s[transfer]
	hideRefs = refs/
[receive]
	hideRefs = !refs/old/
[push]
	negotiate = false
	pushOption =
	recurseSubmodules = no
	useForceIfIncludes = false
[hook "reference-transaction"]
	enabled = false
[advice]
	graftFileDeprecated = false
	pushUpdateRejected = false
[color]
	ui = false
	push = false
	transport = false
	remote = false
[gc]
	auto = 0
[maintenance]
	auto = false
[url %s]
	insteadOf = %[4]s
	pushInsteadOf = %[4]s
%s`, version, format, quote(s.to.URL), quote(s.mirror()), s.settings()))
}

// settings say how to reach the mirror. For http they name its whole URL, since git takes those of
// the most specific URL, and the user may have some for the host. Redirects are not followed, but
// told: nobody has said that code or passwords may go where they lead.
func (s *Scratch) settings() string {
	t := s.to
	var b strings.Builder
	set := func(section, key, value string) { fmt.Fprintf(&b, "[%s]\n\t%s = %s\n", section, key, quote(value)) }
	if strings.HasPrefix(t.URL, "http://") || strings.HasPrefix(t.URL, "https://") {
		section := "http " + quote(t.URL)
		set(section, "followRedirects", "false")
		if t.Login != nil || t.CAFile != "" || t.ClientCert != "" {
			set(section, "sslVerify", "true")
		}
		for key, path := range map[string]string{"sslCAInfo": t.CAFile, "sslCert": t.ClientCert, "sslKey": t.ClientKey} {
			if path != "" {
				set(section, key, path)
			}
		}
	}
	if t.Login != nil {
		set("credential", "helper", "") // forgets the user's, which would be asked first
		set("credential", "helper", t.Login.helper())
	}
	if s.ssh != "" {
		set("core", "sshCommand", s.ssh)
	}
	return b.String()
}

// mirror is the name of the mirror in a command; our config has the URL for it. The URL itself
// would be subject to the user's url.*.insteadOf and to a remote of that name in the user's config,
// and so would a name that others can guess: of two rules of the same length git takes the user's.
func (s *Scratch) mirror() string { return filepath.Base(s.dir) }

// setRefs makes refs, which are sorted by name, the only refs there are.
func (s *Scratch) setRefs(refs Refs) error {
	if err := s.packRefs(refs); err != nil {
		return fmt.Errorf("filling the scratch repository: %w", err)
	}
	if len(refs) == 0 {
		return nil
	}
	return s.configure(len(refs[0].OID))
}

func (s *Scratch) packRefs(refs Refs) error {
	f, err := os.OpenFile(filepath.Join(s.dir, "packed-refs"), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	_, _ = w.WriteString("# pack-refs with: sorted \n")
	for _, ref := range refs {
		for _, part := range []string{string(ref.OID), " ", string(ref.Name), "\n"} {
			_, _ = w.WriteString(part) // Flush tells
		}
	}
	return errors.Join(w.Flush(), f.Close())
}

// write replaces a file. Nothing of a scratch repository outlives the update, so nothing is synced
// to disk.
func (s *Scratch) write(name, text string) error {
	return os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600)
}

// quote writes a string as git's config and alternates files read it.
func quote(s string) string { return `"` + escapes.Replace(s) + `"` }

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\b", `\b`)
