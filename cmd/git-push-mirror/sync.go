package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/plan"
	"git-push-mirror/pushmirror/state"
)

// syncOptions are the flags of sync.
type syncOptions struct {
	remotes     []string
	dryRun      bool
	json        bool
	overwrite   []string
	pruneAnyway bool
	recursive   bool
	failed      bool
}

func (inv invocation) syncCommand() *cli.Command {
	return &cli.Command{
		Name:      "sync",
		Usage:     "bring remotes up to date now, from a fresh look at them",
		ArgsUsage: "[REMOTE…]",
		Description: "In sync REMOTE --overwrite REF… the remote comes first, since all that follows --overwrite\n" +
			"are refs.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "show what would be pushed, change nothing"},
			&cli.BoolFlag{Name: "json", Usage: "print an array of objects, one for each remote"},
			&cli.StringSliceFlag{Name: "overwrite", Usage: "replace `REF` although it diverged, if the mirror still holds what status showed"},
			&cli.BoolFlag{Name: "prune-anyway", Usage: "delete more refs than prune_limit allows"},
			recursiveFlag(),
			&cli.BoolFlag{Name: "failed", Usage: "only those that status --failed shows"},
		},
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			repositories, err := inv.repositories(c)
			if err != nil {
				return err
			}
			return inv.runSync(c.Context, repositories, syncOptions{
				remotes: c.Args().Slice(), dryRun: c.Bool("dry-run"), json: c.Bool("json"),
				overwrite: c.StringSlice("overwrite"), pruneAnyway: c.Bool("prune-anyway"), recursive: c.Bool("recursive"), failed: c.Bool("failed"),
			})
		},
	}
}

// syncJob is a remote to update.
type syncJob struct {
	upstream *pushmirror.Upstream
	remote   config.Remote
	label    string // what it is called where it is one of several
}

// maxSyncs is how many remotes of many repositories are updated at once. Those of one
// repository all are, so that none waits for another that hangs.
const maxSyncs = 4

// runSync updates the remotes side by side and prints each as it is done.
func (inv invocation) runSync(ctx context.Context, repositories []repository, opt syncOptions) error {
	if opt.recursive {
		if err := knownSomewhere(repositories, opt.remotes); err != nil {
			return err
		}
	}
	jobs, broken, err := opt.jobs(ctx, repositories)
	if err != nil {
		return err
	}
	refs, err := opt.refs(jobs)
	if err != nil {
		return err
	}
	run := syncRun{invocation: inv, syncOptions: opt, refs: refs, jobs: len(jobs), trouble: len(broken) > 0}
	if !opt.json {
		for _, b := range broken {
			inv.say("error", b.Repository+": "+*b.Error)
			if b.Hint != nil {
				inv.say("hint", *b.Hint)
			}
		}
	}
	for _, job := range jobs {
		if !opt.dryRun && job.remote.Enabled {
			job.upstream.MakeKnown()
		}
	}
	updates, outcomes := run.updateAll(ctx, jobs)
	if !opt.dryRun {
		inv.notify(ctx, jobs, updates)
		inv.notifyOfRepositories(ctx, repositories)
	}
	if !opt.dryRun && ctx.Err() == nil {
		inv.tryAgain(jobs, updates)
	}
	if opt.json {
		if err := printJSON(inv.stdout, append(append([]syncOutcome{}, broken...), outcomes...)); err != nil {
			return err
		}
	}
	if run.trouble {
		return errTrouble
	}
	return nil
}

// syncRun is a sync under way.
type syncRun struct {
	invocation
	syncOptions
	refs []git.RefName // to overwrite
	jobs int           // how many there are

	mu      sync.Mutex // for what is printed, and:
	trouble bool
}

// updateAll updates the remotes of all jobs, and returns what came of each in their order.
func (r *syncRun) updateAll(ctx context.Context, jobs []syncJob) ([]pushmirror.Update, []syncOutcome) {
	places := make(chan struct{}, len(jobs))
	if r.recursive {
		places = make(chan struct{}, maxSyncs)
	}
	var all sync.WaitGroup
	updates := make([]pushmirror.Update, len(jobs))
	outcomes := make([]syncOutcome, len(jobs))
	for i, job := range jobs {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			updates[i], outcomes[i] = r.update(ctx, job)
		})
	}
	all.Wait()
	return updates, outcomes
}

