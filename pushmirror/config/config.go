package config

import (
	"slices"
	"time"
)

// Sources says where a config is to be looked for.
type Sources struct {
	// System is the system file, by its absolute path; "" for none.
	System string
	// SystemRequired makes it an error if the system file does not exist.
	SystemRequired bool
	// Repository is the absolute $GIT_DIR of the repository to be mirrored, the
	// common one of all worktrees, whose own files count: push-mirror.toml, then
	// push-mirror.d/*.toml in the order of their names. If it is "", only what
	// concerns no single repository is read.
	Repository string
	// Trusted is asked whether the repository's own files count although one belongs
	// neither to the user who runs us nor to root; nil: they do not. They are as good
	// as programs.
	Trusted func() bool
	// Text counts in place of push-mirror.toml, whether there is one or not; "" for the file.
	Text string
	// Instead has texts that count in place of files in push-mirror.d, by the
	// names of these, whether there are such files or not; an empty one makes a
	// file count as gone.
	Instead map[string]string
}

// DefaultSources returns where the config of a repository is: in the file that
// $PUSH_MIRROR_CONFIG names, which then must exist, or else in
// /etc/push-mirror/config.toml, and in the repository itself.
func DefaultSources(getenv func(string) string, repository string) Sources {
	s := Sources{System: defaultSystemFile, Repository: repository}
	if named := getenv(systemVariable); named != "" {
		s.System, s.SystemRequired = named, true
	}
	return s
}

// Config is what all files together say about one repository.
type Config struct {
	ProtectedBranches []string // patterns; nil if not set
	Root              string   // the folder that holds the site's repositories; "" if not set
	VerifyEvery       time.Duration
	StateDir          string // "" if not set
	Hook              Hook
	Worker            Worker
	Notify            Notify
	Log               Log
	AllowHosts        []string // patterns; nil for any host
	// Notifies are the [notify] of all files that name a program, overridden ones too: their programs
	// may have been told of a failure while the later file was broken.
	Notifies []Notify
	// Remotes are in the order in which the files first name them. They include
	// those that are switched off.
	Remotes []Remote
	// Files are the files that were read, in that order.
	Files []string
	// Modified is when one of them, or the list of those in push-mirror.d, last
	// changed; zero if there are none.
	Modified time.Time
}

// Remote is a mirror and how it is treated, with every default filled in.
type Remote struct {
	Name                  string
	URL                   URL // the zero URL only if the remote is switched off
	Enabled               bool
	KeepDivergentRefs     bool
	OnlyProtectedBranches bool
	MirrorBranchRegex     string       // as written; "" if not set
	Branches              BranchFilter // what the two above come to
	Tags                  Tags
	Prune                 Prune
	PruneLimit            int // refs deleted in one update; 0 for no limit
	FollowRewrites        bool
	RefsPerPush           int // 0 for no limit
	PushOptions           []string
	LFS                   LFS
	LFSURL                URL           // the zero URL for the mirror's own
	Timeout               time.Duration // of a whole attempt
	StallTimeout          time.Duration // without progress, until the pack is sent
	RetryMin              time.Duration // before a first attempt is made again
	RetryMax              time.Duration // between attempts that keep failing
	FailAfter             time.Duration // without success, until the remote counts as failed
	MinInterval           time.Duration // between the starts of two updates; 0 for none

	Login      Login
	SSHKey     string   // path of a private key; "" for what ssh finds by itself
	KnownHosts string   // path of a file; "" for the user's and the system's
	HostKeys   []string // "[MARKER] TYPE BASE64"; nil for what known_hosts files have
	CAFile     string   // path; "" for the system's
	ClientCert string   // path; "" for none
	ClientKey  string   // path; "" for none, or in the same file

	File string // the file that the remote stands in
	Line int    // the line it begins on
}

// Hook says what a pusher meets.
type Hook struct {
	Wait    time.Duration // for the outcome; 0 for not at all
	Show    Show
	Contact string // in place of hints that pushers cannot follow; "" if not set
}

// Show says what a pusher is told.
type Show string

// ShowProblems leaves out what went well.
const (
	ShowAll      Show = "all"
	ShowProblems Show = "problems"
	ShowNothing  Show = "nothing"
)

// Worker says how deliveries go in the background.
type Worker struct {
	Start         Start
	MaxConcurrent int // updates at once
	MaxPerHost    int // updates at once on one host
}

