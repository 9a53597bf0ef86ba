// Package config reads what git-push-mirror is told to do: which remotes a
// repository is copied to, and how.
//
// [Load] goes through four steps. It reads the system file, then the
// repository's own files. Each file is decoded by itself and checked against
// the schema, one table that knows every key: its type, where it may stand and
// what it means. The files are then merged, the later one winning by whole
// top-level keys and whole remotes, never by parts of them. What can only be
// judged on the merged whole is judged last, remote by remote.
//
// A config that is wrong in any part is refused as a whole, with all its
// errors at once: to mirror by half of what the owner wrote could publish what
// the other half keeps back. So a missing value has a default, but a doubtful
// one never has a guess.
//
// An [Error] shows file, line, what is wrong and the cure, and never a secret:
// a value is shown only if its key is known to hold none.
//
// A [Draft] is a remote that a command writes. It is loaded by [Check] with all
// else before it is written, and known again only as long as nobody changed it by
// hand.
//
// The package runs no program and opens no connection. A repository's own files
// count if they are root's or the running user's; whether those of others do, its
// caller says in [Sources].
package config
