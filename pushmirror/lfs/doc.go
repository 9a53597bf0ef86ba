// Package lfs handles large files: which Git LFS objects refs need, where a repository keeps them,
// and how they get to a mirror.
//
// [Find] looks for pointers in what is new to a mirror, not in all of history. [Store] is where
// this repository has the objects. [Server.Upload] has the real git-lfs (package git runs it) bring
// them to the mirror's LFS server, and finds out which of them did not arrive, and why. [Copy]
// brings them to a mirror on this machine.
//
// Package pushmirror decides which refs are pushed after that.
package lfs
