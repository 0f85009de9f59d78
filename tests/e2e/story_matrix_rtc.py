"""lk-jwt-service, whose image is in no package registry: told when somebody put it into
playground/images.d before ./dev up. People of Matrix get into calls of several."""

import base64
import json
import secrets

import pytest

from support import call
from support import kubectl as k
from support import matrix
from support.archive import image_in

ARCHIVE = k.ROOT / "playground" / "images.d" / "lk-jwt-service.tar"
UNTIL_UPGRADED = 180
# The network that the playground's node answers on: its name service sends every company there.
NODE = "10.250.0.1/32"
PORTS = {"host": 30061, "guest": 30062}
TRANSPORTS = "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports"

pytestmark = [pytest.mark.skipif(not ARCHIVE.is_file(), reason=f"there is no {ARCHIVE.name}"),
              pytest.mark.usefixtures("alone")]


def offer(image):
    k.dev("helm", "upgrade", "alphorn", str(k.ROOT / "charts" / "alphorn"), "--namespace", k.SYSTEM,
          "--reuse-values", "--set", f"images.lkJwtService={image}", "--wait", timeout=UNTIL_UPGRADED)


def server_name(company):
    return f"{company.name}.{company.namespace}.example:{PORTS[company.name]}"


@pytest.fixture(scope="module")
def companies(offices):
    """Two that know each other: calls are the first one's."""
    offer(image_in(ARCHIVE))
    host, guest = offices.company("host"), offices.company("guest")
    for one, other in ((host, guest), (guest, host)):
        one.found(serverName=server_name(one), calls={"enabled": one is host},
                  exposure={"mode": "nodePort", "nodePort": PORTS[one.name]},
                  federation={"mode": "allowlist", "allow": [server_name(other)], "privateNetworks": [NODE]})
    host.wait_ready()
    guest.wait_ready()
    yield host, guest
    offer("")


@pytest.fixture(scope="module")
def employee(companies):
    return matrix.administrator_of(companies[0])


def service(company):
    contact = company.contact()
    return matrix.Client(contact["address"].replace("matrix.", "rtc.", 1), contact["caFile"])


def openid_token(person):
    return person.call("POST", f"/_matrix/client/v3/user/{person.user}/openid/request_token", json={})


def wish(person, room, token):
    return {"room_id": room, "slot_id": "m.call#ROOM", "openid_token": token,
            "member": {"id": "story", "claimed_user_id": person.user, "claimed_device_id": "STORY"}}


def grants_of(jwt):
    part = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["video"]


def test_it_is_all_offered(companies):
    companies[0].expect("CallsReady", "True", "Ready")


def test_clients_and_homeserver_say_the_same(companies, employee):
    told = employee.call("GET", "/.well-known/matrix/client")["org.matrix.msc4143.rtc_foci"]
    assert told == employee.call("GET", TRANSPORTS)["rtc_transports"]
    assert told == [{"type": "livekit", "livekit_service_url": service(companies[0]).address}]


def test_two_employees_hear_each_other(companies, employee):
    host = companies[0]
    room = employee.create_room(name="Standup")
    given = []
    for member in ("speaker", "listener"):
        asked = wish(employee, room, openid_token(employee))
        asked["member"]["id"] = member
        given.append(service(host).call("POST", "/get_token", json=asked))
    url = service(host).address.replace("https", "wss", 1)
    assert {one["url"] for one in given} == {url}
    heard = call.converse(url, host.contact()["caFile"], given[0]["jwt"], given[1]["jwt"])
    assert heard["frames"] >= 100, heard


def test_apps_of_yesterday_get_in_as_well(companies, employee):
    asked = {"room": "!yesterday:" + employee.user.split(":", 1)[1], "device_id": "STORY",
             "openid_token": openid_token(employee)}
    assert grants_of(service(companies[0]).call("POST", "/sfu/get", json=asked)["jwt"])["roomJoin"]


def test_a_made_up_token_opens_nothing(companies, employee):
    token = {**openid_token(employee), "access_token": secrets.token_hex(16)}
    answer = service(companies[0]).send("POST", "/get_token", json=wish(employee, "!any:where", token))
    assert answer.status_code in (401, 403), answer.text


def test_somebody_of_another_company_opens_no_call(companies):
    """They get a token all the same, for calls that somebody of this company has begun."""
    host, guest = companies
    person = matrix.administrator_of(guest)
    room = "!" + secrets.token_hex(8) + ":nowhere.example"
    given = service(host).call("POST", "/get_token", json=wish(person, room, openid_token(person)))
    assert not grants_of(given["jwt"]).get("roomCreate")
    answer = service(host).send("GET", "/rtc/validate", params={"access_token": given["jwt"]})
    assert answer.status_code == 404, f"{answer.status_code} {answer.text}"


def test_browsers_of_any_page_may_ask(companies):
    answer = service(companies[0]).send("OPTIONS", "/get_token", headers={
        "Origin": "https://call.element.io", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type"})
    assert answer.headers.get("Access-Control-Allow-Origin") == "*", answer.headers
