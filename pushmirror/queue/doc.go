// Package queue is the list, one for each user and machine, of the repositories that the
// worker delivers for:
//
//	repositories/ID  a repository that is known; the file holds its path
//	work/ID          the same, for one that has work
//	episodes/ID      a host, or a login there, whose failure was told and has not ended
//	worker.lock      held by the worker, freed by the kernel when it dies
//	worker.log       what the worker writes
//	troubles.json    the hosts that fail, while a worker works
//
// The list wakes and finds; it is not what must not be lost. Marks are, and they stand in
// the repositories themselves (package state): a list that was deleted is made again by
// the pushes to come, and the worker looks into every known repository when it starts. A
// file that is damaged is set aside under the name ID.damaged, told of, and made again by
// the next push.
//
// The order in which things are written and looked at is what keeps a wake-up from being
// lost. A hook makes its marks, then enters the repository under work/, then looks for a
// worker. The worker takes a repository off work/ and then looks for its marks; when it
// finds nothing left it lets go of its lock and then looks at work/ once more.
package queue
