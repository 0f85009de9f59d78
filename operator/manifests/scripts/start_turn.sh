#!/bin/sh
# Starts coturn with its secret, which it takes from its configuration alone, and with its pod's own
# address: that file lies in memory and is readable by its owner. Who is relayed may be relayed to
# somebody else who is, and so to this address.
# Usage: start_turn.sh CONFIG SECRET-FILE RESULT
set -eu
umask 077
secret="$(cat "$2")"
{
  cat "$1"
  printf 'static-auth-secret=%s\n' "$secret"
  printf '%s=%s\n' listening-ip "$POD_IP" relay-ip "$POD_IP" allowed-peer-ip "$POD_IP"
} >"$3"
exec turnserver -c "$3"
