package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/urfave/cli/v2"

	"git-push-mirror/pushmirror"
	"git-push-mirror/pushmirror/config"
	"git-push-mirror/pushmirror/git"
	"git-push-mirror/pushmirror/queue"
	"git-push-mirror/pushmirror/worker"
)

func (inv invocation) workerCommand() *cli.Command {
	return &cli.Command{
		Name:  "worker",
		Usage: "deliver in the background, until ended by SIGTERM",
		Description: "Serves all repositories of this user. There is one worker at a time: a second one\n" +
			"waits for the first to end or, with --until-idle, leaves at once.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "until-idle", Usage: "end when nothing waits: what hooks and cron start"},
		},
		OnUsageError: usage,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usageError{errors.New("worker takes no arguments"), "git push-mirror worker --until-idle"}
			}
			return inv.runWorker(c.Context, c.Bool("until-idle"))
		},
	}
}

func (inv invocation) runWorker(ctx context.Context, untilIdle bool) error {
	// A worker mostly waits for git, so memory is what it costs. Above this limit the garbage
	// collector runs more often, for up to half of the CPU time.
	if inv.getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(48 << 20)
	}
	g, err := git.New(inv.env)
	if err != nil {
		return err
	}
	site, siteErr := config.Load(config.DefaultSources(inv.getenv, ""))
	if siteErr != nil {
		// The repositories wait until it is mended, and somebody has to be there then.
		if site, err = config.Load(config.Sources{}); err != nil {
			return err
		}
	}
	dir, err := queue.Dir(inv.getenv, site.StateDir)
	if err != nil {
		return err
	}
	q, err := queue.Open(dir)
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	log, err := inv.workerLog(site.Log, q)
	if err != nil {
		return err
	}
	if log.IsLevelEnabled(logrus.DebugLevel) {
		g.Watch(func(args []string, took time.Duration, err error) {
			log.WithError(err).WithField("duration", took.Round(time.Millisecond).String()).Debugf("git %q", args)
		})
	}
	if siteErr != nil {
		log.WithError(siteErr).Error("the system's configuration cannot be used")
	}
	w := &pushmirror.Worker{
		Git: g, Getenv: inv.getenv, Env: inv.env, Queue: q, UntilIdle: untilIdle, Log: log,
		Limits:   worker.Limits{Concurrent: site.Worker.MaxConcurrent, PerHost: site.Worker.MaxPerHost},
		Replaced: replaced(ctx, program, inv.env),
	}
	err = w.Run(ctx)
	if errors.Is(err, pushmirror.ErrReplaced) {
		log.Info("the program was replaced: going on with the new one")
		err = syscall.Exec(program, inv.args, inv.env)
	}
	return err
}

// replaced tells whether the file of a program is another one than at first, and one that
// works: while it is missing or half written, a new one is about to be put there.
func replaced(ctx context.Context, program string, env []string) func() bool {
	first, err := os.Stat(program)
	return func() bool {
		now, statErr := os.Stat(program)
		if err != nil || statErr != nil || os.SameFile(first, now) && first.ModTime().Equal(now.ModTime()) {
			return false
		}
		try := exec.CommandContext(ctx, program, "worker", "--help")
		try.Args[0], try.Env = "git-push-mirror", env
		return try.Run() == nil
	}
}
