#!/bin/sh
# Gives every file in a folder a role of the file's name, with the file's content as password, and a
# database of the same name in the C locale. Does so again when a password or the server changed.
# What the SQL file says, if one is named, is done after that, each time.
# Usage: apply_roles.sh KEYS-FOLDER SOCKET-FOLDER READY-FILE [SQL-FILE]
set -eu

keys=$1
sockets=$2
ready=$3
statements=${4-}
trap 'exit 0' TERM INT

# Changes when the server restarts (its process id and start time) or a key does (the kubelet swaps
# the folder that ..data points to).
state() {
  if [ -r "$sockets/.s.PGSQL.5432.lock" ]; then
    cat "$sockets/.s.PGSQL.5432.lock"
  fi
  readlink "$keys/..data" || true
}

# The password travels by a file and a variable of psql, never as an argument; the server is told not
# to log these statements, not even when they fail.
apply_role() {
  ROLE=$1 KEY_FILE=$2 psql --no-psqlrc --quiet --host="$sockets" --username=postgres \
    --dbname=postgres --set=ON_ERROR_STOP=1 >/dev/null <<'END'
\set role `printf %s "$ROLE"`
\set password `cat "$KEY_FILE"`
SET log_min_error_statement TO panic;
SET log_statement TO none;
SELECT format('CREATE ROLE %I', :'role')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING ''UTF8'' '
              'LC_COLLATE ''C'' LC_CTYPE ''C''', :'role', :'role')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'role') \gexec
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
END
}

apply_statements() {
  psql --no-psqlrc --quiet --host="$sockets" --username=postgres --dbname=postgres \
    --set=ON_ERROR_STOP=1 --file="$1" >/dev/null
}

apply_all() {
  for file in "$keys"/*; do
    apply_role "${file##*/}" "$file" || return 1
  done
  [ -z "$statements" ] || apply_statements "$statements"
}

applied="nothing yet"
while true; do
  now=$(state)
  if [ "$now" = "$applied" ]; then
    sleep 5 &
    wait $!
    continue
  fi
  rm -f "$ready"
  if pg_isready --quiet --host="$sockets" && apply_all; then
    applied=$now
    touch "$ready"
    echo "roles are applied"
  else
    sleep 1 &
    wait $!
  fi
done
