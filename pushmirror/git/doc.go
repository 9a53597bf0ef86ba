// Package git is the only room that runs the system's git and reads what it
// prints.
//
// A [Git] knows the program and the environment it runs in: no prompts, no
// variables of the repository that called us, English messages, no replace
// refs or grafts. A [Repository] is upstream: it is only read (refs, objects,
// reachability). A [Scratch] is the small repository, made for one update,
// that everything else happens in: listing the mirror, comparing ancestry and
// pushing. It borrows upstream's objects and holds only the refs to send, so
// that neither upstream's config, hooks and replace refs nor the number of its
// refs has a say in a push.
//
// Every parser of git's output is a pure function whose comment shows the
// command it reads. Failures are an [Error]: the command, its exit code, what
// it wrote to stderr, and, where the text is known, its [Kind] and a hint.
//
// The package decides nothing about which refs to push; that is package plan.
package git
