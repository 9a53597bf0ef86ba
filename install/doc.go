// Package install puts the hook into bare repositories and takes it out again, and writes
// a repository's first configuration, and the remotes that commands add to it.
//
// The hook is a few lines of sh that run the program. It goes where the repository's host
// runs hooks from: hooks/post-receive; hooks/post-receive.d where hooks/post-receive is
// somebody else's dispatcher (Gitea, Forgejo); custom_hooks/post-receive.d (GitLab). A
// post-receive that was there before is set aside under [hook.ChainedName], which the
// program runs on the same input, and comes back when ours is taken out.
//
// Every step leaves a repository that works: a file is complete and on the disk before it
// gets its name, the former hook has its second name before it loses the first, and what a
// run that was killed left is finished, or undone, by the next one. Nothing outside the
// repository is written to, wherever links in it lead, so that root can install into
// repositories of users whom it does not trust. What cannot be told apart is refused, with
// the cure: no hook of anybody's is ever overwritten or deleted.
package install
