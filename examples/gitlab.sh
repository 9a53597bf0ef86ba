#!/bin/sh
# GitLab: the hook goes into custom_hooks/post-receive.d of a repository, where Gitaly looks for
# what is to be run after its own. Run it on the machine that Gitaly runs on, as the user git:
#
#	sudo -u git examples/gitlab.sh /var/opt/gitlab/git-data/repositories/@hashed/ab/cd/abcd….git \
#		backup git@backup.example.com:widgets.git
#
# GitLab's admin area shows the path of a project's repository ("relative path"). For all
# repositories at once, copy the hook that this leaves into post-receive.d of the folder that
# custom_hooks_dir in Gitaly's config.toml names, and take it out of the repository:
#
#	git push-mirror uninstall REPOSITORY
#
# Geo and Gitaly Cluster do not take files of a repository along: install on each node.
set -eu
repository=${1:?give the path of the repository} name=${2:?give a name for the mirror} url=${3:?give its url}

cd "$repository"
git push-mirror install
[ -e push-mirror.toml ] || git push-mirror init "$name" "$url"
git push-mirror sync
