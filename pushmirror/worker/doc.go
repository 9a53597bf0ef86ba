// Package worker decides which updates run when. It is pure: it is told what is due, what time it
// is and how updates ended, and says what to start; package pushmirror runs the updates.
//
//   - Never two updates of one remote at once; only a few in all and on one host; those that have
//     waited longest go first.
//   - Remotes that failed last time get at most half of the places: twenty that hang leave
//     room for those that work. Hosts that have not been reached yet leave one place.
//   - A host that just failed is probed by one update at a time, each time another one. The
//     others that need it wait for that: for a thousand repositories on a dead host there is
//     one attempt at a time, not a thousand.
package worker
