#!/bin/sh
# Puts git-push-mirror on this machine: the program, its manual, completions for shells, a sample of the system's config
# and units for systemd. It never touches a config. What it did, --uninstall takes away.
set -eu

usage() {
  cat <<'END'
usage: install.sh [--prefix DIR] [--binary FILE] [--pages DIR] [--repos DIR] [--dry-run]
       install.sh --uninstall [--prefix DIR] [--repos DIR] [--dry-run]

  --prefix DIR   where to: /usr/local for root, else ~/.local
  --binary FILE  the program; else it is built from this source, which takes Go
  --pages DIR    what "FILE generate DIR" made, if FILE cannot run here
  --repos DIR    put the hook into, or out of, all bare repositories below DIR too
  --uninstall    take away what was installed
  --dry-run      say what would be done, and do nothing

DESTDIR, from the environment, is put in front of all paths, for those who make packages.
END
}

fail() {
  echo "install.sh: error: $1" >&2
  [ $# -lt 2 ] || echo "install.sh: hint: $2" >&2
  exit "${3-1}"
}

source=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
prefix=''
binary=''
pages=''
repos=''
uninstall=''
complete=''
dry=''
destdir=${DESTDIR-}

# git_is_new: git is 2.31 or newer.
git_is_new() {
  version=$(git version 2>/dev/null) || return 1
  version=${version#git version }
  major=${version%%.*}
  minor=${version#*.}
  minor=${minor%%[!0-9]*}
  [ "$major" -gt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -ge 31 ]; }
}

# absolute PATH prints the path from the root.
absolute() {
  case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$PWD/$1" ;;
  esac
}

# told DONE PATH says what is done to a path.
told() {
  if [ "$dry" ]; then echo "would $1 $2"; else echo "$1 $2"; fi
}

# note KIND PATH remembers what is ours: the files, and the folders that were not there before.
note() {
  printf '%s %s\n' "$1" "$2" >>"$work/manifest"
}

# make_folder PATH makes a folder, and first those it is in.
make_folder() {
  if [ "$1" = / ] || [ -d "$destdir$1" ]; then return 0; fi
  make_folder "$(dirname "$1")"
  note folder "$1"
  [ "$dry" ] || mkdir "$destdir$1"
}

# put MODE FILE PATH puts a file into place as a whole: a worker that runs the old program takes it for complete.
put() {
  [ ! -d "$destdir$3" ] || fail "$3 is a folder" 'another program has it; take another --prefix'
  make_folder "$(dirname "$3")"
  note file "$3"
  if [ -f "$destdir$3" ] && [ ! -L "$destdir$3" ] && cmp -s "$2" "$destdir$3"; then
    [ "$dry" ] || chmod "$1" "$destdir$3"
    echo "unchanged $3"
    return 0
  fi
  if [ -e "$destdir$3" ]; then told replace "$3"; else told install "$3"; fi
  [ ! "$dry" ] || return 0
  rm -f "$destdir$3.new"
  cp "$2" "$destdir$3.new"
  chmod "$1" "$destdir$3.new"
  mv -f "$destdir$3.new" "$destdir$3"
}

# take_away PATH removes a file.
take_away() {
  if [ -e "$destdir$1" ] || [ -L "$destdir$1" ]; then
    told remove "$1"
    [ "$dry" ] || rm -f "$destdir$1"
  fi
}

# put_pages puts the manual where man looks, and the completions where the shells do.
put_pages() {
  share=$prefix/share
  put 644 "$pages/man/git-push-mirror.1" "$share/man/man1/git-push-mirror.1"
  put 644 "$pages/man/push-mirror.toml.5" "$share/man/man5/push-mirror.toml.5"
  put 644 "$pages/completions/git-push-mirror.bash" "$share/bash-completion/completions/git-push-mirror"
  put 644 "$pages/completions/_git-push-mirror" "$share/zsh/site-functions/_git-push-mirror"
  put 644 "$pages/completions/git-push-mirror.fish" "$share/fish/vendor_conf.d/git-push-mirror.fish"
}

# put_units puts the services where systemd looks for them, which is elsewhere in a home.
put_units() {
  [ "$(uname)" = Linux ] || return 0
  # In a unit % is %%, and in sed's replacement what means something has a backslash.
  bindir=$(printf '%s\n' "$prefix/bin" | sed 's/%/%%/g; s/[\\&|]/\\&/g')
  for kind in system user; do
    sed "s|@bindir@|$bindir|" "$source/install/systemd/$kind.service" >"$work/$kind.service"
  done
  if [ "$home" ]; then
    put 644 "$work/user.service" "$prefix/share/systemd/user/git-push-mirror.service"
  else
    put 644 "$work/system.service" "$prefix/lib/systemd/system/git-push-mirror.service"
    put 644 "$work/user.service" "$prefix/lib/systemd/user/git-push-mirror.service"
  fi
}

# remove_stale removes what an earlier version installed and this one does not.
remove_stale() {
  [ -f "$destdir$manifest" ] || return 0
  while read -r kind path; do
    case $kind in
      folder) note folder "$path" ;;
      file) grep -Fqx "file $path" "$work/manifest" || take_away "$path" ;;
    esac
  done <"$destdir$manifest"
}

