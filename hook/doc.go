// Package hook is what a push meets: git runs post-receive after it has accepted the
// push and before it lets the pusher go.
//
// The hook reads what was pushed, all of it, and loads the configuration. It leaves a mark,
// durably, at each remote that the pushed refs concern, enters the repository into the
// worker's queue and starts a worker if none works. Then it runs the hook that was there
// before, on the same input. For as long as the pusher may be kept waiting it looks at how
// each remote fares and prints, in a few lines, what became of the refs: git shows them to
// the pusher behind "remote: ".
//
// It runs no git, and the worker has nothing of the pusher's: what is delivered does not
// depend on who pushed, nor on whether they stay.
//
// Whatever goes wrong, the push itself has succeeded and stays so. Trouble is told and
// recorded, and the next update looks at every ref again.
package hook
