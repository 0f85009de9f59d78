"""Makes a set: everything of a company, as it is tonight, in its repository.

Usage: make_set.py REQUEST

Each part is a snapshot of restic; the last one holds manifest.json, and only with it is it a set.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time

import database
import media
import upkeep
from outcome import Failure, log, now, run
from repository import Repository

FORMAT = 1
# Of a set's name: it becomes a tag of restic's.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
SETS_TOLD = 100
# In memory: /tmp of the pod. Secrets pass through it.
SCRATCH = "/tmp"


def share_of(owner, seconds):
    """The owner's part of that time: always the same, and another for another owner."""
    return int.from_bytes(hashlib.sha256(owner.encode()).digest()[:4], "big") / 2**32 * seconds


def guard(sets, owner, take_over):
    latest = sets.latest()
    if latest and latest.value_of("owner") != owner and not take_over:
        raise Failure(
            "RepositoryTaken",
            f"the last set in the repository, {latest.value_of('set')}, is of another company or cluster: give this "
            "company a repository of its own, or take it over",
            True,
        )


def signing_key_id(path):
    """ed25519:NAME of the first key in Synapse's own format."""
    if not path:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            kind, name = file.readline().split()[:2]
    except (OSError, ValueError):
        raise Failure("Failed", f"there is no signing key in {os.path.basename(path)}", True) from None
    return f"{kind}:{name}"


def copy_plain(source, target):
    """Mounted Secrets are links to links; what is kept are plain files."""
    for name in sorted(os.listdir(source)):
        if name.startswith(".."):
            continue
        path = os.path.join(source, name)
        if os.path.isdir(path):
            os.mkdir(os.path.join(target, name), 0o700)
            copy_plain(path, os.path.join(target, name))
        else:
            shutil.copyfile(path, os.path.join(target, name))


def prove_whole(folder):
    """Every Secret that the company is said to have is there: its pod is started without as well."""
    path = os.path.join(folder, "company.json")
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as file:
        names = [secret["name"] for secret in json.load(file)["secrets"]]
    for name in names:
        secret = os.path.join(folder, "secrets", name)
        if not os.path.isdir(secret) or not os.listdir(secret):
            raise Failure("SecretMissing", f"Secret {name} is gone or empty: bring it back")


