#!/usr/bin/env bash
# The cluster under the end-to-end tests: "start" before the first of them, "stop" after the last.
# A cluster that somebody else started is used and left alone.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# "down" removes this folder, and with it the mark of a test run that was given up.
mark=/run/alphorn-playground/started-by-tests
picture=build/host-before.txt
# When nothing has to be built any more it takes less than a minute on two free cores. A machine that is
# several times slower may take several times as long; a build takes far longer.
WARM_SECONDS=600

# asks KEY: a truth of the cluster, by ./dev status.
asks() {
  ./dev status --json | python3 -c 'import json, sys; sys.exit(not json.load(sys.stdin)["cluster"][sys.argv[1]])' "$1"
}

# Nobody else takes away what a run that was killed has left, and stories wait for it to go.
remove_leftovers() {
  ./dev kubectl get namespaces -o name | { grep '^namespace/e2e-' || true; } |
    xargs -r ./dev kubectl delete --wait=false
}

start() {
  local warm=no began=$SECONDS
  if asks running && [[ ! -f $mark ]]; then
    ./dev up
    remove_leftovers
    return
  fi
  if asks built; then warm=yes; fi
  # A run that was killed leaves mounts, rules and host names, which are not how this machine was.
  ./dev down
  mkdir -p build "$(dirname "$mark")"
  python3 tests/e2e/host_picture.py >"$picture"
  touch "$mark"
  ./dev up
  printf 'figure: ./dev up %s: %s s\n' "$([[ $warm == yes ]] && echo warm || echo cold)" "$((SECONDS - began))"
  if [[ $warm == yes ]] && ((SECONDS - began > WARM_SECONDS)); then
    printf 'everything was built, and yet ./dev up took more than %s s\n' "$WARM_SECONDS" >&2
    return 1
  fi
}

stop() {
  [[ -f $mark ]] || return 0
  ./dev down
  python3 tests/e2e/host_picture.py | diff -u --label before "$picture" --label after - ||
    { printf 'this machine is not as it was before ./dev up\n' >&2; return 1; }
}

case "${1:-}" in
  start | stop) "$1" ;;
  *)
    printf 'usage: %s start|stop\n' "$0" >&2
    exit 2
    ;;
esac
