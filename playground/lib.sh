# shellcheck shell=bash
# What every part of the playground shares: folders, messages, timed steps and keys of content.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
PLAYGROUND="$ROOT/playground"
HOME="${HOME:-/root}"
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/alphorn"
STATE="${ALPHORN_STATE:-/var/lib/alphorn-playground}"
RUN=/run/alphorn-playground
LOGS="$CACHE/log"
# Images and volumes are read by other users than root.
umask 022

# shellcheck source=versions.sh
source "$PLAYGROUND/versions.sh"

say() { printf '%s\n' "$*"; }
# What a person should know although the step went well: shown below its line.
notice() { printf 'notice: %s\n' "$*"; }
fail() {
  printf 'alphorn: %s\n' "$*" >&2
  exit 1
}

# Only root sees which program a process runs.
need_root() { ((EUID == 0)) || fail "not root: run it with sudo"; }

# key_of TEXT... -- PATH...: a short key of the texts and of every file below the paths. Paths count
# by their place in the repository, so that two clones agree.
key_of() {
  local texts=()
  while (($#)) && [[ $1 != -- ]]; do texts+=("$1"); shift; done
  (($#)) && shift
  {
    printf '%s\n' "${texts[@]}"
    (($# == 0)) || (cd "$ROOT" && find "$@" -type f -not -name '*.md' -print0 | LC_ALL=C sort -z |
      xargs -0 --no-run-if-empty sha256sum)
  } | sha256sum | cut -c1-16
}

# Runs a function under a name: one line when it ends, its output in a log that a failure names.
# The function sees "set -e"; it cannot change the caller's variables.
step() {
  local name="$1" log began child code=0
  shift
  mkdir -p "$LOGS"
  log="$LOGS/$(tr -cs 'a-zA-Z0-9\n' '-' <<<"$name" | sed 's/^-*//; s/-*$//').log"
  began=$EPOCHREALTIME
  set -m # A process group of its own, so that Ctrl-C reaches everything the step started.
  (set +m; set -euo pipefail; "$@") >"$log" 2>&1 </dev/null &
  child=$!
  set +m
  trap 'kill -TERM -- -'"$child"' 2>/dev/null; printf "\nalphorn: interrupted; run it again to go on\n" >&2; exit 130' INT TERM
  if [[ -t 1 ]]; then tick "$name" "$began" "$child" "$log"; fi
  wait "$child" || code=$?
  trap - INT TERM
  if ((code != 0)); then
    printf '  FAILED  %-46s %s\n' "$name" "$(since "$began")"
    explain_failure "$log"
    exit 1
  fi
  printf '  ok      %-46s %s\n' "$name" "$(since "$began")"
  grep '^notice: ' "$log" | sort -u | sed 's/^/          /' || true
}

# A line that counts the seconds and shows the end of the log, for a terminal only.
tick() {
  local name="$1" began="$2" child="$3" log="$4" room=$((${COLUMNS:-$(tput cols 2>/dev/null || echo 80)} - 70))
  while kill -0 "$child" 2>/dev/null; do
    printf '\r\033[K  ...     %-46s %s' "$name" "$(since "$began")"
    ((room < 10)) || printf '  %s' "$(tail -n 1 "$log" 2>/dev/null | tr -cd '[:print:]' | cut -c "1-$room")"
    sleep 0.2 || true
  done
  printf '\r\033[K'
}

since() {
  awk -v began="$1" -v now="$EPOCHREALTIME" 'BEGIN { printf "%7.1f s", now - began }'
}

# A failure we foresaw is one line; anything else shows the end of its log.
explain_failure() {
  local last
  last="$(grep '^alphorn: ' "$1" | tail -n 1 || true)"
  if [[ -n $last ]]; then
    printf '%s\n' "$last" >&2
  else
    tail -n 15 "$1" | sed 's/^/    | /' >&2
  fi
  printf '  the whole log: %s\n' "$1" >&2
}

# keep_newest COUNT PREFIX: removes older cache entries whose path begins with PREFIX.
keep_newest() {
  find "$(dirname "$2")" -maxdepth 1 -path "$2*" -printf '%T@ %p\n' | sort -rn | tail -n "+$(($1 + 1))" |
    cut -d' ' -f2- | xargs -r -d '\n' rm -rf
}

# Waits until a command succeeds; says what it waited for when it never does.
await() {
  local what="$1" seconds="$2" deadline=$((SECONDS + $2))
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || fail "$what: not within $seconds s"
    sleep 0.2
  done
}

# One "up" or "down" at a time. The programs that are started close this descriptor.
lock_playground() {
  mkdir -p "$RUN"
  exec 9>"$RUN/lock"
  flock -n 9 || fail "another ./dev up or ./dev down is at work; wait until it ends"
}
