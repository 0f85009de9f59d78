"""People of a company call one another: through its own LiveKit and its own coturn, and nobody else's."""

import json

import pytest
import requests

from support import call
from support import kubectl as k
from support import matrix
from support.waiting import wait_until

NODE = "10.250.0.1"
ROOM = "standup"
WHO_IS_THIS = "/_matrix/client/v3/voip/turnServer"
TRANSPORTS = "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports"
UNTIL_STOPPED = 120
UNTIL_RELAYED = 30


@pytest.fixture(scope="module")
def company(offices):
    company = offices.company("talk")
    company.found(calls={"enabled": True})
    company.wait_ready()
    return company


@pytest.fixture(scope="module")
def secret(company):
    return company.secret("calls-keys")["livekit"]


def rtc(company):
    return company.contact()["address"].replace("matrix.", "rtc.", 1)


def web_socket(company):
    return rtc(company).replace("https", "wss", 1)


def node_port(company, service, name):
    ports = k.get("service", f"{company.name}-{service}", company.namespace)["spec"]["ports"]
    (port,) = [port["nodePort"] for port in ports if port["name"] == name]
    return port


@pytest.fixture(scope="module")
def room(company, secret):
    """Opened from inside, as lk-jwt-service would: outside nobody can."""
    inside = k.get("service", f"{company.name}-livekit", company.namespace)["spec"]["clusterIP"]
    path = "/twirp/livekit.RoomService/CreateRoom"
    headers = {"Authorization": "Bearer " + call.token(secret, "story", roomCreate=True)}
    answer = requests.post(f"http://{inside}:7880{path}", json={"name": ROOM, "empty_timeout": 300},
                           headers=headers, timeout=30)
    assert answer.ok, answer.text
    outside = matrix.Client(rtc(company), company.contact()["caFile"])
    assert outside.send("POST", path, json={"name": "mine"}, headers=headers).status_code == 404
    return ROOM


def guest(secret, who, room=ROOM):
    return call.token(secret, who, roomJoin=True, room=room)


def test_it_says_what_people_can_do(company):
    said = company.expect("CallsReady", "True", "CallsOfTwoOnly")
    assert "images.lkJwtService" in said["message"]


def test_it_says_what_the_firewall_must_let_through(company):
    udp, tcp, turn = (node_port(company, "livekit-media", "udp"), node_port(company, "livekit-media", "tcp"),
                      node_port(company, "turn", "udp"))
    assert company.status()["calls"] == {"address": rtc(company), "media": f"{NODE}:{udp}/udp,{tcp}/tcp",
                                         "turn": f"{NODE}:{turn}/udp,{turn}/tcp"}


def test_two_people_hear_each_other(company, secret, room):
    heard = call.converse(web_socket(company), company.contact()["caFile"],
                          guest(secret, "speaker"), guest(secret, "listener"))
    assert heard["frames"] >= 100, heard
    ways = {(NODE, node_port(company, "livekit-media", "udp")),
            (NODE, node_port(company, "livekit-media", "tcp"))}
    seen = {(address, port) for _, address, port in heard["paths"]}
    assert seen and seen <= ways, f"media went by {seen}, not by {ways}"


def test_a_room_that_nobody_opened_stays_closed(company, secret):
    answer = requests.get(f"{rtc(company)}/rtc/validate", verify=company.contact()["caFile"], timeout=30,
                          params={"access_token": guest(secret, "speaker", "nowhere")})
    assert answer.status_code == 404, answer.text


def test_a_token_that_somebody_else_signed_opens_nothing(company, room):
    answer = requests.get(f"{rtc(company)}/rtc/validate", verify=company.contact()["caFile"], timeout=30,
                          params={"access_token": guest(b"another secret of 32 characters.", "mallory")})
    assert answer.status_code == 401, answer.text


