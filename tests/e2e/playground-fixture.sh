#!/usr/bin/env bash
# The cluster under the end-to-end tests: "start" before the first of them, "stop" after the last.
# A cluster that somebody else started is used and left alone.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mark=/run/alphorn-playground-started-by-tests

is_running() {
  [[ $(./dev status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["cluster"]["running"])') == True ]]
}

case "${1:-}" in
  start)
    if ! is_running; then touch "$mark"; fi
    ./dev up
    ;;
  stop)
    [[ -f $mark ]] || exit 0
    ./dev down
    rm -f "$mark"
    ;;
  *)
    printf 'usage: %s start|stop\n' "$0" >&2
    exit 2
    ;;
esac