# keep_manifest keeps what was noted so far, so that an install that fails half-way can be taken away. A package has a list of its own.
keep_manifest() {
  if [ "$dry$destdir$uninstall" ] || ! grep -q '^file ' "$work/manifest" || [ ! -d "$doc" ]; then return 0; fi
  [ "$complete" ] || [ ! -f "$manifest" ] || cat "$manifest" >>"$work/manifest"
  sort -u "$work/manifest" >"$work/installed"
  cmp -s "$work/installed" "$manifest" || cp "$work/installed" "$manifest"
}

do_install() {
  case $prefix in
    *[\"\'\\]*) fail "no unit of systemd can name $prefix" 'take another --prefix, without quotes and backslashes' ;;
  esac
  if [ ! "$binary" ]; then
    command -v "${GO:-go}" >/dev/null || fail 'there is no go to build with' 'install Go, https://go.dev/doc/install, or give --binary FILE'
    binary=$work/git-push-mirror
    make=$(command -v gmake || echo make)
    "$make" -s -C "$source" build binary="$binary" >&2 || fail 'the program could not be built'
  fi
  [ -f "$binary" ] || fail "$binary is no file" '--binary takes the program itself'
  if [ ! "$pages" ]; then
    pages=$work/share
    "$binary" generate "$pages" || fail "$binary does not work here" 'give a program that was built for this machine'
  fi
  [ "$dry" ] || [ ! "$destdir" ] || mkdir -p "$destdir"
  make_folder "$doc"
  put 755 "$binary" "$prefix/bin/git-push-mirror"
  put_pages
  put 644 "$source/install/config.toml.sample" "$doc/config.toml.sample"
  put 644 "$source/examples/push-mirror.toml" "$doc/push-mirror.toml.sample"
  put_units
  remove_stale
  complete=yes
  keep_manifest
  [ ! "$repos" ] || run_in_repos install
  [ ! "$destdir" ] || return 0
  say_next
}

say_next() {
  case :$PATH: in
    *":$prefix/bin:"*) ;;
    *) echo "note: $prefix/bin is not in your PATH; git finds the command there only" ;;
  esac
  echo 'next: git -C REPOSITORY.git push-mirror install'
}

# run_in_repos install|uninstall has the program that is, or was, installed do that to all repositories.
run_in_repos() {
  if [ "$dry" ]; then
    echo "would run $prefix/bin/git-push-mirror $1 --recursive $repos"
  else
    "$prefix/bin/git-push-mirror" "$1" --recursive "$repos"
  fi
}

do_uninstall() {
  [ ! "$destdir" ] || fail 'what went below DESTDIR is not known' 'remove that folder'
  [ -f "$manifest" ] || fail "nothing was installed below $prefix" 'name the place with --prefix DIR'
  if [ "$repos" ]; then
    run_in_repos uninstall
  else
    echo 'note: hooks in repositories stay, and tell pushers that the program is gone; to take them out, install again and'
    echo "      uninstall with --repos DIR"
  fi
  cp "$manifest" "$work/manifest"
  sed -n 's/^file //p' "$work/manifest" >"$work/files"
  while read -r path; do take_away "$path"; done <"$work/files"
  [ "$dry" ] || rm -f "$manifest"
  # From the inside out, and those alone that nobody else has put anything into.
  sed -n 's/^folder //p' "$work/manifest" | sort -r >"$work/folders"
  while read -r path; do
    [ "$dry" ] || rmdir "$path" 2>/dev/null || true
  done <"$work/folders"
}

while [ $# -gt 0 ]; do
  case $1 in
    --prefix | --binary | --pages | --repos)
      [ "${2-}" ] || fail "$1 takes a path" 'install.sh --help tells more' 2
      case $1 in
        --prefix) prefix=$(absolute "$2") ;;
        --binary) binary=$(absolute "$2") ;;
        --pages) pages=$(absolute "$2") ;;
        --repos) repos=$(absolute "$2") ;;
      esac
      shift
      ;;
    --uninstall) uninstall=yes ;;
    --dry-run) dry=yes ;;
    -h | --help)
      usage
      exit
      ;;
    *) fail "there is no option $1" 'install.sh --help lists them' 2 ;;
  esac
  shift
done

if [ ! "$prefix" ]; then
  prefix=/usr/local
  [ "$(id -u)" -eq 0 ] || prefix=${HOME:?}/.local
fi
[ "$prefix" = / ] || prefix=${prefix%/}
home=''
[ "$prefix" != "${HOME-}/.local" ] || home=yes
doc=$prefix/share/doc/git-push-mirror
manifest=$doc/installed

umask 022
work=$(mktemp -d)
trap 'keep_manifest; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
: >"$work/manifest"

if [ "$uninstall" ]; then
  do_uninstall
else
  git_is_new || fail "git is missing or too old: $(git version 2>/dev/null || echo 'there is none')" 'install git 2.31 or newer'
  do_install
fi
