"""A directory whose accounts Matrix Authentication Service keeps. Synapse is real and leaves the accounts
to it; the service is a stand-in (tests/support/mas_stand_in.py)."""
import json
import subprocess
import tarfile
import time

import pytest
import yaml
from conftest import ALPHORN, Office
from mas_stand_in import CLIENT, CLIENT_SECRET, MasStandIn
from synapse import SYNAPSE_USER, Synapse


class DelegatingSynapse(Synapse):
    def __init__(self, mas):
        super().__init__()
        self.mas = mas

    def configure(self):
        super().configure()
        path = self.folder_for("synapse", SYNAPSE_USER, "data") / "homeserver.yaml"
        config = yaml.safe_load(path.read_text())
        for name in ("password_config", "registration_shared_secret", "session_lifetime",
                     "refreshable_access_token_lifetime", "nonrefreshable_access_token_lifetime",
                     "refresh_token_lifetime", "login_via_existing_session"):
            config.pop(name, None)
        config["enable_3pid_changes"] = False
        config["matrix_authentication_service"] = {"enabled": True, "endpoint": self.mas.url,
                                                   "secret": self.mas.secret}
        path.write_text(yaml.safe_dump(config))
        self.mas.homeserver = self.url

    def register_administrator(self):
        self.mas.make({"username": "admin"})
        self.token = ""


class MasOffice(Office):
    def __init__(self, folder, server):
        super().__init__(folder, server)
        self.mas = server.mas
        (folder / "mas.secret").write_text(CLIENT_SECRET)

    def command(self, verb, *arguments):
        line = [*super().command(verb, *arguments), "--mas", self.mas.url,
                "--mas-client-secret-file", str(self.folder / "mas.secret")]
        at = line.index("--token-file")
        return line[:at] + line[at + 2:]

    def account(self, localpart):
        return self.mas.users[self.mas.named(localpart)]


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    with MasStandIn() as mas, DelegatingSynapse(mas) as server:
        yield MasOffice(tmp_path_factory.mktemp("office"), server)


def company(people, **more):
    return {"authentication": {"identityProvider": "oidc-acme"},
            "employees": {"people": people}, "leavers": {"coolDown": "1s", "maxPercent": 100},
            "spaces": [{"key": "acme", "name": "Acme",
                        "rooms": [{"key": "lounge", "name": "Lounge"}]}], **more}


ANNA = {"localpart": "anna", "displayName": "Anna Muster", "email": "anna@acme.example",
        "externalId": "4711"}
BEAT = {"localpart": "beat", "displayName": "Beat Keller", "admin": True}
ANNA_WEBER = {**ANNA, "displayName": "Anna Weber", "email": "weber@acme.example",
              "externalId": "4712"}
BEAT_WITHOUT_RIGHTS = {**BEAT, "admin": False}
BOB = {"localpart": "bob", "displayName": "Bob Meier"}


def test_a_company_comes_to_a_server_whose_accounts_are_kept_elsewhere(office):
    office.mas.tell("provision_user", {"localpart": "bob", "set_displayname": "bob (bridged)"})
    office.write(company([ANNA, BEAT, BOB]))
    assert "createAccount" in office.run("plan", "-o", "json", code=2)
    report = office.apply("-y")
    assert report["result"] == "done" and report["done"]["createAccount"] == 3, report
    passwords = office.passwords()
    for localpart in ("anna", "beat", "bob"):
        assert office.account(localpart)["password"] == passwords[localpart]
    assert [office.account(name)["admin"] for name in ("anna", "beat", "bob")] == [False, True, False]
    assert [mail["email"] for mail in office.mas.emails.values()] == ["anna@acme.example"]
    assert [link["subject"] for link in office.mas.links.values()] == ["4711"]
    office.run("verify")


def test_every_session_was_given_back(office):
    assert office.mas.sessions
    assert all(session["revoked"] for session in office.mas.sessions.values())


