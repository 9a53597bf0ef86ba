#!/bin/sh
# Plain ssh: a bare repository on this machine, which people push to over ssh. Run it as the
# user whom they log in as, so that hook, configuration and state are that user's:
#
#	sudo -u git examples/ssh.sh /srv/git/widgets.git backup git@backup.example.com:widgets.git
#
# The mirror's repository has to exist, that user's ssh key has to be allowed to push to it, and
# its host to be in that user's known_hosts.
set -eu
repository=${1:?give the path of the repository} name=${2:?give a name for the mirror} url=${3:?give its url}

[ -e "$repository" ] || git init --bare "$repository"
cd "$repository"
git push-mirror install
[ -e push-mirror.toml ] || git push-mirror init "$name" "$url"
git push-mirror sync # what is there already
