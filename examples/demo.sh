#!/bin/sh
# Shows git-push-mirror at work, on repositories in a temporary folder that is gone
# afterwards: a mirrored push, a branch that the filter holds back, and a mirror that
# somebody else has written to.
#
#	examples/demo.sh PATH-OF-git-push-mirror
set -eu

binary=${1:?give the path of git-push-mirror}
case $binary in
/*) ;;
*) binary=$PWD/$binary ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Nothing of the user's own git configuration takes part.
export HOME="$work" GIT_CONFIG_NOSYSTEM=1
export PUSH_MIRROR_CONFIG="$work/config.toml" PUSH_MIRROR_STATE_DIR="$work/state"
unset XDG_CONFIG_HOME GIT_DIR GIT_WORK_TREE || true
export GIT_AUTHOR_NAME=Demo GIT_AUTHOR_EMAIL=demo@example.com
export GIT_COMMITTER_NAME=Demo GIT_COMMITTER_EMAIL=demo@example.com
: >"$PUSH_MIRROR_CONFIG"
mkdir "$work/bin"
ln -s "$binary" "$work/bin/git-push-mirror"
PATH=$work/bin:$PATH

say() { printf '\n== %s\n' "$*"; }
run() {
	printf '$ %s\n' "$*"
	"$@"
}
# The branches of a repository, one a line.
branches() { git -C "$1" for-each-ref --format='  %(refname:short) %(objectname:short)' refs/heads; }
same() { [ "$(git -C "$1" rev-parse "$3")" = "$(git -C "$2" rev-parse "$3")" ]; }
fail() {
	echo "demo: $*" >&2
	exit 1
}

cd "$work"
say "A bare repository, upstream.git, and two empty ones that are to be its mirrors"
git init -q --bare upstream.git
git -C upstream.git symbolic-ref HEAD refs/heads/main
git init -q --bare github.git
git init -q --bare backup.git

say "The program becomes its post-receive hook; a file tells what to mirror where"
run ln -s "$work/bin/git-push-mirror" upstream.git/hooks/post-receive
cat >upstream.git/push-mirror.toml <<END
protected_branches = ["main", "release/*"]

[[remote]]
name = "github"
url = "$work/github.git"

[[remote]]
name = "backup"
url = "$work/backup.git"
only_protected_branches = false
END
run cat upstream.git/push-mirror.toml

say "Somebody pushes main and a branch of their own"
git clone -q upstream.git clone 2>/dev/null
cd clone
git checkout -q -b main
echo one >file
git add file
git commit -q -m 'one'
git branch experiment
run git push origin main experiment 2>&1
cd ..

say "Both mirrors have main; the filter held the other branch back from github"
echo github:
branches github.git
echo backup:
branches backup.git
same upstream.git github.git main || fail "main is not on github"
same upstream.git backup.git experiment || fail "experiment is not on backup"
git -C github.git rev-parse -q --verify experiment >/dev/null && fail "experiment is on github"

say "Behind upstream's back, somebody commits to main on backup"
theirs=$(git -C backup.git commit-tree -m 'theirs' -p main 'main^{tree}')
git -C backup.git update-ref refs/heads/main "$theirs"
branches backup.git

say "The next push goes to github; on backup, main is skipped and nothing is lost"
cd clone
echo two >>file
git commit -q -a -m 'two'
git branch release/1.0
run git push origin main release/1.0 2>&1
cd ..
same upstream.git github.git main || fail "main is not on github"
same upstream.git backup.git release/1.0 || fail "release/1.0 is not on backup"
[ "$(git -C backup.git rev-parse main)" = "$theirs" ] || fail "the commit on backup is lost"

say "The status says so, until it is mended"
cd upstream.git
run git push-mirror status && fail "the status is good"
[ "$(git push-mirror status backup | cut -f 2)" = failed ] || fail "backup is not marked as failed"

say "To mend it, upstream takes the commit over"
cd ../clone
git pull -q --no-rebase --no-edit "$work/backup.git" main 2>/dev/null
run git push origin main 2>&1
cd ../upstream.git
run git push-mirror status
same . ../backup.git main || fail "main is not on backup"
