package config

import "time"

// place is where in a file a key may stand.
type place uint16

const (
	atTop place = 1 << iota // before the first header
	inDefaults
	inRemote
	inHook
	inWorker
	inNotify
	inLog
	inPolicy
)

// tableKind is a place with a header.
type tableKind struct {
	place  place
	name   string
	header string
	many   bool // each header begins one more of them
	system bool // allowed in the system file only, as all its keys are
}

// tables knows every table, as schema knows every key.
var tables = []tableKind{
	{place: inDefaults, name: "defaults", header: "[defaults]"},
	{place: inRemote, name: "remote", header: "[[remote]]", many: true},
	{place: inHook, name: "hook", header: "[hook]"},
	{place: inWorker, name: "worker", header: "[worker]", system: true},
	{place: inNotify, name: "notify", header: "[notify]"},
	{place: inLog, name: "log", header: "[log]", system: true},
	{place: inPolicy, name: "policy", header: "[policy]", system: true},
}

// key is all there is to know of a key.
type key struct {
	name    string
	places  place
	system  bool   // allowed in the system file only
	means   string // completes "NAME: "
	example string // a value, as TOML
	def     any    // what holds if no file has it, of the type that parse gives; nil for nothing
	except  string // where something else holds, and what: completes "but "
	parse   parser
	mask    func(value string) string // nil if every value of it may be shown
}

