package pushmirror

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
)

// Level says whether somebody has to do something about a finding.
type Level string

// The levels. A warning is about what works, and may not be what was meant.
const (
	LevelOK   Level = "ok"
	LevelWarn Level = "warn"
	LevelFail Level = "fail"
)

// Finding is what a check found out about a repository or one of its remotes.
type Finding struct {
	Level      Level    `json:"level"`
	Repository string   `json:"repository"` // GIT_DIR, absolute
	Remote     *string  `json:"remote"`     // nil: the repository as a whole
	Check      string   `json:"check"`      // what was looked at, one word or several joined by _
	Detail     string   `json:"detail"`     // what was found
	Hint       *string  `json:"hint"`       // the cure; nil where none is needed
	Setting    *Setting `json:"setting"`    // of the check "key"; else nil
}

// Setting is a key of the configuration and the value that holds.
type Setting struct {
	Table string  `json:"table"` // its header; "" for the top of a file
	Key   string  `json:"key"`
	Value *string `json:"value"` // as TOML, without what is secret; nil if there is none
	File  *string `json:"file"`  // nil if no file has it
	Line  *int    `json:"line"`
}

func ok(check, detail string) Finding {
	return Finding{Level: LevelOK, Check: check, Detail: detail}
}

func warn(check, detail, hint string) Finding {
	return Finding{Level: LevelWarn, Check: check, Detail: detail, Hint: &hint}
}

func fail(check, detail, hint string) Finding {
	return Finding{Level: LevelFail, Check: check, Detail: detail, Hint: optional(hint)}
}

// failure is an error as a finding, with its cure where it has one.
func failure(check string, err error) Finding { return fail(check, err.Error(), HintOf(err)) }

// HintOf is the cure that an error knows of, or "".
func HintOf(err error) string {
	var failed *git.Error
	var wrong *config.Error
	var hinted interface{ Hint() string }
	switch {
	case errors.As(err, &failed):
		return failed.Hint
	case errors.As(err, &wrong):
		return wrong.Hint
	case errors.As(err, &hinted):
		return hinted.Hint()
	}
	return ""
}

// Checkup looks whether all is in place for a repository to be mirrored. It changes nothing,
// here or on the mirrors.
type Checkup struct {
	Repo   *git.Repository
	Getenv func(string) string
	// Hook tells how pushes come to the program, or why they do not.
	Hook func(context.Context, *git.Repository) (string, error)
}

// Run looks at the repository, then at the remotes of these names, or at all when there are
// no names: side by side, so that none waits for another that is silent, and hands on what it
// finds in their order. Its error tells of a name that is not configured, before anything is found,
// or that ctx is done.
func (c Checkup) Run(ctx context.Context, names []string, found func(Finding)) error {
	tell := func(findings ...Finding) {
		for _, f := range findings {
			f.Repository = c.Repo.Dir()
			found(f)
		}
	}
	owner, ours := c.owner(ctx)
	if !ours {
		tell(c.git(ctx), owner)
		return ctx.Err() // what stands in somebody else's files may name programs to run
	}
	u, openErr := Open(ctx, c.Repo, c.Getenv)
	var remotes []config.Remote
	if openErr == nil {
		var err error
		if remotes, err = u.Select(names); err != nil {
			return err
		}
	}
	tell(c.git(ctx), owner, c.bare(ctx), c.hook(ctx))
	if openErr != nil {
		tell(configFaults(openErr)...)
		return ctx.Err()
	}
	here := &localCheck{Upstream: u, getenv: c.Getenv}
	tell(here.places()...)
	tell(here.keys(ctx, "")...)
	tell(here.remotes())
	tell(here.refs(ctx)...)
	tell(here.stateFolder(), here.stateDir())
	tell(here.log()...)
	tell(here.worker())

	results := make([]chan []Finding, len(remotes))
	for i, remote := range remotes {
		results[i] = make(chan []Finding, 1)
		go func() { results[i] <- here.remote(ctx, remote) }()
	}
	for i, remote := range remotes {
		for _, f := range <-results[i] {
			f.Remote = &remote.Name
			tell(f)
		}
	}
	return ctx.Err()
}

// remote is all there is to find out about a remote.
func (l *localCheck) remote(ctx context.Context, remote config.Remote) []Finding {
	findings := l.keys(ctx, remote.Name)
	if !remote.Enabled {
		return append(findings, ok("enabled", "it is switched off, and nothing else of it is looked at"))
	}
	findings = append(findings, l.state(remote)...)
	findings = append(findings, l.url(remote), l.filter(ctx, remote))
	ctx, cancel := context.WithTimeout(ctx, remote.Timeout)
	defer cancel()
	c := &remoteCheck{access: access{Upstream: l.Upstream, remote: remote}, upstream: l.upstream}
	return append(findings, c.run(ctx)...)
}

// configFaults are what keeps the configuration from being used.
func configFaults(err error) []Finding {
	var several config.Errors
	if !errors.As(err, &several) {
		return []Finding{failure("config", err)}
	}
	var findings []Finding
	for _, e := range several {
		where := e.File + ": "
		if e.Line > 0 {
			where = fmt.Sprintf("%s:%d: ", e.File, e.Line)
		}
		findings = append(findings, fail("config", where+e.Message, e.Hint))
	}
	return findings
}

// keys tells of the keys of the configuration: those of a remote, or with "" those of all.
func (l *localCheck) keys(ctx context.Context, remote string) []Finding {
	l.explain.Do(func() { l.inForce, l.explainErr = config.ValuesInForce(Sources(ctx, l.repo, l.getenv)) })
	if l.explainErr != nil {
		return configFaults(l.explainErr)
	}
	var findings []Finding
	for _, k := range l.inForce {
		if k.Remote != remote {
			continue
		}
		text := fmt.Sprintf("%s = %s", k.Key, cmp.Or(k.Value, "(none)"))
		if k.Header != "" && remote == "" {
			text = k.Header + " " + text
		}
		s := Setting{Table: k.Header, Key: k.Key, Value: optional(k.Value)}
		if k.File != "" {
			text += fmt.Sprintf(" (%s:%d)", k.File, k.Line)
			s.File, s.Line = &k.File, &k.Line
		}
		f := ok("key", text)
		f.Setting = &s
		findings = append(findings, f)
	}
	return findings
}
