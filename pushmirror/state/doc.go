// Package state remembers, on disk, what is known of one remote of one
// repository. It lives in $GIT_DIR/push-mirror/REMOTE/, with the repository's
// sharing mode:
//
//	.due         the mark: the remote has work; a line for each [Push]
//	.due-taken   the same, while an update is at it
//	lock         held during an update, freed by the kernel when its owner dies
//	status.json  how the last update ended: a [Record]
//	seen         what the mirror held when it was last looked at: a [Seen]
//	log          what was done to each ref, one JSON object a line: an [Entry]
//	log.old      the log before, when that had become too long
//	log.dropped  the entries of a year of what was dropped from the mirror
//	scratch-*    the scratch repository of the update that runs (package git)
//
// status.json and seen are replaced by renaming. status.json is synced before; seen
// need not survive a power failure. What a push is about to drop from the mirror
// stands in the log, synced, before that push. status.json and seen bear a version:
// an older one is read, a newer one is refused, since it may mean something else.
//
// A damaged file counts as missing, and the mirror is looked at afresh; whoever holds
// the lock renames it to FILE.damaged.
package state
