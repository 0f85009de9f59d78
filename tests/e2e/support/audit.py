"""Who wrote what, by the API server's own record; not by what a program says of itself."""

import dataclasses
import datetime
import json
import pathlib

from support import kubectl as k

WRITES = {"create", "update", "patch", "delete", "deletecollection"}


@dataclasses.dataclass(frozen=True)
class Write:
    when: str
    verb: str
    group: str
    resource: str
    namespace: str
    name: str
    code: int

    def __str__(self):
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.when} {self.verb} {kind} {self.namespace}/{self.name} -> {self.code}"


def stamp(moment):
    """A moment in the form, and so in the order, of the record's times."""
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now():
    return stamp(datetime.datetime.now(datetime.timezone.utc))


def operator_account():
    """The user that the operator's pods are to the API server."""
    deployments = k.listed("deployments", k.SYSTEM)
    accounts = {item["spec"]["template"]["spec"]["serviceAccountName"] for item in deployments}
    assert len(accounts) == 1, f"expected the operator alone in {k.SYSTEM}, found {accounts}"
    return f"system:serviceaccount:{k.SYSTEM}:{accounts.pop()}"


def _lines(since):
    """Every line of the record, rotated files first. A file that was last written before `since`
    holds nothing of interest."""
    current = pathlib.Path(k.status()["cluster"]["auditLog"])
    began = datetime.datetime.fromisoformat(since.replace("Z", "+00:00")).timestamp()
    files = [file for file in current.parent.glob(current.stem + "*" + current.suffix)
             if file.stat().st_mtime >= began - 1]
    assert current.exists(), f"{current}: the API server's audit log is missing"
    for file in sorted(files, key=lambda path: path.stat().st_mtime):
        with open(file, encoding="utf-8") as text:
            yield from text


def writes_by(account, since):
    """Every attempt of an account to write since a moment (see now()), refused ones too."""
    found = []
    for line in _lines(since):
        if account not in line or not line.endswith("\n"):
            continue
        entry = json.loads(line)
        if (entry["user"]["username"] != account or entry["verb"] not in WRITES
                or entry["requestReceivedTimestamp"] < since or "dryRun=" in entry["requestURI"]):
            continue
        target = entry.get("objectRef", {})
        found.append(Write(entry["requestReceivedTimestamp"], entry["verb"],
                           target.get("apiGroup", ""), target.get("resource", ""),
                           target.get("namespace", ""), target.get("name", ""),
                           entry.get("responseStatus", {}).get("code", 0)))
    return found