// Login is who logs in at an http or https URL. At most one of the passwords is set.
type Login struct {
	Username        string // "" for whom git's own helpers know
	Password        Secret // from password, or from the url
	PasswordFile    string // path; "" for none
	PasswordCommand []string
	Token           bool // the user is a token, and so a secret
}

// HasPassword reports whether the config says where the password is.
func (l Login) HasPassword() bool {
	return !l.Password.isZero() || l.PasswordFile != "" || l.PasswordCommand != nil
}

// Files are the files that a remote reads at each attempt: when one of them changes, a
// failure may be mended.
func (r Remote) Files() []string {
	files := []string{r.Login.PasswordFile, r.SSHKey, r.KnownHosts, r.CAFile, r.ClientCert, r.ClientKey}
	return slices.DeleteFunc(files, func(path string) bool { return path == "" })
}

// Notify says who is told of failures, besides the pusher and those who ask for the status.
type Notify struct {
	Command []string      // a program, by its absolute path, and its arguments; nil for nobody
	Limit   time.Duration // that the program may take
	File    string        // that names it; "" for nobody
}

// Log says how the worker logs.
type Log struct {
	Level  Level
	Format Format
	Output string // OutputStderr, OutputJournal or the absolute path of a file
}

// Level says how much is logged, by the names that logrus has.
type Level string

// The levels; LevelDebug shows each git command.
const (
	LevelError Level = "error"
	LevelWarn  Level = "warn"
	LevelInfo  Level = "info"
	LevelDebug Level = "debug"
)

// Format says how the log is written.
type Format string

// FormatJSON is an object a line.
const (
	FormatText Format = "text"
	FormatJSON Format = "json"
)

// What an output may be besides a file. The stderr of a worker that a hook started is
// worker.log in the state directory.
const (
	OutputStderr  = "stderr"
	OutputJournal = "journal"
)

// Start says who starts the worker.
type Start string

// StartNever leaves it to a service or a person.
const (
	StartHook  Start = "hook"
	StartNever Start = "never"
)

// Tags says which tags a remote gets.
type Tags string

// TagsReachable are the tags of commits that a mirrored branch contains: with
// any others, a filter for branches would let out what it holds back.
const (
	TagsAll       Tags = "all"
	TagsReachable Tags = "reachable"
	TagsNone      Tags = "none"
)

// Prune says what becomes of a ref on the mirror that is gone upstream.
type Prune string

// PruneMerged deletes it if upstream's default branch contains it, so that no
// work is lost; PruneAll deletes it in any case.
const (
	PruneNever  Prune = "never"
	PruneMerged Prune = "merged"
	PruneAll    Prune = "all"
)

// LFS says whether a remote gets large files by Git LFS.
type LFS string

// LFSAuto means: if the repository has any, and git-lfs is installed.
const (
	LFSAuto LFS = "auto"
	LFSOn   LFS = "on"
	LFSOff  LFS = "off"
)

// Load reads and checks a config. Its error is [Errors]: all that is wrong, in
// all files. Files that do not exist are no error, except for a system file
// that is required.
func Load(s Sources) (*Config, error) {
	c, _, err := load(s)
	return c, err
}

func load(s Sources) (*Config, *whole, error) {
	files, newest := s.read()
	// What the files say together is not judged while one of them is broken: its
	// remains would only lead to errors that are none.
	if faults := faultsOf(files); len(faults) > 0 {
		return nil, nil, faults
	}
	w := merge(files, s.Repository)
	c := w.config()
	if faults := faultsOf(files); len(faults) > 0 {
		return nil, nil, faults
	}
	c.Modified = newest
	for _, f := range files {
		if notify := notifiedBy(f.tables[inNotify]); len(notify.Command) > 0 {
			c.Notifies = append(c.Notifies, notify)
		}
		c.Files = append(c.Files, f.name)
	}
	return c, w, nil
}

// Notified tells who is told that a config is broken, by the [notify] of those of its files that are
// not. Where the system file is broken, nobody is: it could forbid the others to name a program.
func Notified(s Sources) Notify {
	files, _ := s.read()
	if slices.ContainsFunc(files, func(f *file) bool { return f.name == s.System && len(f.faults) > 0 }) {
		return Notify{}
	}
	whole := slices.DeleteFunc(files, func(f *file) bool { return len(f.faults) > 0 })
	return notifiedBy(merge(whole, s.Repository).tables[inNotify])
}

func faultsOf(files []*file) Errors {
	var all Errors
	for _, f := range files {
		slices.SortStableFunc(f.faults, func(a, b *Error) int { return a.Line - b.Line })
		all = append(all, f.faults...)
	}
	return all
}
