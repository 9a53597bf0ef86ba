#!/bin/sh
# Mail when a mirror fails and when it recovers. In /etc/push-mirror/config.toml or a repository's
# push-mirror.toml:
#
#	[notify]
#	command = ["/usr/local/bin/notify-mail.sh", "git@example.com"]
#
# It takes any sendmail: postfix, exim, msmtp, ssmtp.
set -eu
to=${1:?give an address}
notice=$(cat)

# text FIELD: the value of a string in the notice. Within one, JSON has a backslash before each
# quote, so that nothing in a value is taken for a field, and no line breaks, which become spaces, so
# that what a stranger called a branch adds no header and no line to the mail.
text() {
	printf '%s\n' "$notice" | sed -nE 's/.*"'"$1"'":"(([^"\\]|\\.)*)".*/\1/p' |
		sed 's/\\\\/\\\//g; s/\\[nrt]/ /g; s/\\u003c/</g; s/\\u003e/>/g; s/\\u0026/\&/g; s/\\"/"/g; s/\\\//\\/g'
}

event=$(text event) host=$(text host) repository=$(text repository) remote=$(text name)
what="$repository: the mirror $remote"
[ "$remote" ] || what="$repository, as a whole," # its configuration is broken, or its state
if [ "$host" ]; then
	number=$(printf '%s\n' "$notice" | sed -nE 's/.*"repositories":([0-9]+).*/\1/p')
	what="$host, with mirrors of $number repositories,"
fi
case $event$notice in
failed*) said="$what has failed" ;;
*'"enabled":false'*) said="$what, which had failed, was switched off or removed" ;;
*) said="$what has recovered" ;;
esac

PATH=$PATH:/usr/sbin:/usr/lib
sendmail -oi -- "$to" <<END
To: $to
Subject: $(printf %s "$said" | tr -c '[:print:]' '?' | cut -c 1-200)
Auto-Submitted: auto-generated
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

$said.

Repository: $repository
Remote: ${remote:-all}${remote:+, $(text url)}
Error: $(text last_error)
Hint: $(text hint)

More: git -C $repository push-mirror status
END
