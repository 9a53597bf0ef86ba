#!/bin/sh
# git-http-backend or cgit: a web server's user, often without a home, runs the hook. Run it as
# root, or as that user:
#
#	sudo examples/http.sh www-data /srv/git/widgets.git backup /mnt/backup/widgets.git
#
# The repository has to belong to that user. Where it has no home, the list of repositories with
# work is kept in the repository, unless state_dir in /etc/push-mirror/config.toml names a folder
# that the user may write. ssh then finds no keys and no known_hosts either: name them in
# push-mirror.toml by ssh_key and host_keys.
set -eu
user=${1:?give the user who runs the web server} repository=${2:?give the path of the repository}
name=${3:?give a name for the mirror} url=${4:?give its url}

as_user() {
	if [ "$(id -un)" = "$user" ]; then
		"$@"
	else
		runuser -u "$user" -- "$@"
	fi
}

cd "$repository"
git push-mirror install # root may, and what it makes is the owner's
[ -e push-mirror.toml ] || as_user git push-mirror init "$name" "$url"
as_user git push-mirror sync
