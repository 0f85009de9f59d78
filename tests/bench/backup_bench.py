#!/usr/bin/env python3
"""./dev bench backup: making and filling a set beside `pg_dump | restic` and `restic backup` by hand.

The same data, the same programs in the same image, a repository of its own each. Then a night in which 1 % has
changed, and how long it takes from the start of a restore until people can log in again.
"""
import argparse
import hashlib
import json
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "contract/backup"))

from world import Office  # noqa: E402  (the path is known only now)

GOAL = 0.8
ROOM = "!bulk:acme.example"
# As encrypted messages are, as good as random; and old ones, which nothing is made of any more.
EVENTS = """
INSERT INTO events (topological_ordering, event_id, type, room_id, processed, outlier, depth, origin_server_ts,
                    received_ts, sender, contains_url, instance_name, stream_ordering)
SELECT g, '$bulk' || g, 'm.room.encrypted', '{room}', true, false, g, 1700000000000 + g, 1700000000000 + g,
       '@p0:acme.example', false, 'master', -nextval('events_backfill_stream_seq') FROM generate_series(1, {count}) g;
INSERT INTO event_json (event_id, room_id, internal_metadata, json, format_version)
SELECT '$bulk' || g, '{room}', '{{}}',
       '{{"type":"m.room.encrypted","sender":"@p0:acme.example","content":{{"ciphertext":"' ||
       (SELECT string_agg(encode(sha512((g || ':' || part || random())::bytea), 'base64'), '')
          FROM generate_series(1, 6) part) || '"}}}}', 4 FROM generate_series(1, {count}) g;
"""
CHANGE = """
UPDATE event_json SET json = replace(json, '"sender"', '"changed":true,"sender"')
 WHERE event_id IN (SELECT event_id FROM events WHERE room_id = '{room}' AND depth % 100 = 0)
"""


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=20000, help="default %(default)s")
    parser.add_argument("--media-mb", type=int, default=200, help="default %(default)s")
    parser.add_argument("--full", action="store_true", help="100,000 events and 1 GB of uploads")
    parser.add_argument("--repeat", type=int, default=1, help="pairs of runs, default %(default)s: the median counts")
    parser.add_argument("--json", help="write all figures there")
    settings = parser.parse_args()
    if settings.full:
        settings.events, settings.media_mb = 100000, 1024
    return settings


class Data:
    """What is stored."""

    def __init__(self, office, settings):
        self._company, self._settings = office.company, settings
        self._uploads = 0

    def fill(self):
        self._company.run_sql(EVENTS.format(room=ROOM, count=self._settings.events))
        self._add_uploads(self._settings.media_mb)
        self._company.run_sql("VACUUM ANALYZE")

    def change(self):
        """1 % of the messages and of the files."""
        self._company.run_sql(CHANGE.format(room=ROOM))
        self._add_uploads(max(1, self._settings.media_mb // 100))

    def _add_uploads(self, megabytes):
        self._company.put_uploads(self._contents(megabytes))

    def _contents(self, megabytes):
        """Files of 16 KiB to 2 MiB, most of them small."""
        left, sizes = megabytes << 20, (16, 64, 256, 512, 1024, 2048)
        while left > 0:
            size = min(left, sizes[self._uploads % len(sizes)] << 10)
            # Spread over folders as drawn names are.
            drawn = hashlib.sha256(str(self._uploads).encode()).hexdigest()[:24]
            yield drawn, os.urandom(size)
            self._uploads += 1
            left -= size


class ByHand:
    """What a person would type."""

    def __init__(self, office):
        self._programs, self._company = office.programs, office.company
        self.repository = office.repository()
        self._dump = office.folder / "by_hand.sh"
        login = self._company.login("synapse", "synapse")
        self._dump.write_text(
            "set -e\n[ -f \"$RESTIC_REPOSITORY/config\" ] || restic init --quiet\n"
            f"PGSERVICEFILE={login['serviceFile']} pg_dump -Fc -Z0 -d service=it | "
            "restic backup --quiet --stdin --stdin-filename synapse.dump\n"
            f"cd {self._company.media} && restic backup --quiet local_content local_thumbnails\n")

    def run(self):
        command = self._programs.restic_command(self.repository)
        command = command[:command.index("restic")] + ["bash", str(self._dump)]
        return timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))