// schema knows every key. What the package says of a key, and whether it shows
// its value, comes from here; a key that is not here is unknown, and unknown
// values are never shown.
var schema = []key{
	{
		name: "protected_branches", places: atTop, parse: branchPatterns, example: `["main", "release/*"]`,
		means: "the branches that matter, with * for any characters",
	},
	{
		name: "root", places: atTop, system: true, parse: fromString(absolutePath), example: `"/srv/git"`,
		means: "the folder that all repositories of this machine are in",
	},
	{
		name: "verify_every", places: atTop, system: true, parse: duration, example: `"24h"`,
		means: "how often a mirror is looked at even if nothing was pushed",
		def:   24 * time.Hour,
	},
	{
		name: "state_dir", places: atTop, system: true, parse: fromString(absolutePath), example: `"/var/lib/push-mirror"`,
		means: "the folder in which the worker keeps its list of repositories",
	},
	{
		name: "wait", places: inHook, parse: durationOrNone, example: `"3s"`,
		means: "how long a pusher may wait to be told what became of the push, 0s for not at all",
		def:   3 * time.Second,
	},
	{
		name: "show", places: inHook, parse: choice(ShowAll, ShowProblems, ShowNothing), example: `"problems"`,
		means: "what pushers are told",
		def:   ShowAll,
	},
	{
		name: "contact", places: inHook, parse: fromString(oneLine), example: `"ask git@example.com"`,
		means: "what pushers are told to do about a problem",
	},
	{
		name: "start", places: inWorker, system: true, parse: choice(StartHook, StartNever), example: `"never"`,
		means: "who starts the worker: the hook, or nobody but you",
		def:   StartHook,
	},
	{
		name: "max_concurrent", places: inWorker, system: true, parse: count(1), example: `4`,
		means: "how many remotes are updated at once; an update that takes longer than half a minute makes room for another, " +
			"up to four times as many",
		def: 4,
	},
	{
		name: "max_per_host", places: inWorker, system: true, parse: count(1), example: `4`,
		means: "how many remotes on one host are updated at once",
		def:   4,
	},
	{
		name: "command", places: inNotify, parse: command, mask: maskArguments, example: `["/usr/local/bin/tell-us"]`,
		means: "the program, with its arguments, that is told when a remote fails and when it recovers",
	},
	{
		name: "time_limit", places: inNotify, parse: duration, example: `"1m"`,
		means: "how long that program may take",
		def:   time.Minute,
	},
	{
		name: "level", places: inLog, system: true, parse: choice(LevelError, LevelWarn, LevelInfo, LevelDebug), example: `"debug"`,
		means: "how much the worker logs",
		def:   LevelInfo,
	},
	{
		name: "format", places: inLog, system: true, parse: choice(FormatText, FormatJSON), example: `"json"`,
		means: "how the worker's log is written",
		def:   FormatText,
	},
	{
		name: "output", places: inLog, system: true, parse: logOutput, example: `"/var/log/push-mirror.log"`,
		means: "where the worker's log goes: a file, the journal, or its stderr",
		def:   OutputStderr,
	},
	{
		name: "allow_hosts", places: inPolicy, system: true, parse: hostPatterns, example: `["github.com", "*.example.com"]`,
		means: "the hosts that may be mirrored to, with * for any characters; localhost stands for paths on this machine",
	},
	{
		name: "repository_config", places: inPolicy, system: true, parse: truth, example: `false`,
		means: "whether repositories may have configs of their own",
		def:   true,
	},
	{
		name: "name", places: inRemote, parse: fromString(remoteName), example: `"github"`,
		means: "what the remote is called",
	},
	{
		name: "url", places: inRemote, parse: fromString(remoteURL), mask: maskURL,
		example: `"https://github.com/acme/widgets.git"`,
		means:   "where the mirror is",
	},
	{
		name: "username", places: inRemote, parse: fromString(username), example: `"x-access-token"`,
		means: "who logs in at an http or https url",
	},
	{
		name: "password", places: inRemote, parse: fromString(password), mask: hide, example: `"…"`,
		means: "the password or token of that user",
	},
	{
		name: "password_file", places: inRemote, parse: fromString(absolutePath), example: `"/etc/push-mirror/github.token"`,
		means: "the file whose first line is the password or token, read at each attempt",
	},
	{
		name: "password_command", places: inRemote, parse: command, mask: maskArguments, example: `["/usr/bin/pass", "show", "github"]`,
		means: "the program that prints the password or token, run at each attempt",
	},
	{
		name: "ssh_key", places: inRemote, parse: fromString(absolutePath), example: `"/etc/push-mirror/id_ed25519"`,
		means: "the private key that logs in at an ssh url, and the only one",
	},
	{
		name: "known_hosts", places: inDefaults | inRemote, parse: fromString(absolutePath), example: `"/etc/push-mirror/known_hosts"`,
		means: "the file with the keys of ssh hosts, in place of the user's and the system's",
	},
	{
		name: "host_keys", places: inRemote, parse: hostKeys, example: `["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"]`,
		means: "the keys of the ssh host, as git push-mirror host-keys URL shows them",
	},
	{
		name: "ca_file", places: inDefaults | inRemote, parse: fromString(absolutePath), example: `"/etc/push-mirror/ca.pem"`,
		means: "the file with the certificates that an https host's must come from, in place of the system's",
	},
	{
		name: "client_cert", places: inRemote, parse: fromString(absolutePath), example: `"/etc/push-mirror/client.pem"`,
		means: "the certificate that we show to an https host",
	},
	{
		name: "client_key", places: inRemote, parse: fromString(absolutePath), example: `"/etc/push-mirror/client.key"`,
		means: "the private key of that certificate, where it is not in the same file",
	},
	{
		name: "enabled", places: inDefaults | inRemote, parse: truth, example: `false`,
		means: "whether the remote is mirrored to",
		def:   true,
	},
	{
		name: "keep_divergent_refs", places: inDefaults | inRemote, parse: truth, example: `false`,
		means: "whether work that only the mirror has stays there",
		def:   true,
	},
	{
		name: "only_protected_branches", places: inDefaults | inRemote, parse: truth, example: `false`,
		means: "whether the remote gets the protected branches only",
		def:   false, except: `true where there are protected_branches`,
	},
	{
		name: "mirror_branch_regex", places: inDefaults | inRemote, parse: fromString(regex), example: `"feature/.*"`,
		means: "the branches that the remote gets, by an expression that the whole name must match",
	},
	{
		name: "tags", places: inDefaults | inRemote, parse: choice(TagsAll, TagsReachable, TagsNone),
		example: `"reachable"`,
		means:   "which tags the remote gets",
		def:     TagsAll, except: `"reachable" for a remote that gets some of the branches only`,
	},
	{
		name: "prune", places: inDefaults | inRemote, parse: choice(PruneNever, PruneMerged, PruneAll),
		example: `"merged"`,
		means:   "which refs are deleted from the mirror when they are gone here",
		def:     PruneNever, except: `"merged" with keep_divergent_refs = false`,
	},
	{
		name: "prune_limit", places: inDefaults | inRemote, parse: count(0), example: `100`,
		means: "how many refs one update may delete, 0 for no limit",
		def:   100,
	},
	{
		name: "follow_rewrites", places: inDefaults | inRemote, parse: truth, example: `true`,
		means: "whether what was rewritten here replaces what we put on the mirror",
		def:   false,
	},
	{
		name: "refs_per_push", places: inDefaults | inRemote, parse: count(0), example: `2`,
		means: "how many refs one push may carry, 0 for no limit",
		def:   0,
	},
	{
		name: "push_options", places: inDefaults | inRemote, parse: pushOptions, example: `["ci.skip"]`,
		means: "what is sent along with each push",
	},
	{
		name: "lfs", places: inDefaults | inRemote, parse: choice(LFSAuto, LFSOn, LFSOff), example: `"on"`,
		means: "whether large files are uploaded with Git LFS before the refs that need them; auto: if this repository has any and git-lfs is installed",
		def:   LFSAuto,
	},
	{
		name: "lfs_url", places: inRemote, parse: fromString(lfsURL), mask: maskURL, example: `"https://lfs.example.com/acme/widgets"`,
		means: "where the mirror's large files are",
	},
	{
		name: "timeout", places: inDefaults | inRemote, parse: duration, example: `"3h"`,
		means: "how long a whole attempt may take",
		def:   3 * time.Hour,
	},
	{
		name: "stall_timeout", places: inDefaults | inRemote, parse: duration, example: `"5m"`,
		means: "how long an attempt may make no progress",
		def:   5 * time.Minute,
	},
	{
		name: "retry_min", places: inDefaults | inRemote, parse: duration, example: `"5s"`,
		means: "how soon a failed update is tried again at first",
		def:   5 * time.Second,
	},
	{
		name: "retry_max", places: inDefaults | inRemote, parse: duration, example: `"1h"`,
		means: "how often an update that keeps failing is tried again",
		def:   time.Hour,
	},
	{
		name: "fail_after", places: inDefaults | inRemote, parse: duration, example: `"1h"`,
		means: "after how long without success a remote counts as failed",
		def:   time.Hour,
	},
	{
		name: "min_interval", places: inDefaults | inRemote, parse: durationOrNone, example: `"1m"`,
		means: "how much time lies between two updates, at least",
		def:   time.Duration(0),
	},
	{
		name: "repositories", places: inRemote, system: true, parse: repositoryPatterns, example: `["public/*"]`,
		means: "the repositories that have this remote, by their paths below root, with * for any characters",
	},
	{
		name: "exclude", places: inRemote, system: true, parse: pathPatterns, example: `["public/attic/*"]`,
		means: "the repositories that do not have this remote after all",
	},
}
