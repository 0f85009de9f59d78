#!/bin/sh
# Starts Redis with its password, which it takes from its configuration alone: that file lies in memory
# and is readable by its owner.
# Usage: start_redis.sh CONFIG PASSWORD-FILE RESULT
set -eu
umask 077
password="$(cat "$2")"
{
  cat "$1"
  printf 'requirepass %s\n' "$password"
} >"$3"
exec redis-server "$3"
