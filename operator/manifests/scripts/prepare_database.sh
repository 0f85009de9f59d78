#!/bin/sh
# Makes an empty volume a PostgreSQL data folder; leaves a full one as it is.
# Usage: prepare_database.sh FOLDER
set -eu

data=$1
have=""
if [ -e "$data/PG_VERSION" ]; then
  have=$(cat "$data/PG_VERSION")
fi
want=$(postgres --version)
want=${want##*"(PostgreSQL) "}
want=${want%%[. ]*}

if [ -n "$have" ] && [ "$have" != "$want" ]; then
  echo "$data was made by PostgreSQL $have and this image is $want: run an image of PostgreSQL $have," \
    "or dump and restore the database" >&2
  exit 1
fi
if [ -n "$have" ]; then
  # A kubelet that applies fsGroup opens the folder to the group, which PostgreSQL refuses.
  chmod 0700 "$data"
  exit 0
fi
if [ -e "$data" ]; then
  echo "$data exists but holds no PostgreSQL database: look at the volume before going on" >&2
  exit 1
fi

# Under another name until it is whole: an interrupted initdb must not be taken for data.
rm -rf "$data.new"
initdb --pgdata="$data.new" --username=postgres --encoding=UTF8 --locale=C --data-checksums \
  --auth-local=trust --auth-host=scram-sha-256
mv "$data.new" "$data"
sync
