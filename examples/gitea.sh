#!/bin/sh
# Gitea and Forgejo: the hook goes into hooks/post-receive.d of each repository, beside theirs, and
# stays when they write their own anew. Run it as the user whom they run as, for all repositories
# or for one; repositories that are made later want it again, as a nightly cron job may do:
#
#	sudo -u git examples/gitea.sh /var/lib/gitea/data/gitea-repositories
#
# With Gitea in a container, run it in there: the program, the mirror's keys and its known_hosts
# have to be there as well.
set -eu
repositories=${1:?give the folder that the repositories are in}

git push-mirror install --recursive "$repositories"
git -C "$repositories" push-mirror status --recursive
