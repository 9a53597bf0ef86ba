#!/bin/sh
# A line in a chat when a mirror fails and when it recovers: Slack, Mattermost, Rocket.Chat and
# others that take {"text": "…"} at an address of their own for incoming webhooks. Who knows the
# address can write there, so it stands in a file for curl that nobody else may read:
#
#	url = "https://hooks.example.com/services/T0/B0/secret"
#
# and in /etc/push-mirror/config.toml or a repository's push-mirror.toml:
#
#	[notify]
#	command = ["/usr/local/bin/notify-chat.sh", "/etc/push-mirror/chat.curl"]
set -eu
address=${1:?give the file with the address}
notice=$(cat)

# text FIELD: the value of a string in the notice, as JSON has it, which is how it is sent on: each
# quote in it has a backslash, so it ends neither there nor here. It is shown as code, in one line,
# and what calls people loses its meaning, whatever a stranger called a branch.
text() {
	printf '%s\n' "$notice" | sed -nE 's/.*"'"$1"'":"(([^"\\]|\\.)*)".*/\1/p' |
		sed -E 's/\\\\/\//g; s/\\[nrt]/ /g; s/\\u0026/\&amp;/g; s/\\u003c/\&lt;/g; s/\\u003e/\&gt;/g; s/@(all|channel|everyone|here)/@ \1/g' |
		tr '`' "'"
}

event=$(text event) host=$(text host) repository=$(text repository) remote=$(text name) error=$(text last_error)
what="$repository${remote:+: $remote}"
if [ "$host" ]; then
	number=$(printf '%s\n' "$notice" | sed -nE 's/.*"repositories":([0-9]+).*/\1/p')
	what="$host ($number repositories)"
fi
case $event$notice in
recovered*'"enabled":false'*) event='switched off or removed, having failed' ;;
esac

printf '{"text":"%s %s%s"}' "\`$what\`" "$event" "${error:+: \`$error\`}" |
	curl --config "$address" --silent --show-error --fail --max-time 20 \
		--header 'Content-Type: application/json' --data-binary @- --output /dev/null
