"""Fills empty databases and an empty folder of uploads from a set, and proves that they hold what it holds.

Usage: fill_set.py REQUEST

All targets are looked at before the first is written to. Killed at any moment and run again, it goes on and
comes to the same end.
"""

import contextlib
import os
import sys
import time

import database
import fetch_set
import media
from outcome import Failure, log, now, run
from repository import Repository

# Bridges remember which transactions they have seen, and drop what they take for one of those.
TRANSACTIONS = "application_services_txn_id_seq"
AHEAD = 1000
UNTIL_FREE = 60
PAUSE = 2


def plan(request, manifest):
    """[(database, the snapshot of its dump)]; raises unless each of the set has a target, and each target one."""
    targets = {settings["name"]: database.Database(settings) for settings in request["databases"]}
    stored = manifest["databases"]
    if targets.keys() != stored.keys():
        missing = ", ".join(sorted(targets.keys() ^ stored.keys()))
        raise Failure("SetIncomplete", f"the set and the targets differ in databases: {missing}", True)
    return [(targets[name], stored[name]["snapshot"]) for name in sorted(stored)]


def lock(cursor, name):
    """Held until this program ends: of two restores into one database, one is refused."""
    deadline = time.monotonic() + UNTIL_FREE
    while True:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", (database.LOCK,))
        if cursor.fetchone()[0]:
            return
        if time.monotonic() >= deadline:
            raise Failure("RestoreRunning", f"another restore fills database {name}: wait until it ends")
        time.sleep(PAUSE)


def settle(cursor):
    """What must not be as it was when the set was made."""
    cursor.execute(f"TRUNCATE {database.ONE_TIME_KEYS}")
    cursor.execute(f"SELECT setval('{TRANSACTIONS}', nextval('{TRANSACTIONS}') + {AHEAD})")


def compare_counts(cursor, manifest):
    found, expected = database.counts(cursor), manifest["counts"]
    differing = [f"{found[name]} {name}, not {expected[name]}" for name in expected if found[name] != expected[name]]
    if differing:
        raise Failure("CountsDiffer", f"the filled database holds {', '.join(differing)}: take another set", True)
    return found


def fill_database(cursor, one, repository, snapshot, restored):
    if one.look(cursor, restored):
        log("a database is filled already", database=one.name)
        return
    one.mark(cursor, restored)
    repository.patiently(lambda: one.fill(repository, snapshot))
    # Synapse's first questions are slow without.
    cursor.execute("ANALYZE")


def fill_media(request, manifest, repository, restored):
    folder, stored = request.get("media"), manifest["media"]
    if not folder or not stored or not stored["snapshot"]:
        return
    media.mark(folder, restored)
    media.fill(repository, folder, stored["snapshot"])
    log("filled the uploads", files=stored["files"], bytes=stored["bytes"])


def verify_media(cursor, request, manifest):
    if not request.get("media") or not manifest["media"]:
        return 0
    absent = frozenset(manifest["media"].get("missingFirst", ()))
    return media.verify(cursor, request["media"], request.get("sample"), absent)


def fill(request, manifest, repository):
    """(counts, uploads compared)."""
    # A restore is named by who asked for it, so that another one for the same set does not go on with this one.
    restored = f"{manifest['set']} {request.get('restore', '')}".strip()
    found, checked, wait = {}, 0, request.get("waitForDatabaseSeconds", 0)
    with contextlib.ExitStack() as stack:
        targets = [(one, snapshot, stack.enter_context(one.session(wait, autocommit=True)))
                   for one, snapshot in plan(request, manifest)]
        for one, _, cursor in targets:
            lock(cursor, one.name)
        for one, _, cursor in targets:
            one.look(cursor, restored)
        if request.get("media"):
            media.prepare(request["media"], restored)
        for one, snapshot, cursor in targets:
            fill_database(cursor, one, repository, snapshot, restored)
        fill_media(request, manifest, repository, restored)
        for one, _, cursor in targets:
            if one.is_homeserver:
                settle(cursor)
                found = compare_counts(cursor, manifest)
                checked = verify_media(cursor, request, manifest)
        # Unfinished until here: without the marks nobody may go on with it.
        if request.get("media"):
            media.unmark(request["media"])
        for one, _, cursor in targets:
            one.unmark(cursor)
    return found, checked


def note_start(path):
    """The first try's start counts."""
    if path and not os.path.exists(path):
        with open(path, "w", encoding="utf-8") as file:
            file.write(now() + "\n")


def work(request):
    began = time.monotonic()
    note_start(request.get("startedAtFile"))
    repository = Repository(request["repository"])
    repository.prove()
    _, manifest = fetch_set.manifest_of(repository, request.get("set"))
    found, checked = fill(request, manifest, repository)
    if request.get("manifestFile"):
        fetch_set.write(request["manifestFile"], manifest)
    size = sum(one["bytes"] for one in manifest["databases"].values()) + (manifest["media"] or {}).get("bytes", 0)
    return {"set": manifest["set"], "seconds": round(time.monotonic() - began, 1), "bytes": size, "counts": found,
            "mediaChecked": checked, "restoredAt": now()}


if __name__ == "__main__":
    run(work, sys.argv)
