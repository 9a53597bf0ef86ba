// Package lfs knows large files: which objects of Git LFS refs need, where a repository keeps
// them, and how they come to a mirror.
//
// [Find] looks for pointers in what is new to a mirror, not in all of history. [Store] is where
// this repository has the objects. [Server.Upload] has the real git-lfs (package git runs it) bring
// them to the mirror's LFS server, and finds out which of them did not arrive, and why. [Copy]
// brings them to a mirror on this machine.
//
// Which refs are pushed after that is package pushmirror's affair.
package lfs
