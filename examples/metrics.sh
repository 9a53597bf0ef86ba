#!/bin/sh
# Prometheus: writes the metrics of all repositories below a folder where the textfile collector of
# node_exporter looks. By a line in /etc/cron.d, as the user whom the repositories belong to and
# who may write there:
#
#	* * * * * git /usr/local/bin/metrics.sh /srv/git /var/lib/prometheus/node-exporter
#
# alerts.yml has rules for what it writes.
set -eu
repositories=${1:?give the folder of the repositories}
folder=${2:?give the folder that --collector.textfile.directory of node_exporter names}

# A file counts once its name ends in .prom, so by then it has to be whole.
new=$folder/push_mirror.new.$$
trap 'rm -f "$new"' EXIT
status=0
git push-mirror -C "$repositories" status --recursive --prometheus >"$new" || status=$?
[ "$status" -le 1 ] || exit "$status" # 1: a mirror is not up to date, which is what the metrics tell
chmod 644 "$new"
mv "$new" "$folder/push_mirror.prom"
