#!/bin/sh
# gitolite: one hook for all repositories, also for those that are made later. Run it as the user
# whom gitolite runs as, once, and again after an upgrade that moves the program:
#
#	sudo -u git examples/gitolite.sh
#	sudo -u git examples/gitolite.sh --uninstall
#
# gitolite links what is in hooks/common into each repository, in place of what is there. A
# post-receive of yours that stands there goes on being run, and so do gitolite's own hooks.
# Then give the repositories their mirrors: with git push-mirror init in each, or for all of them
# in /etc/push-mirror/config.toml, with root = "/home/git/repositories".
#
# Where repo-specific-hooks is switched on in ~/.gitolite.rc, put the hook that this script leaves
# in hooks/common into hooks/repo-specific of LOCAL_CODE instead, under the name push-mirror, and
# write "option hook.post-receive = push-mirror" below the repositories in conf/gitolite.conf.
set -eu
case ${1-install} in
install) verb=install ;;
--uninstall) verb=uninstall ;;
*)
	echo "usage: $0 [--uninstall]" >&2
	exit 2
	;;
esac

common=$(gitolite query-rc GL_ADMIN_BASE)/hooks/common
[ -w "$common" ] || {
	echo "$0: error: gitolite does not run as $(id -un), who has no $common to write to" >&2
	echo "$0: hint: run this as the user whom it runs as, for example: sudo -u git $0" >&2
	exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# install wants a repository: one that has the hooks of all the others, for a moment.
git init -q --bare --template= "$work/all.git"
mkdir "$work/all.git/hooks"
for name in post-receive post-receive.before-push-mirror; do
	if [ -e "$common/$name" ] || [ -L "$common/$name" ]; then cp -pP "$common/$name" "$work/all.git/hooks/"; fi
done
git push-mirror "$verb" "$work/all.git" 2>"$work/said" || {
	cat "$work/said" >&2
	exit 1
}
# put NAME: gitolite links into all repositories what install or uninstall made of that hook.
put() {
	if [ -e "$work/all.git/hooks/$1" ] || [ -L "$work/all.git/hooks/$1" ]; then
		cp -pP "$work/all.git/hooks/$1" "$common/.$1.new"
		mv -f "$common/.$1.new" "$common/$1"
	else
		rm -f "$common/$1"
	fi
	gitolite setup --hooks-only
}
case $verb in # so that what was there before is run at every moment
install) put post-receive.before-push-mirror; put post-receive ;;
uninstall) put post-receive; put post-receive.before-push-mirror ;;
esac

# gitolite leaves links that have come to lead nowhere.
base=$(gitolite query-rc GL_REPO_BASE)
gitolite list-phy-repos | while read -r repository; do
	for name in post-receive post-receive.before-push-mirror; do
		link=$base/$repository.git/hooks/$name
		if [ -L "$link" ] && [ ! -e "$link" ]; then rm "$link"; fi
	done
done
echo "$verb: done for all repositories of $base"