def test_nobody_is_sent_to_servers_of_others(company, secret, room):
    own = f"{NODE}:{node_port(company, 'turn', 'udp')}"
    message = call.first_message(web_socket(company), company.contact()["caFile"], guest(secret, "looker"))
    assert call.ice_servers(message) == [f"stun:{own}"]
    given = matrix.administrator_of(company).call("GET", WHO_IS_THIS)
    assert given["uris"] == [f"turn:{own}?transport=udp", f"turn:{own}?transport=tcp"]


@pytest.mark.parametrize("options", [(), ("-t",)], ids=["udp", "tcp"])
def test_calls_of_two_get_through_by_turn(company, options):
    given = matrix.administrator_of(company).call("GET", WHO_IS_THIS)
    port = node_port(company, "turn", "udp")

    def nothing_is_lost():
        # What comes late, that client counts as lost.
        code, said = call.relay(NODE, port, given["username"], given["password"], *call.BY_EACH_OTHER, *options)
        assert code == 0 and "Total lost packets 0 " in said, said[-2000:]
    wait_until("a call gets through", nothing_is_lost, UNTIL_RELAYED)


def test_turn_refuses_a_wrong_password(company):
    given = matrix.administrator_of(company).call("GET", WHO_IS_THIS)
    code, said = call.relay(NODE, node_port(company, "turn", "udp"), given["username"], "wrong",
                            *call.BY_EACH_OTHER)
    assert code != 0, said[-2000:]


def test_nobody_is_relayed_to_the_neighbours(company):
    inside = k.get("pod", f"{company.name}-homeserver-0", company.namespace)["status"]["podIP"]
    given = matrix.administrator_of(company).call("GET", WHO_IS_THIS)
    code, said = call.relay(NODE, node_port(company, "turn", "udp"), given["username"],
                            given["password"], "-e", inside, "-r", "8008")
    assert code != 0 and "403 (Forbidden IP)" in said, said[-2000:]


def test_what_is_not_offered_is_not_told(company):
    client = matrix.administrator_of(company)
    assert "org.matrix.msc4143.rtc_foci" not in client.call("GET", "/.well-known/matrix/client")
    answer = client.send("GET", TRANSPORTS)
    assert answer.status_code == 404 or not answer.json().get("rtc_transports"), answer.text
    host = matrix.Client(rtc(company), company.contact()["caFile"])
    assert host.send("POST", "/get_token", json={}).status_code == 404


def test_secrets_stay_where_they_are(company):
    values = company.secret("calls-keys")
    for (kind, name), item in company.children().items():
        if kind == "Secret":
            continue
        for value in values.values():
            assert value.decode() not in json.dumps(item), f"{kind} {name} holds a secret"


def test_a_closed_company_passes_nobody_on(company):
    company.change(fenced=True)
    company.wait_for("CallsReady", "True", "Fenced")

    def stopped():
        names = [k.name_of(pod) for pod in company.pods()]
        assert not any("-livekit-" in name or "-turn-" in name for name in names), names
    wait_until("calls are stopped", stopped, UNTIL_STOPPED)
    company.change(fenced=False)
    company.wait_ready()


def test_it_tells_when_media_cannot_come_in(company):
    """An address that is nobody's."""
    company.change(calls={"address": "10.250.0.77"})
    said = company.wait_for("CallsReady", "True", "MediaUnreachable")
    assert "10.250.0.77:" in said["message"]
    company.change(calls={"address": None})
    company.wait_for("CallsReady", "True", "CallsOfTwoOnly")
    company.wait_ready()


def test_without_calls_everything_goes(company):
    company.change(calls={"enabled": False})
    company.wait_ready()

    def gone():
        left = [name for _, name in company.children()
                if any(word in name.removeprefix(company.name) for word in ("livekit", "turn", "calls", "inner"))]
        assert not left, left
    wait_until("nothing of calls is left", gone, UNTIL_STOPPED)
    assert matrix.administrator_of(company).call("GET", WHO_IS_THIS) == {}
