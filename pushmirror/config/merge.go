package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// whole is what the files say together.
type whole struct {
	// tables are those that speak for all remotes: at the top each file's, the last one's first,
	// so that it wins; elsewhere those of the last file that has any.
	tables  map[place]settings
	remotes []*table
	path    string // of the repository, below the site's root; "" outside
}

// merge joins files that have no faults. It leaves out the remotes of the
// system file that are not for this repository.
func merge(files []*file, repository string) *whole {
	w := &whole{tables: map[place]settings{}}
	for _, f := range files {
		for at, tables := range f.tables {
			switch at {
			case inRemote: // see below
			case atTop:
				w.tables[at] = slices.Concat(tables, w.tables[at])
			default:
				w.tables[at] = tables
			}
		}
		if f.system {
			w.path = f.pathBelowRoot(repository)
		}
		for _, t := range f.tables[inRemote] {
			if !f.system || t.serves(w.path) {
				w.add(t)
			}
		}
	}
	return w
}

// add takes a remote in, in place of an earlier one of the same name.
func (w *whole) add(t *table) {
	for i, earlier := range w.remotes {
		if t.name() == earlier.name() {
			w.remotes[i] = t
			return
		}
		if strings.EqualFold(t.name(), earlier.name()) {
			t.fault("name", namesake(t, earlier))
			return
		}
	}
	w.remotes = append(w.remotes, t)
}

func (w *whole) config() *Config {
	top, hook, worker, log := w.tables[atTop], w.tables[inHook], w.tables[inWorker], w.tables[inLog]
	c := &Config{
		ProtectedBranches: get[[]string](top, "protected_branches"),
		Root:              get[string](top, "root"),
		VerifyEvery:       get[time.Duration](top, "verify_every"),
		StateDir:          get[string](top, "state_dir"),
		Hook: Hook{
			Wait:    get[time.Duration](hook, "wait"),
			Show:    get[Show](hook, "show"),
			Contact: get[string](hook, "contact"),
		},
		Worker: Worker{
			Start:         get[Start](worker, "start"),
			MaxConcurrent: get[int](worker, "max_concurrent"),
			MaxPerHost:    get[int](worker, "max_per_host"),
		},
		Notify: notifiedBy(w.tables[inNotify]),
		Log: Log{
			Level:  get[Level](log, "level"),
			Format: get[Format](log, "format"),
			Output: get[string](log, "output"),
		},
		AllowHosts: get[[]string](w.tables[inPolicy], "allow_hosts"),
	}
	for _, t := range w.remotes {
		r := w.remote(t)
		c.checkHost(t, r)
		c.Remotes = append(c.Remotes, r)
	}
	return c
}

func notifiedBy(tables settings) Notify {
	n := Notify{
		Command: get[[]string](tables, "command"),
		Limit:   get[time.Duration](tables, "time_limit"),
	}
	if n.Command != nil {
		n.File = tables[0].file.name
	}
	return n
}

// remote fills in the defaults of a remote, and judges what it comes to.
func (w *whole) remote(t *table) Remote {
	s := slices.Concat(settings{t}, w.tables[inDefaults])
	r := Remote{
		Name:              t.name(),
		URL:               w.url(t, "url"),
		Enabled:           get[bool](s, "enabled"),
		KeepDivergentRefs: get[bool](s, "keep_divergent_refs"),
		PruneLimit:        get[int](s, "prune_limit"),
		FollowRewrites:    get[bool](s, "follow_rewrites"),
		RefsPerPush:       get[int](s, "refs_per_push"),
		PushOptions:       get[[]string](s, "push_options"),
		LFS:               get[LFS](s, "lfs"),
		LFSURL:            w.url(t, "lfs_url"),
		Timeout:           get[time.Duration](s, "timeout"),
		StallTimeout:      get[time.Duration](s, "stall_timeout"),
		RetryMin:          get[time.Duration](s, "retry_min"),
		RetryMax:          get[time.Duration](s, "retry_max"),
		FailAfter:         get[time.Duration](s, "fail_after"),
		MinInterval:       get[time.Duration](s, "min_interval"),
		SSHKey:            get[string](s, "ssh_key"),
		KnownHosts:        get[string](s, "known_hosts"),
		CAFile:            get[string](s, "ca_file"),
		ClientCert:        get[string](s, "client_cert"),
		ClientKey:         get[string](s, "client_key"),
		File:              t.file.name,
		Line:              t.line(),
	}
	r.setLogin(t)
	r.setHostKeys(t)
	r.setBranches(t, s, get[[]string](w.tables[atTop], "protected_branches"))
	r.setPrune(t, s)
	var said bool
	if r.Tags, said = lookup[Tags](s, "tags"); !said && !r.Branches.All() {
		r.Tags = TagsReachable
	}
	return r
}

// setBranches never takes a filter that cannot be understood for none.
func (r *Remote) setBranches(t *table, s settings, protected []string) {
	regex, hasRegex := lookup[branchRegex](s, "mirror_branch_regex")
	only, said := lookup[bool](s, "only_protected_branches")
	switch {
	case hasRegex && only:
		t.file.fault(t.path, complaint(
			fmt.Sprintf("remote %q has both only_protected_branches = true and a mirror_branch_regex", r.Name),
			"they are two ways to say which branches it gets; keep one of them, here or in [defaults]"))
	case hasRegex:
		r.MirrorBranchRegex = regex.text
		r.Branches = BranchFilter{regex: regex.whole}
	case only && protected == nil:
		t.file.fault(t.path, complaint(
			fmt.Sprintf("remote %q is to get the protected branches only, but there are none", r.Name),
			`write above the first [[remote]] of the file, for example, protected_branches = ["main", "release/*"]`))
	case only, !said && protected != nil:
		r.OnlyProtectedBranches = true
		r.Branches = BranchFilter{patterns: protected}
	default:
		r.Branches = AllBranches()
	}
}

func (r *Remote) setPrune(t *table, s settings) {
	var said bool
	if r.Prune, said = lookup[Prune](s, "prune"); !said && !r.KeepDivergentRefs {
		r.Prune = PruneMerged
	}
	if r.Prune == PruneAll && r.KeepDivergentRefs {
		t.file.fault(t.path, complaint(
			fmt.Sprintf(`remote %q has prune = "all", which deletes what keep_divergent_refs = true keeps`, r.Name),
			`write keep_divergent_refs = false if the mirror is to be an exact copy, else prune = "merged" or "never"`))
	}
}

// url fills in the placeholders in a url of a remote of the system file.
func (w *whole) url(t *table, key string) URL {
	template := get[URL](settings{t}, key)
	if !t.file.system || template == (URL{}) {
		return template
	}
	u, err := fill(template, w.path)
	if err != nil {
		t.fault(key, err)
	}
	return u
}
