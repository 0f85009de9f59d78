"""What a run refuses, what it does not take for its own, and what it takes back."""

import hashlib
import json
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest
from conftest import ALPHORN

EVERYBODY = ["anna", "beat", "carla", "dora"]


def company(people=(), **more):
    return {"employees": {"people": [{"localpart": who} for who in people or EVERYBODY]},
            "spaces": [{"key": "acme", "administrators": ["anna"], "version": "11",
                        "rooms": [{"key": "lounge", "version": "10", "topic": "Coffee",
                                   "retention": "30d", "powerLevels": {"invite": 0}}]}],
            "leavers": {"maxPercent": 50}, **more}


def state_of(office, key, kind):
    """The content of a room's state event; {} when there is none."""
    status, content = office.server.call(
        "GET", f"/_matrix/client/v3/rooms/{office.id_of(key)}/state/{kind}/",
        token=office.server.token, expect=None)
    return content if status == 200 else {}


def locked(office, who):
    return office.server.call("GET", f"/_synapse/admin/v2/users/%40{who}%3Aacme.example",
                              token=office.server.token)[1]["locked"]


class Terminal:
    """A command as a person runs it."""

    def __init__(self, *command):
        pid, self.end = pty.fork()
        if pid == 0:
            os.execvp(command[0], command)
        self.pid = pid
        self.text = ""

    def read_until(self, what, seconds=300):
        deadline = time.monotonic() + seconds
        while what not in self.text:
            assert time.monotonic() < deadline, self.text
            if select.select([self.end], [], [], 1)[0]:
                try:
                    self.text += os.read(self.end, 65536).decode(errors="replace")
                except OSError:  # it has ended
                    break
        assert what in self.text, self.text

    def say(self, line):
        os.write(self.end, line.encode() + b"\n")

    def code(self):
        while True:
            try:
                if not os.read(self.end, 65536):
                    break
            except OSError:
                break
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.end)
        return os.waitstatus_to_exitcode(status)


@pytest.fixture(scope="module")
def passwords(office):
    office.write(company())
    office.apply()
    return office.passwords()


def test_another_server_than_the_documents_is_not_touched(office, passwords):
    office.write(company(["anna"]) | {"serverName": "globex.example"})
    office.run("apply", "--allow-leavers", "9", code=1)
    assert "spec.serverName is globex.example" in office.said[-1]
    assert not locked(office, "beat")


def test_the_directory_of_another_document_is_not_taken_over_by_the_way(office, passwords):
    office.write(company(["anna", "beat", "carla"]))
    office.document.write_text(office.document.read_text().replace("name: acme\n", "name: new\n", 1))
    report = office.apply(code=1)
    assert report["result"] == "refused" and "--take-over" in report["error"]
    assert not locked(office, "dora")
    assert office.apply("--take-over")["done"]["lockAccount"] == 1
    office.write(company())
    assert "--take-over" in office.apply(code=1)["error"]
    office.apply("--take-over")
    assert office.apply()["writes"] == 0


