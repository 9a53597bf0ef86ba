// Package pushmirror brings the mirrors of a bare repository up to date.
//
// An [Upstream] is a repository with its configuration. [Upstream.Update] is one
// attempt to bring one remote up to date, in this order:
//
//  1. take the remote's lock, and recall how the last update ended and what the
//     mirror held then (package state); list the mirror if that cannot be relied on;
//  2. read upstream's refs; if the mirror is listed, at the same time, and once more if they
//     changed meanwhile, so that a plan never carries an older value than the mirror was
//     already given;
//  3. have git compare what differs, and decide about each ref (package plan); branches are left
//     to the push to compare, unless they are very many;
//  4. upload the large files that the refs need (package lfs), then push, out of a scratch
//     repository (package git), and read what became of each ref. What was compared is what is
//     replaced: if the mirror has changed since, list it and plan again;
//  5. record how it ended and what the mirror holds now.
//
// A ref that diverged or is refused stops no other ref and fails the update.
// [Upstream.Status] tells how a remote stands without asking the mirror.
//
// A [Worker] makes the updates that are due, in the background. A hook only leaves a mark
// ([Upstream.Mark]), which says "look"; what there is to do is found by comparing refs. A
// failed update says when it is to be tried again, and the worker finds by itself what no
// mark tells of. Which update runs when is decided by package worker, and the list of the
// repositories is package queue's.
//
// The package prints nothing but the worker's log: who is told what is package hook's and
// the command line's affair.
package pushmirror
