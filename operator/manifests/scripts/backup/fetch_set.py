"""Fetches what a set holds of the company itself: its resource, its Secrets, and the manifest.

Usage: fetch_set.py REQUEST

They are put into the folder "into", which is in memory, since keys are among them.
"""

import json
import os
import sys

from outcome import Failure, run
from repository import Repository

FORMATS = (1,)


def manifest_of(repository, name):
    """(the snapshot, the manifest) of a set, of the one that the pod is about, or of the latest."""
    snapshot = repository.existing_sets().find(name or os.environ.get("SET_ID") or None)
    manifest = repository.manifest(snapshot)
    if manifest.get("format") not in FORMATS:
        raise Failure("Failed", f"set {manifest.get('set')} is of a newer release: use that one", True)
    return snapshot, manifest


def write(path, manifest):
    """Whole or not at all."""
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(manifest, file)
    os.replace(path + ".part", path)


def summary_of(manifest):
    keys = ("set", "serverName", "company", "startedAt", "finishedAt", "versions", "schema", "signingKeyId", "counts",
            "owner", "checkedAt")
    files = manifest["media"] or {}
    return {key: manifest.get(key) for key in keys} | {
        "databases": sorted(manifest["databases"]),
        "bytes": sum(part["bytes"] for part in manifest["parts"]),
        "media": {key: files.get(key, 0) for key in ("files", "bytes", "missing")},
    }


def work(request):
    os.umask(0o077)
    repository = Repository(request["repository"])
    repository.prove()
    _, manifest = manifest_of(repository, request.get("set"))
    into = request["into"]
    os.makedirs(into, exist_ok=True)
    company = manifest.get("snapshotOfCompany")
    if not company:
        raise Failure("SetIncomplete", f"set {manifest['set']} holds nothing of the company itself: take another", True)
    repository.call("restore", company, "--target", into)
    write(os.path.join(into, "manifest.json"), manifest)
    return summary_of(manifest)


if __name__ == "__main__":
    run(work, sys.argv)