def test_two_documents_of_one_server_have_no_turn(office, passwords):
    folder = office.folder / "twins"
    folder.mkdir()
    here = f"spec:\n  homeserver: {{url: '{office.server.url}'}}\n"
    for name in ("one", "two"):
        (folder / f"{name}.yaml").write_text(office.document.read_text().replace("spec:\n", here, 1))
    line = [ALPHORN, "verify", str(folder), "--token-file", str(office.folder / "token")]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Verified" not in done.stdout
    assert done.stderr.count("one server has one document") == 2
    done = subprocess.run([*line, "--homeserver", office.server.url], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1 and "names one server" in done.stderr
    shutil.rmtree(folder)


def test_a_room_that_poses_as_the_directorys_is_nobody(office, passwords):
    """An administrator of a room writes the state, and even the create event, of a managed one."""
    call, mine = office.server.call, office.server.log_in("anna", passwords["anna"])
    mark, people = "dev.alphorn.directory.room", "dev.alphorn.directory.people"
    lie = {"@beat:acme.example": "0123456789abcdef 1"}
    for key in ("lounge", "alphorn-directory"):
        room = call("POST", "/_matrix/client/v3/createRoom", {
            "creation_content": {mark: key}, "invite": ["@alphorn:acme.example"],
            "initial_state": [{"type": mark, "state_key": "", "content": {"key": key}},
                              {"type": people, "state_key": "a", "content": lie}]}, token=mine)[1]
        call("POST", f"/_matrix/client/v3/join/{room['room_id']}", {}, token=office.server.token)
    office.write(company())
    assert office.apply()["writes"] == 0
    assert not locked(office, "beat")


def test_somebody_in_the_directorys_own_room_stops_it(office, passwords):
    call, token = office.server.call, office.server.token
    room = office.id_of("alphorn-directory")
    call("POST", f"/_synapse/admin/v1/join/{room}", {"user_id": "@beat:acme.example"}, token=token)
    office.run("verify", code=1)
    assert "@beat:acme.example is in the directory's own room" in office.said[-1]
    call("POST", f"/_matrix/client/v3/rooms/{room}/kick", {"user_id": "@beat:acme.example"},
         token=token)
    office.run("verify")


def test_an_alias_of_somebody_elses_room_is_left_to_it(office, passwords):
    mine = office.server.log_in("beat", passwords["beat"])
    room = office.server.call("POST", "/_matrix/client/v3/createRoom", {"room_alias_name": "attic"},
                              token=mine)[1]["room_id"]
    spec = company()
    spec["rooms"] = [{"key": "attic"}]
    office.write(spec)
    report = office.apply(code=1)
    assert "#attic:acme.example belongs to a room that is not" in report["failures"][0]["error"]
    assert office.id_of("attic") == room


def test_an_account_that_comes_meanwhile_keeps_its_password(office, passwords):
    office.write(company([*EVERYBODY, "emil"]))
    run = Terminal(*office.command("apply"))
    run.read_until("Do this?")
    office.server.call("PUT", "/_synapse/admin/v2/users/%40emil%3Aacme.example",
                       {"password": "chosen by hand"}, token=office.server.token, expect=201)
    run.say("yes")
    assert run.code() == 1
    assert "keeps its password" in office.report()["failures"][0]["error"]
    assert "emil" not in office.passwords()
    assert office.server.log_in("emil", "chosen by hand")
    assert office.apply()["result"] == "done"
    assert office.server.log_in("emil", "chosen by hand")


def test_links_and_addresses_of_ones_own_stay(office, passwords):
    """An account that was there, with a login at a provider that the document says nothing of."""
    call, token = office.server.call, office.server.token
    own = {"auth_provider": "oidc-elsewhere", "external_id": "frida-7"}
    call("PUT", "/_synapse/admin/v2/users/%40frida%3Aacme.example",
         {"external_ids": [own], "threepids": [{"medium": "msisdn", "address": "41791234567"},
                                               {"medium": "email", "address": "old@acme.example"}]},
         token=token, expect=201)
    spec = company([*EVERYBODY, "emil"])
    spec["employees"]["people"].append({"localpart": "frida", "email": "frida@acme.example"})
    office.write(spec)
    office.apply()
    there = call("GET", "/_synapse/admin/v2/users/%40frida%3Aacme.example", token=token)[1]
    assert there["external_ids"] == [own]
    assert {(one["medium"], one["address"]) for one in there["threepids"]} == {
        ("msisdn", "41791234567"), ("email", "frida@acme.example")}
    assert office.apply()["writes"] == 0


def test_a_key_that_nobody_can_open_stops_a_run_before_it_begins(office, passwords):
    office.write(company(["anna", "beat", "carla", "emil", "fanny"]))
    office.run("apply", "--recipient", "age1qqqq", code=1)
    assert not locked(office, "dora")


def test_what_the_document_says_no_more_is_taken_back(office, passwords):
    assert state_of(office, "lounge", "m.room.topic")["topic"] == "Coffee"
    assert state_of(office, "lounge", "m.room.power_levels")["invite"] == 0
    spec = company([*EVERYBODY, "emil"])
    for field in ("topic", "retention", "powerLevels"):
        del spec["spaces"][0]["rooms"][0][field]
    # It moves to another space as well.
    spec["spaces"].append({"key": "club", "rooms": spec["spaces"][0].pop("rooms")})
    office.write(spec)
    office.apply()
    assert state_of(office, "lounge", "m.room.topic")["topic"] == ""
    assert state_of(office, "lounge", "m.room.retention") == {}
    assert state_of(office, "lounge", "m.room.power_levels")["invite"] == 50
    lounge = office.server.call("GET", f"/_synapse/admin/v1/rooms/{office.id_of('lounge')}/state",
                                token=office.server.token)[1]["state"]
    parents = {event["state_key"]: event["content"] for event in lounge
               if event["type"] == "m.space.parent"}
    assert parents[office.id_of("acme")] == {} and parents[office.id_of("club")]["canonical"]
    assert office.apply()["writes"] == 0


@pytest.mark.parametrize("key,version", [("acme", "11"), ("lounge", "10")])
def test_before_version_12_an_administrator_who_leaves_is_removed(office, passwords, key, version):
    assert state_of(office, key, "m.room.create")["room_version"] == version
    # The first of them changes it for both.
    spec = company([who for who in [*EVERYBODY, "emil"] if who != "anna"])
    spec["spaces"][0] |= {"administrators": ["beat"]}
    office.write(spec)
    office.apply()
    assert locked(office, "anna")
    users = state_of(office, key, "m.room.power_levels")["users"]
    assert "@anna:acme.example" not in users and users["@beat:acme.example"] == 100
    members = office.server.call("GET", f"/_synapse/admin/v1/rooms/{office.id_of(key)}/members",
                                 token=office.server.token)[1]["members"]
    assert "@anna:acme.example" not in members and "@beat:acme.example" in members


def test_a_leaver_who_was_unlocked_is_locked_again(office, passwords):
    office.server.call("PUT", "/_synapse/admin/v2/users/%40anna%3Aacme.example", {"locked": False},
                       token=office.server.token)
    assert office.apply()["done"] == {"lockAccount": 1}
    assert locked(office, "anna")


def test_who_was_made_by_a_killed_run_and_left_meanwhile_is_locked(office, passwords):
    """A run writes who is new into its memory, makes the account, and dies there."""
    call, token = office.server.call, office.server.token
    call("PUT", "/_synapse/admin/v2/users/%40gina%3Aacme.example", {}, token=token, expect=201)
    call("PUT", f"/_matrix/client/v3/rooms/{office.id_of('alphorn-directory')}/state/"
                "dev.alphorn.directory.people/new-0", {"@gina:acme.example": ""}, token=token)
    assert office.apply()["done"] == {"lockAccount": 1}
    assert locked(office, "gina")
    assert office.apply()["writes"] == 0


def test_an_erasure_is_repeated_where_a_backup_undoes_it(office, passwords):
    spec = company([who for who in [*EVERYBODY, "emil"] if who != "anna"])
    spec["spaces"][0] |= {"administrators": ["beat"]}
    spec["leavers"] |= {"then": "erase", "coolDown": "1s"}
    office.write(spec)
    time.sleep(1.1)
    assert office.apply()["done"] == {"eraseAccount": 3}
    noted = (office.state / "erasures.jsonl").read_text()
    assert noted.count("\n") == 3 and "anna" not in noted
    # An erased account that is there again, as after a restore; Synapse gives none back by itself.
    office.server.call("PUT", "/_synapse/admin/v2/users/%40hugo%3Aacme.example", {},
                       token=office.server.token, expect=201)
    line = json.dumps({"account": hashlib.sha256(b"@hugo:acme.example").hexdigest()})
    (office.state / "erasures.jsonl").write_text(noted + line + "\n")
    assert office.apply()["writes"] == 0, "he was made by hand and is not the erased one"
    office.server.call("PUT", f"/_matrix/client/v3/rooms/{office.id_of('alphorn-directory')}/state/"
                              "dev.alphorn.directory.people/new-0", {"@hugo:acme.example": ""},
                       token=office.server.token)
    assert office.apply()["done"] == {"eraseAccount": 1}
    assert office.apply()["writes"] == 0


def test_a_version_that_the_document_changes_is_noted(office, passwords):
    text = office.document.read_text()
    office.document.write_text(re.sub("version: '1[01]'", "version: '12'", text))
    report = office.apply()
    assert report["writes"] == 0
    assert "room acme has version 11, which cannot change to 12" in report["notes"]


def test_a_key_with_a_passphrase_opens_sheets(office, passwords):
    key = office.folder / "locked-key"
    lock = Terminal("age", "--passphrase", "-o", str(key), str(office.folder / "key"))
    lock.read_until("Enter passphrase")
    lock.say("correct horse")
    lock.read_until("Confirm passphrase")
    lock.say("correct horse")
    assert lock.code() == 0
    target = office.folder / "by-passphrase"
    part = sorted(office.state.glob("credentials-*.tar.age"))[0]
    run = Terminal(ALPHORN, "sheets", "open", str(part), "--identity", str(key), "-o", str(target))
    run.read_until("Enter passphrase")
    run.say("correct horse")
    assert run.code() == 0
    assert (target / "credentials.csv").stat().st_mode & 0o777 == 0o600
