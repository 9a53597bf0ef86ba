#!/bin/sh
# Stops the worker before its program goes, though not for another version of it: dpkg says remove, rpm how many are left.
set -e
case $1 in
  remove | 0)
    if [ -z "${DPKG_ROOT-}" ] && [ -d /run/systemd/system ]; then
      systemctl --no-reload disable --now git-push-mirror.service || true
    fi
    ;;
esac
