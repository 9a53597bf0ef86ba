// Package state remembers, on disk, what is known of one remote of one
// repository. It lives in $GIT_DIR/push-mirror/REMOTE/, with the repository's
// sharing mode:
//
//	.due         a [Mark]: the remote has work; .due-taken: an update is at it
//	lock         held during an update, freed by the kernel when its owner dies
//	status.json  how the last update ended: a [Record]
//	seen         what the mirror held when it was last looked at: a [Seen]
//	log          what was done to each ref, one JSON object a line: an [Entry]
//
// status.json and seen are replaced as a whole: written beside, synced, renamed.
// The log only grows; what a push is about to drop from the mirror stands in it,
// synced, before that push. Each file bears a version. An older version is read, a
// newer one is refused, since it may mean something else.
//
// A damaged file is not an error: it is set aside under the name FILE.damaged, and
// the mirror is looked at afresh.
package state
