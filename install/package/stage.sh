#!/bin/sh
# Fills a folder with what a package has.
#
#	stage.sh FORMAT FOLDER BINARY PAGES
#
# FORMAT is deb or rpm, PAGES what the program's "generate" made. From the environment: PACKAGE_VERSION, MAINTAINER, DATE.
set -eu
format=$1 stage=$2 binary=$3 pages=$4

rm -rf "$stage"
mkdir -p "$stage"
stage=$(cd "$stage" && pwd)
DESTDIR=$stage "$(dirname "$0")/../install.sh" --prefix /usr --binary "$binary" --pages "$pages" >/dev/null
find "$stage/usr/share/man" -type f -exec gzip -9n {} +
doc=$stage/usr/share/doc/git-push-mirror
case $format in
  deb)
    mkdir -p "$stage/usr/share/lintian/overrides"
    cp "$(dirname "$0")/lintian-overrides" "$stage/usr/share/lintian/overrides/git-push-mirror"
    mv "$stage/usr/share/zsh/site-functions" "$stage/usr/share/zsh/vendor-completions"
    cp "$(dirname "$0")/../../LICENSE" "$doc/copyright"
    printf 'git-push-mirror (%s) unstable; urgency=medium\n\n  * Version %s.\n\n -- %s  %s\n' \
      "$PACKAGE_VERSION" "$PACKAGE_VERSION" "$MAINTAINER" "$DATE" | gzip -9n >"$doc/changelog.gz"
    ;;
  rpm)
    mkdir -p "$stage/usr/share/licenses/git-push-mirror"
    cp "$(dirname "$0")/../../LICENSE" "$stage/usr/share/licenses/git-push-mirror/"
    ;;
esac
find "$stage" -type d -exec chmod 755 {} +
find "$stage" -type f -exec chmod u=rw,go=r {} +
chmod 755 "$stage/usr/bin/git-push-mirror"
