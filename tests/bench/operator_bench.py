#!/usr/bin/env python3
"""Measures the operator, and an equal one in Go, on a real API server and etcd without kubelet.

Run it as ./dev bench operator [--tenants 1000,5000] [--json FILE]; README.md says what is measured.
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from contestant import Contestant, measure  # noqa: E402
from report import bars, flat, print_report  # noqa: E402


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operator", required=True, help="program operator_under_test")
    parser.add_argument("--controller-runtime", required=True, help="the equal operator in Go")
    parser.add_argument("--tools", required=True, help="program of tests/bench/tools")
    parser.add_argument("--tenants", default="1000,5000", help="sizes, default %(default)s")
    parser.add_argument("--only", default="loader,alphorn,controller_runtime,controller_runtime_tuned",
                        help="contestants, default all: %(default)s")
    parser.add_argument("--workers", type=int, default=10, help="workers, and the loader's requests")
    parser.add_argument("--rest", type=int, default=300, help="seconds at rest, default %(default)s")
    parser.add_argument("--edits", type=int, default=200, help="edits whose reaction is timed")
    parser.add_argument("--stages", default="rest,react,restart,failover",
                        help="what follows once all tenants are Ready, default %(default)s")
    parser.add_argument("--json", help="write all figures there")
    settings = parser.parse_args()
    settings.tenants = [int(size) for size in settings.tenants.split(",")]
    settings.only = settings.only.split(",")
    return settings


def contestants(settings):
    go = [settings.controller_runtime, "--template", settings.template]
    # Tuned as an operator of this size would be: collect less often, bounded by a soft limit.
    tuned = {"GOGC": "200", "GOMEMLIMIT": "1GiB"}
    every = [Contestant("alphorn", "alphorn", [settings.operator]),
             Contestant("controller_runtime", "controller-runtime", go),
             Contestant("controller_runtime_tuned", "controller-runtime", go, tuned)]
    return [one for one in every if one.name in settings.only]


def stages_of(size, settings):
    """What size matters for is done at every size; the comparison and failover once."""
    stages = set(settings.stages.split(","))
    if size == min(settings.tenants):
        return stages | {"state"}
    return stages - {"failover"}


def compare(states):
    """Both operators must have made the same objects, or their figures mean nothing."""
    if "alphorn" not in states:
        return None
    ours = states["alphorn"]
    for name, theirs in states.items():
        if ours.keys() != theirs.keys():
            return f"{name} made other objects: {sorted(ours.keys() ^ theirs.keys())[:6]}"
        for key, item in ours.items():
            if item != theirs[key]:
                return f"{name} made another {key}:\n{difference(item, theirs[key])}"
    return None


def difference(left, right, path=""):
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            if left.get(key) != right.get(key):
                return difference(left.get(key), right.get(key), f"{path}/{key}")
    return f"{path}: {json.dumps(left)[:600]}\n  against {json.dumps(right)[:600]}"


def say(text):
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def run(settings):
    results = {"settings": {"tenants": settings.tenants, "workers": settings.workers,
                            "rest_s": settings.rest, "edits": settings.edits,
                            "cores": os.cpu_count()}}
    for size in settings.tenants:
        states = {}
        if "loader" in settings.only:
            say(f"{size} tenants: raw loader")
            figures, _ = measure(None, settings, size, set())
            results.setdefault("loader", {})[size] = figures
        for contestant in contestants(settings):
            say(f"{size} tenants: {contestant.name}")
            figures, state = measure(contestant, settings, size, stages_of(size, settings))
            results.setdefault(contestant.name, {})[size] = figures
            if state is not None:
                states[contestant.name] = state
        if states:
            problem = compare(states)
            results["same_children"] = problem is None
            if problem:
                say(f"NOT EQUAL: {problem}")
            else:
                count = len(next(iter(states.values())))
                results["children_per_tenant"] = count / size
                say(f"the same {count} children, {count / size:.0f} a tenant, by all contestants")
    return results


def main():
    # Ended from outside, it still takes its servers along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench operator: ended"))
    settings = parse()
    # A folder that outlives the run: when something fails, the logs say why.
    settings.logs = tempfile.mkdtemp(prefix="alphorn-bench-logs-")
    settings.template = f"{settings.logs}/template.json"
    with open(settings.template, "wb") as file:
        subprocess.run([settings.operator, "--print-template"], stdout=file, check=True)
    try:
        results = run(settings)
    except (RuntimeError, OSError) as error:
        sys.exit(f"bench operator: {error}\nlogs: {settings.logs}")
    judged = bars(results)
    print_report(results, judged)
    if settings.json:
        pathlib.Path(settings.json).write_text(
            json.dumps({**flat(results), "bars": judged, "by_size": results}, indent=2) + "\n",
            encoding="utf-8")
        say(f"written to {settings.json}")
    if results.get("same_children") is False:
        sys.exit("bench operator: the contestants did not make the same children; nothing counts")


if __name__ == "__main__":
    main()
