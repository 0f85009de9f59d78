"""People come, go, come back and move; rooms follow."""

import json
import subprocess
import tarfile
import time

import pytest
from conftest import ALPHORN, side_by_side

CAST = {"anna": "Anna Muster", "beat": "Beat Keller", "carla": "Carla Conti", "dora": "Dora Favre"}


def company(people=CAST, **more):
    return {"employees": {"people": [{"localpart": who, "displayName": name}
                                     for who, name in people.items()]},
            "spaces": [{"key": "acme", "name": "Acme", "administrators": ["everyone"],
                        "rooms": [{"key": "lounge", "name": "Lounge"}]}],
            "leavers": {"maxPercent": 50, "coolDown": "1d"}, **more}


def without(*gone):
    return {who: name for who, name in CAST.items() if who not in gone}


def account(office, who):
    return office.server.call("GET", f"/_synapse/admin/v2/users/%40{who}%3Aacme.example",
                              token=office.server.token)[1]


@pytest.fixture(scope="module")
def tokens(office):
    office.write(company())
    office.apply()
    passwords = office.passwords()
    people = sorted(passwords)
    return dict(zip(people, side_by_side(lambda who: office.server.log_in(who, passwords[who]),
                                         people)))


def test_too_many_leavers_are_refused_and_nothing_is_done(office, tokens):
    office.write(company(without("anna", "beat", "carla")))
    report = office.apply(code=1)
    assert report["result"] == "refused" and "--allow-leavers 3" in report["error"]
    assert not account(office, "anna")["locked"]


def test_a_leaver_is_locked_at_once_and_out_of_every_room(office, tokens):
    office.write(company(without("dora")))
    report = office.apply()
    assert report["done"]["lockAccount"] == 1 and report["done"]["remove"] == 2
    status, answer = office.server.call("GET", "/_matrix/client/v3/account/whoami",
                                        token=tokens["dora"], expect=None)
    assert (status, answer["errcode"]) == (401, "M_USER_LOCKED")
    members = office.server.call(
        "GET", f"/_synapse/admin/v1/rooms/{office.id_of('lounge')}/members",
        token=office.server.token)[1]["members"]
    assert "@dora:acme.example" not in members
    assert office.apply()["writes"] == 0


def test_who_comes_back_is_unlocked_and_in_again(office, tokens):
    office.write(company())
    report = office.apply()
    assert report["done"] == {"changeAccount": 1, "join": 2, "setState": 2}
    assert not account(office, "dora")["locked"]
    assert office.server.call("GET", "/_matrix/client/v3/account/whoami",
                              token=tokens["dora"])[0] == 200


def test_after_the_cool_down_the_account_ends(office, tokens):
    office.write(company(without("dora"), leavers={"maxPercent": 50, "coolDown": "1s"}))
    assert office.apply()["done"]["lockAccount"] == 1
    time.sleep(1.1)
    assert office.apply()["done"] == {"deactivateAccount": 1}
    assert account(office, "dora")["deactivated"]
    assert office.apply()["writes"] == 0


def test_a_deactivated_account_is_not_taken_for_a_new_one(office, tokens):
    office.write(company())
    report = office.apply()
    assert not report["done"], report
    assert "@dora:acme.example was deactivated" in report["notes"][0]


def test_a_space_goes_to_its_deputy(office, tokens):
    spec = company(without("anna", "dora"))
    spec["spaces"][0] |= {"administrators": ["beat"], "deputies": ["carla"]}
    office.write(spec)
    office.apply()
    spec = company(without("anna", "beat", "dora"))
    spec["spaces"][0] |= {"administrators": [], "deputies": ["carla"]}
    office.write(spec)
    office.apply("--allow-leavers", "1")
    room = office.id_of("acme")
    levels = office.server.call(
        "GET", f"/_matrix/client/v3/rooms/{room}/state/m.room.power_levels/",
        token=office.server.token)[1]["users"]
    assert levels == {"@carla:acme.example": 100}


def test_a_name_that_changed_is_changed(office, tokens):
    spec = company({"carla": "Carla Rossi"})
    office.write(spec)
    assert office.apply()["done"]["changeAccount"] == 1
    assert account(office, "carla")["displayname"] == "Carla Rossi"


def test_what_was_changed_by_hand_is_as_the_document_says_again(office, tokens):
    room = office.id_of("lounge")
    for kind, content in (("m.room.name", {"name": "Mine"}),
                          ("m.room.join_rules", {"join_rule": "public"})):
        office.server.call("PUT", f"/_matrix/client/v3/rooms/{room}/state/{kind}/", content,
                           token=office.server.token)
    assert office.apply()["done"] == {"setState": 2}
    assert office.apply()["writes"] == 0


def test_one_company_that_fails_does_not_keep_the_others_from_their_turn(office, tokens):
    folder = office.folder / "companies"
    folder.mkdir()
    (folder / "1-broken.yaml").write_text("kind: CompanyDirectory\n")
    good = office.document.read_text()
    away = "spec:\n  homeserver: {url: 'http://127.0.0.1:9'}\n"
    (folder / "2-away.yaml").write_text(
        good.replace("spec:\n", away).replace("acme.example", "away.example"))
    here = f"spec:\n  homeserver: {{url: '{office.server.url}'}}\n"
    (folder / "3-good.yaml").write_text(good.replace("spec:\n", here))
    done = subprocess.run([ALPHORN, "verify", str(folder), "--token-file",
                           str(office.folder / "token")], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1-broken.yaml:1:1: apiVersion is missing" in done.stderr
    assert "2-away.yaml: " in done.stderr
    assert "Verified: 1 accounts" in done.stdout.split("3-good.yaml")[1]


def test_a_persons_data_is_bundled(office, tokens):
    token = tokens["carla"]
    room = office.id_of("lounge")
    office.server.call("PUT", f"/_matrix/client/v3/rooms/{room}/send/m.room.message/1",
                       {"msgtype": "m.text", "body": "hello"}, token=token)
    archive = office.folder / "carla.tar"
    subprocess.run([ALPHORN, "export", "@carla:acme.example", "-o", str(archive), "--homeserver",
                    office.server.url, "--token-file", str(office.folder / "token"),
                    "--synapse-export", office.server.export("@carla:acme.example")], check=True)
    assert archive.stat().st_mode & 0o777 == 0o600
    with tarfile.open(archive) as files:
        names = files.getnames()
        sent = [name for name in names if name.startswith("messages-")]
        assert {"account.json", "devices.json", "sessions.json", "memberships.json",
                "media.json", "synapse/user_data/profile"} <= set(names)
        assert f"synapse/rooms/{room}/events" in names
        events = [event for name in sent for event in json.load(files.extractfile(name))]
    assert [event["content"]["body"] for event in events
            if event["type"] == "m.room.message"] == ["hello"]
