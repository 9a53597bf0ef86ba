#!/bin/sh
# New repositories by template: git init, and whatever runs it, copies the hook into each
# repository that the user makes from now on. Those that are there already are for
# git push-mirror install --recursive.
#
#	examples/template.sh ~/.local/share/git-template
#
# What the template in use has goes with it. For all users of a machine, make the folder as root,
# and set init.templateDir by git config --system.
set -eu
template=${1:?give a folder for the template}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git init -q --bare "$work/new.git" # out of the template that is in use now
git push-mirror install "$work/new.git" 2>/dev/null
mkdir -p "$template"
for part in description hooks info; do
	if [ -e "$work/new.git/$part" ]; then cp -RpP "$work/new.git/$part" "$template/"; fi
done
git config --global init.templateDir "$(cd "$template" && pwd)"
echo "new repositories get $template/hooks/post-receive"
