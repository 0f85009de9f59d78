#!/bin/sh
# Gives every program a role that owns a database of the same name in the C locale, and lets in who
# has a login. A file in KEYS is a program: its name; so is a file bridge_NAME in LOGINS. A file in
# LOGINS is a login, its content the password: the program's own role, or PROGRAM_a and PROGRAM_b,
# which act as it. A role that has lost its file may log in no more; its open connections stay. Does so
# again when a file or the server changed. What the SQL file says, if one is named, is done after that,
# each time.
# Usage: apply_roles.sh KEYS LOGINS SOCKET-FOLDER READY-FILE [SQL-FILE]
set -eu

keys=$1
logins=$2
sockets=$3
ready=$4
statements=${5-}
trap 'exit 0' TERM INT

# Changes when the server restarts: its process id and start time.
server() {
  if [ -r "$sockets/.s.PGSQL.5432.lock" ]; then
    cat "$sockets/.s.PGSQL.5432.lock"
  fi
}

# Changes when a file does: the kubelet swaps the folder that ..data points to.
files() {
  readlink "$keys/..data" "$logins/..data" || true
}

# The server is told not to log what passwords are in, not even when it fails.
as_superuser() {
  psql --no-psqlrc --quiet --host="$sockets" --username=postgres --dbname=postgres \
    --set=ON_ERROR_STOP=1 >/dev/null
}

apply_program() {
  ROLE=$1 as_superuser <<'SQL'
\set role `printf %s "$ROLE"`
SELECT format('CREATE ROLE %I NOLOGIN', :'role')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 ENCODING ''UTF8'' '
              'LC_COLLATE ''C'' LC_CTYPE ''C''', :'role', :'role')
  WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'role') \gexec
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
SQL
}

# The password travels by a file and a variable of psql, never as an argument.
open_login() {
  LOGIN=$1 ROLE=$2 KEY_FILE="$logins/$1" as_superuser <<'SQL'
\set login `printf %s "$LOGIN"`
\set role `printf %s "$ROLE"`
\set password `cat "$KEY_FILE"`
SET log_min_error_statement TO panic;
SET log_statement TO none;
SELECT format('CREATE ROLE %I', :'login')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'login') \gexec
ALTER ROLE :"login" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
SELECT format('GRANT %I TO %I', :'role', :'login') WHERE :'role' <> :'login' \gexec
SELECT format('ALTER ROLE %I SET role TO %I', :'login', :'role') WHERE :'role' <> :'login' \gexec
SQL
}

close_login() {
  LOGIN=$1 as_superuser <<'SQL'
\set login `printf %s "$LOGIN"`
SELECT format('ALTER ROLE %I NOLOGIN PASSWORD NULL', :'login')
  WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = :'login') \gexec
SQL
}

# Those that had a login once: their databases stay.
former_bridges() {
  psql --no-psqlrc --quiet --tuples-only --no-align --host="$sockets" --username=postgres \
    --dbname=postgres --set=ON_ERROR_STOP=1 --command \
    "SELECT rolname FROM pg_roles WHERE rolname LIKE 'bridge\_%' AND rolcanlogin"
}

# One that opens more and more must not take the homeserver's.
limit_connections() {
  ROLE=$1 as_superuser <<'SQL'
\set role `printf %s "$ROLE"`
ALTER ROLE :"role" CONNECTION LIMIT 6;
SQL
}

apply_bridges() {
  for file in "$logins"/bridge_*; do
    [ -e "$file" ] || continue
    role=${file##*/}
    apply_program "$role" || return 1
    open_login "$role" "$role" || return 1
    limit_connections "$role" || return 1
  done
  former=$(former_bridges) || return 1
  for role in $former; do
    [ -e "$logins/$role" ] || close_login "$role" || return 1
  done
}

apply_statements() {
  psql --no-psqlrc --quiet --host="$sockets" --username=postgres --dbname=postgres \
    --set=ON_ERROR_STOP=1 --file="$1" >/dev/null
}

apply_all() {
  for file in "$keys"/*; do
    role=${file##*/}
    apply_program "$role" || return 1
    for login in "$role" "${role}_a" "${role}_b"; do
      if [ -e "$logins/$login" ]; then
        open_login "$login" "$role" || return 1
      else
        close_login "$login" || return 1
      fi
    done
  done
  apply_bridges || return 1
  [ -z "$statements" ] || apply_statements "$statements"
}

applied="nothing yet"
applied_to="no server yet"
while true; do
  now=$(files)
  now_at=$(server)
  if [ "$now" = "$applied" ] && [ "$now_at" = "$applied_to" ]; then
    sleep 5 &
    wait $!
    continue
  fi
  # A new password is no reason to turn anybody away meanwhile.
  if [ "$now_at" != "$applied_to" ]; then
    rm -f "$ready"
  fi
  if pg_isready --quiet --host="$sockets" && apply_all; then
    applied=$now
    applied_to=$now_at
    touch "$ready"
    echo "roles are applied"
  else
    sleep 1 &
    wait $!
  fi
done
