// Package hook is what a push meets: git runs post-receive after it has accepted the
// push and before it lets the pusher go.
//
// The hook reads what was pushed, all of it, loads the configuration, and brings the
// remotes that the pushed refs concern up to date, each on its own. As each is done it
// prints, in a few lines, what became of the refs: git shows them to the pusher behind
// "remote: ".
//
// Whatever goes wrong, the push itself has succeeded and stays so. Trouble is told and
// recorded, and the next update looks at every ref again.
package hook
