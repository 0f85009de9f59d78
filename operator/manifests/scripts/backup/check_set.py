"""Proves that a homeserver lives on a filled copy, and that the repository can be read: a drill.

Usage: check_set.py REQUEST

fill_set.py has run before it, and a homeserver was started on what that filled, with no way out.
"""

import datetime
import json
import sys

import database
import media
import upkeep
from homeserver import Homeserver
from outcome import Failure, log, run
from repository import Repository

UNTIL_STARTED = 600
SAMPLE = 20
ROOMS = 5
SUBSET = "5%"


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def log_in(server, request):
    if request.get("accessTokenFile"):
        server.token = text_of(request["accessTokenFile"])
        server.call("GET", "/_matrix/client/v3/account/whoami")
    else:
        server.register(text_of(request["registrationSecretFile"]))


def download(server, request, manifest):
    """How many uploads were fetched as a person fetches them, and were what the database says."""
    if not manifest["media"]:
        return 0
    absent, faults, checked = frozenset(manifest["media"].get("missingFirst", ())), [], 0
    for settings in request["databases"]:
        one = database.Database(settings)
        if not one.is_homeserver:
            continue
        with one.session(readonly=True) as cursor:
            for media_id, length, digest in media.some_uploads(cursor, request.get("sample", SAMPLE), served=True):
                if media_id in absent:
                    continue
                checked += 1
                fault = server.compare_download(manifest["serverName"], media_id, length, digest)
                if fault:
                    faults.append(f"{media_id} {fault}")
    if faults:
        raise Failure(
            "MediaDiffers", f"{len(faults)} of {checked} downloads differ: {'; '.join(faults[: media.FIRST_FEW])}", True
        )
    return checked


def ask(server, request, manifest):
    """{check: "ok" or how many}. The first that fails ends it, and names itself."""
    steps = (
        ("health", lambda: server.await_start(request.get("patienceSeconds", UNTIL_STARTED))),
        ("versions", server.versions),
        ("signingKey", lambda: manifest["signingKeyId"] and server.prove_key(manifest["signingKeyId"])),
        ("login", lambda: log_in(server, request)),
        ("rooms", lambda: server.read_rooms(ROOMS)),
        ("media", lambda: download(server, request, manifest)),
    )
    found = {}
    for name, step in steps:
        try:
            count = step()
        except Failure as failure:
            raise Failure(failure.reason, f"{name}: {failure}", failure.futile) from None
        found[name] = "ok" if count is None else f"ok, {count}" if isinstance(count, int) else "ok"
        log("checked", check=name)
    return found


def seconds_since(path):
    began = datetime.datetime.fromisoformat(text_of(path))
    return round((datetime.datetime.now(datetime.timezone.utc) - began).total_seconds())


def read_data(request, manifest):
    """Effect: a part of all that is stored was read and compared, and the repository knows when."""
    subset = request.get("readDataSubset", SUBSET)
    repository = Repository(request["repository"])
    repository.prove()
    repository.call("check", f"--read-data-subset={subset}")
    upkeep.record(repository, repository.existing_sets(), "checked", datetime.datetime.now(datetime.timezone.utc))
    log("read the repository", part=subset, set=manifest["set"])
    return subset


def work(request):
    manifest = json.loads(text_of(request["manifestFile"]))
    server = Homeserver(request["homeserver"])
    found = ask(server, request, manifest)
    if not request.get("accessTokenFile"):
        server.forget()
    # How long it took until people could work again.
    restored = seconds_since(request["startedAtFile"]) if request.get("startedAtFile") else None
    read = read_data(request, manifest)
    size = sum(part["bytes"] for part in manifest["parts"])
    return {"set": manifest["set"], "checks": found | {"repository": "ok"}, "rtoSeconds": restored, "bytes": size,
            "readData": read}


if __name__ == "__main__":
    run(work, sys.argv)
