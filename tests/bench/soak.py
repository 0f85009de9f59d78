#!/usr/bin/env python3
"""Edits tenants and takes the edits back for a long time, and tells how the operator's memory goes.

Run it as ./dev bench soak [--minutes 60] [--tenants 100] [--json FILE]; README.md says what is measured.
"""
import argparse
import json
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from contestant import Contestant, Run  # noqa: E402
from server import Cluster  # noqa: E402

ROUND_EDITS = 100
EDIT_GAP_MS = 100


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operator", required=True, help="program operator_under_test")
    parser.add_argument("--tools", required=True, help="program of tests/bench/tools")
    parser.add_argument("--minutes", type=float, default=60, help="how long, default %(default)s")
    parser.add_argument("--tenants", type=int, default=100)
    parser.add_argument("--workers", type=int, default=10)
    parser.add_argument("--json", help="write all samples there")
    settings = parser.parse_args()
    settings.logs = tempfile.mkdtemp(prefix="alphorn-soak-logs-")
    return settings


def slope(samples):
    """MiB an hour, by least squares."""
    count = len(samples)
    hours = [at / 3600 for at, _ in samples]
    middle = sum(hours) / count
    mean = sum(rss for _, rss in samples) / count
    spread = sum((hour - middle) ** 2 for hour in hours)
    return sum((hour - middle) * (rss - mean) for hour, (_, rss) in zip(hours, samples)) / spread


def soak(settings):
    with Cluster() as cluster:
        run = Run(cluster, settings, settings.tenants)
        run.seed()
        operator = None
        try:
            operator = run.converge(Contestant("alphorn", "alphorn", [settings.operator]))
            samples, passes, began, edits = [], operator.passes(), time.monotonic(), 0
            while time.monotonic() - began < settings.minutes * 60:
                # The same two values in turn, so that every second round takes back the first.
                run.tool("edit", "editor", "--count", str(ROUND_EDITS), "--gap-ms", str(EDIT_GAP_MS),
                         "--first", str(edits // ROUND_EDITS % 2))
                edits += ROUND_EDITS
                if not operator.alive():
                    raise RuntimeError(f"the operator ended; see {settings.logs}")
                samples.append((round(time.monotonic() - began, 1), round(operator.rss(), 2)))
                print(f"{samples[-1][0]:8.0f} s  {edits:7} edits  RSS {samples[-1][1]:.1f} MiB", flush=True)
            # What a process fills once (allocator, caches of events) is not a leak: the first half is left out.
            settled = samples[len(samples) // 2:]
            return {"minutes": settings.minutes, "tenants": settings.tenants, "edits": edits,
                    "passes": operator.passes() - passes, "rss_mb": [settled[0][1], settled[-1][1]],
                    "slope_mb_per_hour": round(slope(settled), 2) if len(settled) > 2 else None,
                    "samples": samples}
        finally:
            if operator is not None:
                operator.stop()
            run.ready.stop()


def main():
    settings = parse()
    try:
        result = soak(settings)
    except (RuntimeError, OSError) as error:
        sys.exit(f"bench soak: {error}\nlogs: {settings.logs}")
    print(f"{result['edits']} edits, {result['passes']:.0f} passes; second half: RSS {result['rss_mb'][0]} -> "
          f"{result['rss_mb'][1]} MiB, {result['slope_mb_per_hour']} MiB an hour")
    if settings.json:
        pathlib.Path(settings.json).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