def test_who_changes_is_changed_where_it_counts(office):
    office.write(company([ANNA_WEBER, BEAT_WITHOUT_RIGHTS, BOB]))
    office.apply("-y")
    assert [mail["email"] for mail in office.mas.emails.values()] == ["weber@acme.example"]
    assert [link["subject"] for link in office.mas.links.values()] == ["4712"]
    assert office.account("beat")["admin"] is False
    office.run("verify")


def test_who_comes_back_is_let_in_again(office):
    stays = {"leavers": {"coolDown": "1d", "maxPercent": 100}}
    office.write(company([ANNA_WEBER, BEAT_WITHOUT_RIGHTS], **stays))
    assert office.apply("-y")["done"]["lockAccount"] == 1
    assert office.account("bob")["locked_at"]
    office.write(company([ANNA_WEBER, BEAT_WITHOUT_RIGHTS, BOB], **stays))
    assert office.apply("-y")["done"]["changeAccount"] == 1
    assert not office.account("bob")["locked_at"]
    office.run("verify")


def test_what_a_killed_run_may_have_left_without_a_password_is_named(office):
    (office.state / "journal.jsonl").write_text('{"asked": "@bob:acme.example"}\n')
    notes = office.apply("-y")["notes"]
    assert any("@bob:acme.example" in note and "no password" in note for note in notes), notes
    assert office.apply("-y")["notes"] == []


def test_a_leaver_is_locked_and_then_deactivated_but_not_erased(office):
    office.write(company([ANNA_WEBER, BEAT_WITHOUT_RIGHTS]))
    assert office.apply("-y")["done"]["lockAccount"] == 1
    assert office.account("bob")["locked_at"] and not office.account("bob")["deactivated_at"]
    time.sleep(1.1)
    assert office.apply("-y")["done"]["deactivateAccount"] == 1
    assert office.account("bob")["erased"] is False
    office.run("verify")


def test_where_no_passwords_are_taken_nothing_is_made(office):
    office.mas.passwords = False
    office.write(company([ANNA_WEBER, BEAT_WITHOUT_RIGHTS, {"localpart": "dora", "displayName": "Dora Frei"}]))
    report = office.apply("-y", code=1)
    assert "takes no passwords" in report["failures"][0]["error"]
    assert not any(user["username"] == "dora" for user in office.mas.users.values())
    office.mas.passwords = True
    assert office.apply("-y")["done"]["createAccount"] == 1
    assert office.account("dora")["password"] == office.passwords()["dora"]
    assert all(session["revoked"] for session in office.mas.sessions.values())


def test_what_the_service_knows_is_exported(office):
    target = office.folder / "anna.tar"
    line = office.command("export")
    line[2] = "@anna:acme.example"
    subprocess.run([*line, "-o", str(target)], check=True)
    with tarfile.open(target) as archive:
        account = json.load(archive.extractfile("mas-account.json"))
        assert "account.json" in archive.getnames()
    assert account["attributes"]["username"] == "anna"


def test_a_wrong_secret_is_said_of_the_option_that_mends_it(office):
    (office.folder / "other.secret").write_text("another")
    line = office.command("plan", "--mas-client-secret-file", str(office.folder / "other.secret"))
    line.remove("--mas-client-secret-file")
    line.remove(str(office.folder / "mas.secret"))
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "--mas-client-secret-file" in done.stderr
    assert "another" not in done.stderr


@pytest.mark.parametrize("how", ["--token-file", "--password-file"])
def test_who_does_not_say_where_the_accounts_are_is_stopped(office, how):
    (office.folder / "any").write_text("any")
    done = subprocess.run([ALPHORN, "plan", str(office.document), "--homeserver", office.server.url,
                           how, str(office.folder / "any")], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1 and "kept by Matrix Authentication Service" in done.stderr


def test_the_document_says_where_everything_is(office):
    spec = yaml.safe_load(office.document.read_text())["spec"]
    spec["homeserver"] = {"url": office.server.url, "authenticationService": {
        "url": office.mas.url, "clientId": CLIENT, "clientSecretFile": "mas.secret"}}
    office.write(spec)
    done = subprocess.run([ALPHORN, "verify", str(office.document)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
