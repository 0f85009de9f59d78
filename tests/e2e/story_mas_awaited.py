"""A company whose accounts Matrix Authentication Service is to keep, where nobody offers its image yet:
everything around it is real and waits for it. What it does itself is told by the story mas."""

import json

import pytest
import yaml

from support import kubectl as k
from support import matrix

KEYS = {"encryption", "rsa.pem", "pepper", "homeserver", "operator"}
NOT_THERE = 502


@pytest.fixture(scope="module")
def company(offices):
    values = json.loads(k.dev("helm", "get", "values", "alphorn", "--namespace", k.SYSTEM,
                              "--all", "--output", "json"))
    if values["images"].get("mas"):
        pytest.skip("its image is offered here")
    company = offices.company("waiting")
    company.found(authentication={"mas": {"enabled": True}})
    return company


def anybody(company, host):
    contact = company.contact()
    return matrix.Client(contact["address"].replace("matrix.", host + ".", 1), contact["caFile"])


def psql(company, user, password, statement):
    """Over the network as programs do; the password goes over standard input."""
    script = (f"read -r PGPASSWORD; export PGPASSWORD; psql --no-psqlrc -h 127.0.0.1 -d mas "
              f"-U {user} -At")
    return k.kubectl("exec", "-i", "-n", company.namespace, f"{company.name}-database-0", "-c",
                     "postgres", "--", "sh", "-c", script, stdin=f"{password}\n{statement}").strip()


def test_what_is_missing_is_named(company):
    said = company.wait_for("MasReady", "False", "NoImage")
    assert "images.mas" in said["message"]
    company.wait_for("GatewayReady", "True")
    company.expect("HomeserverReady", "True")
    company.expect("AdministratorReady", "False", "Waiting", "mas")


def test_the_homeserver_asks_it_and_has_no_logins_of_its_own(company):
    status, _ = company.from_inside("POST", "/_matrix/client/v3/login", "", body={})
    assert status == 404, "Synapse itself lets people log in"
    status, said = company.from_inside("GET", "/_matrix/client/v3/account/whoami", "token")
    assert status == 503, f"who is there to say whose a token is? {said}"


def test_logins_are_led_to_it(company):
    clients = anybody(company, "matrix")
    for path in ("login", "logout", "logout/all", "refresh", "login/sso/redirect"):
        assert clients.send("GET", f"/_matrix/client/v3/{path}").status_code == NOT_THERE, path
    assert clients.send("GET", "/_matrix/client/versions").status_code == 200
    assert clients.send("POST", "/_synapse/mas/provision_user", json={}).status_code == 403


def test_its_pages_have_a_host_of_their_own(company):
    pages = anybody(company, "account").send("GET", "/login")
    assert pages.status_code == NOT_THERE and "Logging in is not possible" in pages.text
    document = anybody(company, "matrix").call("GET", "/.well-known/matrix/client")
    assert document["org.matrix.msc2965.authentication"]["issuer"].startswith("https://account.")


def test_a_database_of_its_own_awaits_it(company):
    keys = company.secret("mas-keys")
    assert set(keys) == KEYS and len(bytes.fromhex(keys["encryption"].decode())) == 32
    assert keys["rsa.pem"].startswith(b"-----BEGIN PRIVATE KEY-----")
    login = company.secret("database-login")
    password = yaml.safe_load(login["mas.yaml"])["database"]["password"]
    owner = psql(company, "mas", password,
                 "SELECT datcollate, pg_get_userbyid(datdba) FROM pg_database WHERE datname = "
                 "current_database(); CREATE TABLE probe (one int); DROP TABLE probe;")
    assert owner.splitlines()[0] == "C|mas"


def test_the_accounts_cannot_go_back(company):
    with pytest.raises(k.CommandFailed) as refused:
        company.change(authentication={"mas": {"enabled": False}})
    assert "authentication.mas.enabled cannot be changed" in refused.value.text
    company.dissolve()
    company.found()
    said = company.wait_for("AuthenticationReady", "False", "AccountsByMas")
    assert "mas-keys" in said["message"]
    company.wait_for("DatabaseReady", "True")
    company.expect("HomeserverReady", "False", "Waiting", "authentication")