class BySet:
    def __init__(self, office):
        self._programs, self._company = office.programs, office.company
        self.repository, self._night = office.repository(), 0

    def run(self):
        self._night += 1
        request = self._company.making(self.repository, f"night{self._night}")
        return timed(lambda: self._made(request))

    def _made(self, request):
        ran = self._programs.end(self._programs.start("make_set", request), 3600)
        assert ran.code == 0, ran.output
        self.words = ran.words


def timed(work):
    """(seconds on the wall, seconds of processors) of it and of all that it has started."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def size_of(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def pair(office, data, index):
    """The figures of both ways, new repositories first and the changed night after. Whoever is first differs."""
    ways = {"by_hand": ByHand(office), "set": BySet(office)}
    order = list(ways) if index % 2 == 0 else list(ways)[::-1]
    figures = {}
    for night in ("first", "changed"):
        for name in order:
            before = size_of(ways[name].repository.path)
            figures[f"{name}_{night}_s"], figures[f"{name}_{night}_cpu_s"] = ways[name].run()
            figures[f"{name}_{night}_stored"] = size_of(ways[name].repository.path) - before
        figures[f"set_{night}_committed_s"] = ways["set"].words["seconds"]
        figures["bytes" if night == "first" else "bytes_changed"] = ways["set"].words["bytes"]
        if night == "first":
            data.change()
    return figures, ways["set"].repository


def recovery(office, repository):
    """Seconds until a homeserver on the filled copy answers, lets somebody in and hands out files."""
    target = office.company.target()
    started, manifest = office.folder / "bench-started", office.folder / "bench-manifest"
    filled = office.programs.run("fill_set", office.company.filling(
        repository, target, startedAtFile=str(started), manifestFile=str(manifest)))
    with office.copy_server(target) as drill:
        words = office.programs.run("check_set", dict(
            drill, repository=repository.settings(), startedAtFile=str(started), manifestFile=str(manifest),
            readDataSubset="5%"))
    return {"fill_s": filled["seconds"], "media_compared": filled["mediaChecked"], "rto_s": words["rtoSeconds"]}


def report(results):
    size = results["bytes"] / 2**20
    print(f"\n{size:.0f} MiB: {results['events']} events, {results['media_mb']} MB of uploads; "
          f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for label, night in (("a first set", "first"), ("a night with 1 % changed", "changed")):
        hand, ours = results[f"by_hand_{night}_s"], results[f"set_{night}_s"]
        print(f"{label}: by hand {hand:.1f} s ({size / hand:.0f} MiB/s, {results[f'by_hand_{night}_cpu_s']:.1f} s of "
              f"processors), a set {ours:.1f} s ({size / ours:.0f} MiB/s, {results[f'set_{night}_cpu_s']:.1f} s of "
              f"processors, safe after {results[f'set_{night}_committed_s']:.1f} s)")
    print(f"stored anew by that night's set: {results['set_changed_stored'] / 2**20:.1f} MiB")
    print(f"restored: filled and compared in {results['fill_s']} s, people log in after {results['rto_s']} s")
    print(f"largest restic: {results['peak_rss_mb']:.0f} MiB")
    for key, what in (("ratio", "throughput of a first set / by hand"), ("cpu_ratio", "the same by processors' time")):
        met = "met   " if results[key] >= GOAL else "MISSED"
        print(f"  {met}  {what}: {results[key]:.2f} (at least {GOAL})")


def main():
    settings = parse()
    # So that what was started is ended, and folders are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with Office() as office:
        data = Data(office, settings)
        data.fill()
        pairs = []
        for index in range(settings.repeat):
            figures, repository = pair(office, data, index)
            pairs.append(figures)
        results = {key: statistics.median(figures[key] for figures in pairs) for key in pairs[0]}
        results |= {"events": settings.events, "media_mb": settings.media_mb, "pairs": settings.repeat}
        # Of the largest of all programs that have run here: a restic.
        results["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        results["ratio"] = results["by_hand_first_s"] / results["set_first_s"]
        # Where others use the machine as well, this says more.
        results["cpu_ratio"] = results["by_hand_first_cpu_s"] / results["set_first_cpu_s"]
        results |= recovery(office, repository)
    report(results)
    if settings.json:
        pathlib.Path(settings.json).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