// update updates the remote of a job, and prints what came of it.
func (r *syncRun) update(ctx context.Context, job syncJob) (pushmirror.Update, syncOutcome) {
	update := job.upstream.Update(ctx, job.remote, pushmirror.Options{
		Fresh: true, DryRun: r.dryRun, Overwrite: r.refs, PruneAnyway: r.pruneAnyway,
		Progress: r.progress(job.label, r.jobs, &r.mu), InEpisode: r.inEpisode(job.upstream),
		Waiting: func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.say("note", job.label+": waiting for the update that is running")
		},
	})
	status := job.upstream.StatusAfter(context.WithoutCancel(ctx), update)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trouble = r.trouble || update.Record.Status != state.Finished
	if !r.json {
		shown := update
		if r.recursive {
			shown.Record.Hint = r.hintFor(job.upstream.Dir(), update.Record.Hint)
		}
		r.printUpdate(job.label, shown, r.dryRun)
	}
	if missed := notDiverged(r.refs, update.Steps); missed != "" && !update.Record.Unreached {
		r.trouble = true
		r.say("error", fmt.Sprintf("%s: %s has not diverged, so there is nothing to overwrite", job.label, missed))
	}
	return update, syncOutcome{Status: status, Refs: refResults(update.Steps)}
}

// notDiverged is a ref that was to be overwritten and that nothing is the matter with.
func notDiverged(refs []git.RefName, steps []*plan.Step) git.RefName {
	for _, name := range refs {
		if !slices.ContainsFunc(steps, func(s *plan.Step) bool { return s.Name == name }) {
			return name
		}
	}
	return ""
}

// jobs selects the remotes to update. A repository of several that cannot be used is an
// outcome already.
func (opt syncOptions) jobs(ctx context.Context, repositories []repository) (jobs []syncJob, broken []syncOutcome, err error) {
	for _, r := range repositories {
		if r.err != nil {
			broken = append(broken, syncOutcome{Status: pushmirror.Unusable(r.dir, r.err), Refs: []refResult{}})
			continue
		}
		remotes, err := opt.enabled(r.upstream)
		if err != nil {
			return nil, nil, err
		}
		for _, remote := range remotes {
			if opt.failed && r.upstream.Status(ctx, remote).OK(time.Now()) {
				continue
			}
			job := syncJob{r.upstream, remote, remote.Name}
			if opt.recursive {
				job.label = r.dir + ": " + remote.Name
			}
			jobs = append(jobs, job)
		}
	}
	return jobs, broken, nil
}

// enabled selects remotes that are switched on; one that is named has to be, and of a
// single repository there has to be one.
func (opt syncOptions) enabled(upstream *pushmirror.Upstream) ([]config.Remote, error) {
	remotes, err := selected(upstream, opt.remotes, opt.recursive)
	if err != nil {
		return nil, err
	}
	var on []config.Remote
	for _, remote := range remotes {
		switch {
		case remote.Enabled:
			on = append(on, remote)
		case len(opt.remotes) > 0 && !opt.recursive:
			return nil, usageError{fmt.Errorf("the remote %q is switched off", remote.Name), "set enabled = true for it"}
		}
	}
	switch {
	case len(on) > 0 || opt.recursive:
		return on, nil
	case len(remotes) > 0:
		return nil, usageError{errors.New("every remote is switched off"), "set enabled = true for one"}
	default:
		return nil, usageError{errors.New(noRemote), upstream.FirstRemote()}
	}
}

// refs are the full names of the refs to overwrite.
func (opt syncOptions) refs(jobs []syncJob) ([]git.RefName, error) {
	if len(opt.overwrite) > 0 && len(jobs) != 1 {
		return nil, usageError{errors.New("--overwrite wants the name of one remote"), "git push-mirror sync REMOTE --overwrite REF"}
	}
	var refs []git.RefName
	for _, ref := range opt.overwrite {
		name := git.RefName(ref)
		if !strings.HasPrefix(ref, "refs/") {
			name = "refs/heads/" + name
		}
		refs = append(refs, name)
	}
	return refs, nil
}