class Making:
    """One run for one set."""

    def __init__(self, request, repository, name):
        self._request, self._repository, self._name = request, repository, name
        self._host = request["company"]["serverName"]
        self._parts, self._manifest = [], {}

    def _tags(self, part):
        return [f"set={self._name}", f"part={part}"]

    def _took(self, part, summary):
        self._parts.append({"name": part, "bytes": summary["bytes"], "added": summary["added"],
                            "snapshot": summary["snapshot"]})
        log("stored a part", part=part, bytes=summary["bytes"], added=summary["added"])
        return summary

    def _store_database(self, one, uploads):
        # What is counted and what is dumped is the same snapshot.
        wait = self._request.get("waitForDatabaseSeconds", 0)
        with one.session(wait, isolation_level="REPEATABLE READ", readonly=True) as cursor:
            cursor.execute("SELECT pg_export_snapshot()")
            snapshot = cursor.fetchone()[0]
            if one.is_homeserver:
                cursor.execute("SHOW server_version")
                self._manifest["versions"]["postgres"] = cursor.fetchone()[0].split(" ")[0]
                self._manifest["schema"] = database.schema(cursor)
                self._manifest["counts"] = database.counts(cursor)
                media.list_uploads(cursor, uploads)
            part = f"database-{one.name}"
            summary = self._took(part, self._repository.patiently(
                lambda: one.dump(self._repository, snapshot, self._tags(part), self._host)))
        self._manifest["databases"][one.name] = {"bytes": summary["bytes"], "snapshot": summary["snapshot"]}

    def _store_media(self, uploads):
        folder = self._request.get("media")
        if not folder:
            self._manifest["media"] = None
            return
        summary = media.store(self._repository, folder, self._tags("media"), self._host)
        lost, first = media.missing(folder, uploads)
        if lost:
            log("uploads have no file", count=lost, first=first[:10])
        told = self._took("media", summary) if summary else {"files": 0, "bytes": 0, "snapshot": None}
        self._manifest["media"] = {"files": told["files"], "bytes": told["bytes"], "snapshot": told["snapshot"],
                                   "missing": lost, "missingFirst": first}

    def _store_company(self):
        folder = self._request.get("folder")
        if not folder:
            return
        with tempfile.TemporaryDirectory(dir=self._request.get("scratch", SCRATCH)) as plain:
            copy_plain(folder, plain)
            prove_whole(plain)
            names = sorted(os.listdir(plain))
            summary, unread = self._repository.backup(names, self._tags("company"), self._host, cwd=plain)
        if unread:
            raise Failure("Failed", "the company's own files could not be read")
        self._manifest["snapshotOfCompany"] = self._took("company", summary)["snapshot"]

    def _commit(self, former):
        seconds = round(time.monotonic() - self._began, 1)
        self._manifest |= {"finishedAt": now(), "parts": self._parts, "seconds": seconds}
        self._manifest |= {"prunedAt": former.last("pruned"), "checkedAt": former.last("checked")}
        tags = [*self._tags("manifest"), f"owner={self._request['owner']}"]
        text = json.dumps(self._manifest, indent=1)
        what = ["--stdin", "--stdin-filename", "manifest.json"]
        stored, _ = self._repository.backup(what, tags, self._host, text=text)
        return stored["snapshot"]

    def make(self, former):
        """(the manifest's snapshot, the manifest)."""
        request, self._began = self._request, time.monotonic()
        self._manifest = {
            "format": FORMAT, "set": self._name, "serverName": self._host, "owner": request["owner"],
            "company": {key: request["company"].get(key) for key in ("name", "namespace", "uid")},
            "startedAt": now(), "versions": {"synapse": request.get("synapseVersion")}, "schema": None, "counts": {},
            "mediaInBucket": request.get("mediaInBucket", False),
            "signingKeyId": signing_key_id(request.get("signingKeyFile")), "databases": {}, "media": None,
        }
        with tempfile.TemporaryFile("w+", encoding="utf-8") as uploads:
            # Databases first: a file that no row names harms nobody, a row without its file does.
            for settings in request["databases"]:
                self._store_database(database.Database(settings), uploads)
            self._store_media(uploads)
        self._store_company()
        return self._commit(former), self._manifest


def told(manifest, sets):
    names = sets.newest_first()
    parts = [{key: part[key] for key in ("name", "bytes", "added")} for part in manifest["parts"]]
    files = manifest["media"] or {}
    return {
        "set": manifest["set"], "snapshot": sets.committed[manifest["set"]].id,
        "startedAt": manifest["startedAt"], "finishedAt": manifest["finishedAt"], "seconds": manifest["seconds"],
        "bytes": sum(part["bytes"] for part in parts), "addedBytes": sum(part["added"] for part in parts),
        "counts": manifest["counts"], "parts": parts,
        "media": {key: files.get(key, 0) for key in ("files", "bytes", "missing")},
        "sets": names[:SETS_TOLD], "oldest": sets.committed[names[-1]].time.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def work(request):
    name = request.get("set") or os.environ.get("SET_ID", "")
    if not NAME.fullmatch(name) or "," in request["owner"]:
        raise Failure("Failed", f"{name!r} is no name for a set, or the owner none for an owner", True)
    if not os.environ.get("NO_JITTER"):  # somebody waits for this one
        time.sleep(share_of(request["owner"], request.get("jitterSeconds", 0)))
    repository = Repository(request["repository"])
    repository.prove()
    sets, manifest = repository.open(), None
    guard(sets, request["owner"], request.get("takeOver", False))
    if name in sets.committed:
        log("the set is there already", set=name)
    else:
        snapshot, manifest = Making(request, repository, name).make(sets)
        sets = repository.sets()
        if name not in sets.committed:
            raise Failure("RepositoryDamaged", "the manifest was written and cannot be found")
        # Who else made this set meanwhile may have been first.
        if not sets.committed[name].id.startswith(snapshot):
            manifest = None
    manifest = manifest or repository.manifest(sets.committed[name])
    sets, complaint = upkeep.keep_up(repository, request, sets, name)
    return told(manifest, sets) | {"upkeep": complaint}


if __name__ == "__main__":
    run(work, sys.argv)
