"""The provisioner, run as a person or a Job runs it, against a real Synapse."""

import concurrent.futures
import csv
import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))

from synapse import Synapse  # noqa: E402  (found beside the other test programs)

ALPHORN = os.environ.get("ALPHORN") or str(ROOT / "build/dev/provisioner/alphorn")


class Office:
    """A document, a server, and the command between them, in a folder of its own."""

    def __init__(self, folder, server):
        self.folder = folder
        self.server = server
        self.state = folder / f"{server.server_name}.alphorn"
        self.document = folder / "company.yaml"
        self.said = []
        (folder / "token").write_text(server.token)
        (folder / "token").chmod(0o600)
        made = subprocess.run(["age-keygen", "-o", str(folder / "key")], capture_output=True,
                              text=True, check=True)
        self.recipient = made.stderr.split()[-1]

    def write(self, spec):
        text = {"apiVersion": "alphorn.dev/v1alpha1", "kind": "CompanyDirectory",
                "metadata": {"name": "acme"},
                "spec": {"serverName": self.server.server_name, **spec}}
        self.document.write_text(yaml.safe_dump(text, allow_unicode=True, sort_keys=False))

    def command(self, verb, *arguments):
        line = [ALPHORN, verb, str(self.document), "--homeserver", self.server.url,
                "--token-file", str(self.folder / "token")]
        if verb == "apply":
            line += ["--state", str(self.folder), "--recipient", self.recipient]
        return [*line, *arguments]

    def run(self, verb, *arguments, code=0):
        """What it prints; fails unless it ends with `code`."""
        done = subprocess.run(self.command(verb, *arguments), capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=1800, check=False)
        self.said += [done.stdout, done.stderr]
        assert done.returncode == code, f"{verb} ended with {done.returncode}: " \
                                        f"{done.stderr[-3000:]}{done.stdout[-2000:]}"
        return done.stdout

    def apply(self, *arguments, code=0):
        """The report of a run."""
        self.run("apply", *arguments, code=code)
        return self.report()

    def report(self):
        return json.loads((self.state / "report.json").read_text())

    def passwords(self):
        """{localpart: first password} as the client's administrator gets them."""
        target = self.folder / "opened"
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run([ALPHORN, "sheets", "open", str(self.state), "--identity",
                        str(self.folder / "key"), "--output", str(target)], check=True,
                       capture_output=True)
        with open(target / "credentials.csv", encoding="utf-8", newline="") as file:
            return {row["user id"][1:].split(":")[0]: row["first password"]
                    for row in csv.DictReader(file)}

    def rooms(self, token):
        """{name: room id} of the rooms an account is in."""
        ids = self.server.call("GET", "/_matrix/client/v3/joined_rooms", token=token)[1]
        return set(ids["joined_rooms"])

    def id_of(self, key):
        alias = f"%23{key}%3A{self.server.server_name}"
        return self.server.call("GET", f"/_matrix/client/v3/directory/room/{alias}",
                                token=self.server.token)[1]["room_id"]


def side_by_side(work, items, workers=16):
    """work(item) of every item, in their order."""
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, items))


def quick_server():
    # A hash of a password costs a quarter of a second otherwise; what is tested is not the hash.
    # Who logs in 500 times from one address is a test, not an office.
    quick = {"bcrypt_rounds": 6,
             "rc_login": {kind: {"per_second": 1000, "burst_count": 1000}
                          for kind in ("address", "account", "failed_attempts")}}
    return Synapse(settings=quick)


@pytest.fixture(scope="module")
def server():
    with quick_server() as synapse:
        yield synapse


@pytest.fixture(scope="module")
def office(server, tmp_path_factory):
    return Office(tmp_path_factory.mktemp("office"), server)
