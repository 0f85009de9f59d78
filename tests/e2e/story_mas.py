"""Matrix Authentication Service, whose image is in no package registry: told when somebody put it into
playground/images.d before ./dev up."""

import json

import pytest

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


def test_it_comes_back_as_it_was(company):
    company.change(hibernated=True)
    company.wait_for("Ready", "False", "Hibernated")
    company.change(hibernated=False)
    company.wait_ready()
    matrix.administrator_of(company)
