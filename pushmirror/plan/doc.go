// Package plan decides what happens to each ref. It is pure: no clock, no
// environment, no process, no file.
//
// An [Input] is everything a decision rests on: the remote's config, upstream's
// refs and what the mirror holds. It first says what has to be asked of git:
// [Input.Questions] which values to compare, [Input.UndecidedTags] which tags
// are to be looked for in the mirrored branches. With the answers, [Make] gives
// a [Plan]: one [Step] for each ref that differs, which either is to be sent or
// already bears its result.
//
// The order of events around it, the push and what is made of its outcome are
// package pushmirror's.
package plan
