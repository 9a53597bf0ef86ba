#!/bin/sh
# Tells systemd of a unit that has come or gone. A worker that runs takes up a new version by itself.
set -e
if [ -z "${DPKG_ROOT-}" ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
