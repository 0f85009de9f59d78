#!/usr/bin/env python3
"""./dev bench provisioner: the provisioner beside a loader that sends only what cannot be left out.

All on one Synapse and one Postgres, in turn: accounts without and with a password, rooms, joins; the
same work for each contestant, under names of its own. The last figures are of a second run over 5,000
people and 50 rooms.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time


HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

from synapse import Synapse  # noqa: E402  (the path is known only now)

PHASES = ("users", "users_password", "rooms", "joins")
LOADER_THREADS = 6  # more are slower where server and database share two cores


class Sizes:
    def __init__(self, scale):
        self.users, self.users_password = 400 * scale, 100 * scale
        self.rooms, self.joins_each = 40 * scale, 25


class Contestant:
    def __init__(self, name, sizes, server):
        self.name, self.sizes, self.server = name, sizes, server

    def people(self, kind, count):
        letter = "n" if kind == "users" else "p"
        return [f"{self.name}-{letter}{index}" for index in range(count)]

    def users(self):
        return self.people("users", self.sizes.users)

    def users_password(self):
        return self.people("users_password", self.sizes.users_password)

    def members(self, room):
        """The people of a room: another window of the list for each."""
        everybody, each = self.users(), self.sizes.joins_each
        begin = room * each % len(everybody)
        return (everybody + everybody)[begin:begin + each]

    def counts(self):
        return {"users": self.sizes.users, "users_password": self.sizes.users_password,
                "rooms": self.sizes.rooms, "joins": self.sizes.rooms * self.sizes.joins_each}


class Alphorn(Contestant):
    """One document that grows by what a phase is about."""

    def __init__(self, program, *arguments):
        super().__init__("a", *arguments)
        self.program = program
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="alphorn-bench-"))
        (self.folder / "token").write_text(self.server.token)
        made = subprocess.run(["age-keygen", "-o", str(self.folder / "key")], capture_output=True,
                              text=True, check=True)
        self.recipient = made.stderr.split()[-1]

    def document(self, upto, extra=0, rooms=None):
        people = [{"localpart": who} for who in self.users()]
        if upto >= 1:
            people += [{"localpart": who} for who in self.users_password()]
        people += [{"localpart": f"{self.name}-x{index}"} for index in range(extra)]
        listed = [{"key": f"{self.name}-r{index}", "joinRule": "invite",
                   "members": self.members(index) if upto >= 3 else []}
                  for index in range(self.sizes.rooms)] if upto >= 2 else []
        if rooms is not None:
            listed = rooms
        spec = {"serverName": self.server.server_name, "employees": {"people": people},
                "rooms": listed, "authentication": {"passwords": upto == 1}}
        text = {"apiVersion": "alphorn.dev/v1alpha1", "kind": "CompanyDirectory", "spec": spec}
        path = self.folder / "company.yaml"
        # JSON is YAML, and quicker to write.
        path.write_text(json.dumps(text))
        return path

    def apply(self, path):
        """(seconds, report, peak RSS in MB)."""
        begun = time.monotonic()
        process = subprocess.Popen(
            [self.program, "apply", str(path), "--homeserver", self.server.url, "--token-file",
             str(self.folder / "token"), "--state", str(self.folder), "--recipient",
             self.recipient], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        took = time.monotonic() - begun
        assert status == 0, f"apply ended with {status}"
        return took, json.loads((self.folder / f"{self.server.server_name}.alphorn/report.json").read_text()), \
            usage.ru_maxrss / 1024

    def run(self):
        return {phase: self.apply(self.document(step))[0] for step, phase in enumerate(PHASES)}


class Loader(Contestant):
    def __init__(self, name, threads, program, *arguments):
        super().__init__(name, *arguments)
        self.threads, self.program = threads, program

    def account(self, who, password):
        body = {"displayname": who, "admin": False}
        if password:
            body |= {"password": "Xy7-" + who + "-long-enough", "logout_devices": False}
        target = f"/_synapse/admin/v2/users/%40{who}%3A{self.server.server_name}"
        return [{"method": "PUT", "target": target, "body": body}]

    def room(self, index):
        key = f"{self.name}-r{index}"
        body = {"preset": "private_chat", "room_alias_name": key, "room_version": "12", "name": key,
                "visibility": "private",
                "initial_state": [
                    {"type": "m.room.encryption", "state_key": "",
                     "content": {"algorithm": "m.megolm.v1.aes-sha2"}},
                    {"type": "m.room.guest_access", "state_key": "",
                     "content": {"guest_access": "forbidden"}},
                    {"type": "dev.alphorn.bench", "state_key": "", "content": {"key": key}}]}
        return [{"method": "POST", "target": "/_matrix/client/v3/createRoom", "body": body,
                 "room": str(index)}]

    def joins(self, index):
        return [{"method": "POST", "target": f"/_synapse/admin/v1/join/$room:{index}",
                 "body": {"user_id": f"@{who}:{self.server.server_name}"}}
                for who in self.members(index)]

    def run(self):
        rooms = range(self.sizes.rooms)
        phases = [{"name": "users", "lanes": [self.account(who, False) for who in self.users()]},
                  {"name": "users_password",
                   "lanes": [self.account(who, True) for who in self.users_password()]},
                  {"name": "rooms", "lanes": [self.room(index) for index in rooms]},
                  {"name": "joins", "lanes": [self.joins(index) for index in rooms]}]
        work = {"token": self.server.token, "phases": phases}
        done = subprocess.run([self.program, self.server.url, str(self.threads)], check=True,
                              input=json.dumps(work), capture_output=True, text=True)
        return json.loads(done.stdout)


def exempt(server, on):
    """The loaders are exempt from rate limits as the provisioner makes itself."""
    target = f"/_synapse/admin/v1/users/%40alphorn%3A{server.server_name}/override_ratelimit"
    if on:
        server.call("POST", target, {"messages_per_second": 0, "burst_count": 0}, server.token)
    else:
        server.call("DELETE", target, token=server.token)


def rates(contestant):
    counts, times = contestant.counts(), contestant.run()
    return {f"{phase}_per_s" if phase != "users_password" else "users_per_s_password":
            round(counts[phase] / times[phase], 2) for phase in PHASES}


# A quarter of a million joins take hours here; what a second run reads is the same without them.
MEMBERSHIPS = """
INSERT INTO current_state_events (event_id, room_id, type, state_key, membership)
SELECT '$bench-' || md5(room_id || name), room_id, 'm.room.member', name, 'join'
FROM users, room_aliases WHERE room_alias LIKE '#{name}-big%' AND name LIKE '@{name}-%'
"""


def second_run(alphorn, people, rooms):
    """Of a big directory: everybody is in every room, by rows in the database."""
    extra = people - alphorn.sizes.users - alphorn.sizes.users_password
    big = [{"key": f"{alphorn.name}-big{index}", "joinRule": "invite"} for index in range(rooms)]
    alphorn.apply(alphorn.document(4, extra, [room | {"members": []} for room in big]))
    done = alphorn.server.sql(MEMBERSHIPS.format(name=alphorn.name))
    assert done.stdout.strip() == f"INSERT 0 {people * rooms}", done
    alphorn.server.restart()
    return alphorn.apply(alphorn.document(4, extra, big))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--alphorn", required=True)
    parser.add_argument("--loader", required=True)
    parser.add_argument("--json")
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--people", type=int, default=5000)
    options = parser.parse_args()
    sizes = Sizes(options.scale)
    with Synapse() as server:
        result = {}
        alphorn = Alphorn(options.alphorn, sizes, server)
        result["alphorn"] = rates(alphorn)
        print("alphorn", json.dumps(result["alphorn"]), flush=True)
        exempt(server, True)
        for name, threads, share in (("loader", LOADER_THREADS, 1), ("serial", 1, 4)):
            part = Sizes(options.scale)
            part.users //= share
            part.users_password //= share
            part.rooms //= share
            result[name] = rates(Loader(name, threads, options.loader, part, server))
            print(name, json.dumps(result[name]), flush=True)
        exempt(server, False)
        took, report, megabytes = second_run(alphorn, options.people, 50)
        result["alphorn"] |= {"second_run_writes": report["writes"],
                              f"second_run_s_{options.people}x50": round(took, 2),
                              "second_run_rss_mb": round(megabytes, 1)}
    for other, goal in (("loader", 0.9), ("serial", 3)):
        for figure, value in result[other].items():
            ratio = result["alphorn"][figure] / value
            print(f"{figure:22} {ratio:5.2f} of the {other} (goal {goal}): "
                  f"{'met' if ratio >= goal else 'MISSED'}")
    print(f"second run: {report['writes']} writes, {took:.1f} s, {megabytes:.0f} MB")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
