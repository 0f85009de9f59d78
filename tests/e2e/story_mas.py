"""Matrix Authentication Service, whose image is in no package registry: told when somebody put it into
playground/images.d before ./dev up."""

import csv
import json
import os
import subprocess

import pytest
import yaml

from support import kubectl as k
from support import matrix
from support.archive import image_in

ARCHIVE = k.ROOT / "playground" / "images.d" / "mas.tar"
UNTIL_UPGRADED = 180
AUTH_METADATA = "/_matrix/client/v1/auth_metadata"
REGISTERED = {"client_name": "Alphorn's stories", "client_uri": "https://stories.example/",
              "redirect_uris": ["https://stories.example/back"], "token_endpoint_auth_method": "none",
              "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"]}

pytestmark = pytest.mark.skipif(not ARCHIVE.is_file(), reason=f"there is no {ARCHIVE.name}")


def offer(image):
    k.dev("helm", "upgrade", "alphorn", str(k.ROOT / "charts" / "alphorn"), "--namespace", k.SYSTEM,
          "--reuse-values", "--set", f"images.mas={image}", "--wait", timeout=UNTIL_UPGRADED)


@pytest.fixture(scope="module")
def company(offices):
    company = offices.company("accounts")
    offer("")
    yield company
    offer("")


def anybody(company, host=None):
    contact = company.contact()
    address = contact["address"]
    if host:
        address = address.replace("matrix.", host + ".", 1)
    return matrix.Client(address, contact["caFile"])


def test_without_an_image_it_is_not_offered(company):
    company.found(authentication={"mas": {"enabled": True}})
    said = company.wait_for("MasReady", "False", "NoImage")
    assert "images.mas" in said["message"]


def test_with_its_image_the_company_serves(company):
    offer(image_in(ARCHIVE))
    company.wait_ready()


def test_an_app_learns_where_to_log_in(company):
    metadata = anybody(company).call("GET", AUTH_METADATA)
    assert metadata["issuer"].startswith("https://account.")
    pages = anybody(company, "account")
    assert pages.call("GET", "/.well-known/openid-configuration")["issuer"] == metadata["issuer"]
    assert pages.send("GET", "/login").status_code == 200
    client = pages.call("POST", "/oauth2/registration", json=REGISTERED)
    assert client["client_id"]


def test_the_administrator_logs_in_by_password_in_an_app_of_yesterday(company):
    administrator = matrix.administrator_of(company)
    who = administrator.call("GET", "/_matrix/client/v3/account/whoami")
    assert who["user_id"] == company.contact()["adminUser"]
    room = administrator.create_room(name="Accounts")
    assert administrator.state(room, "m.room.name")["name"] == "Accounts"
    assert administrator.send("POST", "/_matrix/client/v3/logout", json={}).ok
    assert administrator.send("GET", "/_matrix/client/v3/account/whoami").status_code == 401


def test_what_is_for_the_operator_is_open_to_nobody_else(company):
    assert anybody(company, "account").send("GET", "/api/admin/v1/users").status_code == 404
    assert anybody(company).send("POST", "/_synapse/mas/provision_user", json={}).status_code == 403
    for (kind, name), item in company.children().items():
        if kind != "Secret":
            for secret in company.secret("mas-keys").values():
                assert secret.decode() not in json.dumps(item), f"{kind} {name} holds a secret"


@pytest.fixture(scope="module")
def directory(company, tmp_path_factory):
    """A company's document, and the command that brings it to this very server."""
    folder = tmp_path_factory.mktemp("directory")
    contact = company.contact()
    server_name = company.resource()["spec"]["serverName"]
    (pod,) = [one for one in company.pods()
              if one["metadata"]["labels"]["app.kubernetes.io/name"] == "mas"]
    descriptor = os.open(folder / "mas.secret", os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(company.secret("mas-keys")["operator"])
    made = subprocess.run(["age-keygen", "-o", str(folder / "key")], capture_output=True, text=True,
                          check=True)
    (folder / "company.yaml").write_text(yaml.safe_dump({
        "apiVersion": "alphorn.dev/v1alpha1", "kind": "CompanyDirectory",
        "metadata": {"name": "accounts"},
        "spec": {"serverName": server_name,
                 "employees": {"people": [{"localpart": "anna", "displayName": "Anna"},
                                          {"localpart": "ben", "displayName": "Ben"}]}}}))

    def run(verb, *arguments):
        # The node may always knock at its own pods.
        line = [str(k.ROOT / "build" / "dev" / "provisioner" / "alphorn"), verb,
                str(folder / "company.yaml"), "--homeserver", contact["address"],
                "--ca-file", contact["caFile"], "--account", "admin",
                "--mas", f"http://{pod['status']['podIP']}:8081",
                "--mas-client-secret-file", str(folder / "mas.secret"), *arguments]
        done = subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=UNTIL_UPGRADED, check=False)
        assert done.returncode == 0, f"{verb} ends with {done.returncode}: {done.stderr[-2000:]}"

    def apply():
        run("apply", "--state", str(folder), "--recipient", made.stderr.split()[-1])
        return json.loads((folder / f"{server_name}.alphorn" / "report.json").read_text())

    def passwords():
        subprocess.run([str(k.ROOT / "build" / "dev" / "provisioner" / "alphorn"), "sheets", "open",
                        str(folder / f"{server_name}.alphorn"), "--identity", str(folder / "key"),
                        "--output", str(folder / "opened")], check=True, capture_output=True)
        with open(folder / "opened" / "credentials.csv", encoding="utf-8", newline="") as file:
            return {row["user id"][1:].split(":")[0]: row["first password"]
                    for row in csv.DictReader(file)}
    return apply, passwords


def test_a_directory_gives_people_accounts_there(company, directory):
    apply, passwords = directory
    assert apply()["writes"] > 0
    for localpart, password in passwords().items():
        person = anybody(company)
        person.login(localpart, password)
        assert person.user.startswith(f"@{localpart}:")
    assert apply()["writes"] == 0


def test_it_comes_back_as_it_was(company):
    company.change(hibernated=True)
    company.wait_for("Ready", "False", "Hibernated")
    company.change(hibernated=False)
    company.wait_ready()
    matrix.administrator_of(company)
