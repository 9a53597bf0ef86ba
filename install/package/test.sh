#!/bin/sh
# Checks the .deb that make deb made: lintian finds no fault, and dpkg puts it into an empty root and takes it away again.
#
#	test.sh FOLDER-OF-THE-DEB
set -eu

fail() {
  echo "package-test: error: $1" >&2
  exit 1
}

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

set -- "$1"/git-push-mirror_*_"$(dpkg --print-architecture)".deb
[ $# -eq 1 ] || fail "not one package, but: $*"

lintian --allow-root --fail-on error,warning "$1" || fail "lintian finds fault with $1"

mkdir -p "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/info" "$root/var/log"
: >"$root/var/lib/dpkg/status"
: >"$root/var/lib/dpkg/available"
# in_root ARGUMENT...: dpkg, on that root. There is no shell in it to run scripts with, and no git to depend on.
in_root() {
  dpkg --root="$root" --log=/dev/null --force-script-chrootless --force-depends "$@" >"$root/out" 2>&1 || {
    cat "$root/out" >&2
    fail "dpkg $*"
  }
}
tree() { (cd "$root" && find . -path ./var -prune -o -path ./out -prune -o -print | sort); }

before=$(tree)
in_root --install "$1"
"$root/usr/bin/git-push-mirror" --version
for file in usr/share/man/man1/git-push-mirror.1.gz usr/share/man/man5/push-mirror.toml.5.gz \
  usr/share/bash-completion/completions/git-push-mirror usr/share/zsh/vendor-completions/_git-push-mirror \
  usr/share/fish/vendor_conf.d/git-push-mirror.fish usr/share/doc/git-push-mirror/config.toml.sample; do
  [ -s "$root/$file" ] || fail "$file is missing"
done
grep -Fqx 'ExecStart="/usr/bin/git-push-mirror" worker' "$root/usr/lib/systemd/system/git-push-mirror.service" ||
  fail 'the service runs another program'
in_root --install "$1"
in_root --purge git-push-mirror
[ "$before" = "$(tree)" ] || {
  tree >&2
  fail 'something is left behind'
}
echo "package-test: $1 is in order"
