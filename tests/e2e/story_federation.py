"""Two companies that allow each other talk; a closed one hears nobody and is heard by nobody."""

import secrets

import pytest

from support import matrix
from support.waiting import Stopwatch, figure, wait_until

# The network that the playground's node answers on: its name service sends every company there.
NODE = "10.250.0.1/32"
PORTS = {"north": 30021, "south": 30022, "third": 30023}
UNTIL_HEARD = 60
FORBIDDEN = 403


def server_name(company):
    """With a port: other servers then come straight to the node's port."""
    return f"{company.name}.{company.namespace}.example:{PORTS[company.name]}"


def spec_of(company, allowed):
    federation = {"mode": "closed"}
    if allowed:
        federation = {"mode": "allowlist", "allow": [server_name(other) for other in allowed],
                      "privateNetworks": [NODE]}
    return {"serverName": server_name(company), "federation": federation,
            "encryption": {"rooms": "off"},
            "exposure": {"mode": "nodePort", "nodePort": PORTS[company.name]}}


@pytest.fixture(scope="module")
def companies(offices):
    return {name: offices.company(name) for name in PORTS}


@pytest.fixture(scope="module")
def people(companies):
    """The administrators, each logged in once."""
    return {name: matrix.administrator_of(company) for name, company in companies.items()}


@pytest.fixture(scope="module")
def memory():
    return {}


def is_invited(person, room):
    invited = person.sync(timeout=0).get("rooms", {}).get("invite", {})
    assert room in invited, f"{person.user} is invited to {list(invited)}, not to {room}"


def test_three_companies_come_up(companies):
    north, south = companies["north"], companies["south"]
    for company, allowed in ((north, [south]), (south, [north]), (companies["third"], [])):
        company.found(**spec_of(company, allowed))
    watch = Stopwatch()
    for company in companies.values():
        company.wait_ready()
    figure("three companies from kubectl apply to Ready", f"{watch.seconds:.0f} s")


def test_an_invitation_reaches_the_other_company(people, memory):
    room = people["north"].create_room(name="Tender", preset="private_chat",
                                       invite=[people["south"].user])
    wait_until("the invitation arrives", lambda: is_invited(people["south"], room), UNTIL_HEARD)
    memory["room"] = room


def test_who_was_invited_joins_over_the_border(people, memory):
    watch = Stopwatch()
    joined = people["south"].call("POST", f"/_matrix/client/v3/join/{memory['room']}", json={},
                                  params={"via": people["north"].user.split(":", 1)[1]})
    figure("a join over federation", f"{watch.seconds * 1000:.0f} ms")
    assert joined["room_id"] == memory["room"]


@pytest.mark.parametrize("speaker, listener", [("north", "south"), ("south", "north")])
def test_messages_go_both_ways(people, memory, speaker, listener):
    text = f"{speaker} speaks"
    watch = Stopwatch()
    event = matrix.say(people[speaker], memory["room"], text)
    found = wait_until(f"{listener} hears {speaker}",
                       lambda: matrix.heard(people[listener], memory["room"], event), UNTIL_HEARD)
    figure(f"a message from {speaker} to {listener}", f"{watch.seconds * 1000:.0f} ms")
    assert found["content"]["body"] == text
    assert found["sender"] == people[speaker].user


def test_a_picture_goes_over_the_border(people):
    picture = secrets.token_bytes(400_000)
    uri = people["north"].upload(picture, "image/png")
    answer = people["south"].download(uri)
    assert answer.status_code == 200, f"download answers {answer.status_code}: {answer.text[:200]}"
    assert answer.content == picture, f"{len(answer.content)} bytes came over, not those sent"


@pytest.mark.parametrize("host", ["north", "south"])
def test_the_closed_company_cannot_be_reached(people, host):
    answer = people[host].send("POST", "/_matrix/client/v3/createRoom",
                               json={"preset": "private_chat", "invite": [people["third"].user]})
    assert answer.status_code == FORBIDDEN, f"answers {answer.status_code}: {answer.text}"
    invited = people["third"].sync(timeout=0).get("rooms", {}).get("invite", {})
    assert not invited, f"the closed company was invited to {list(invited)}"


def test_the_closed_company_reaches_nobody(people, memory):
    third = people["third"]
    answer = third.send("POST", "/_matrix/client/v3/createRoom",
                        json={"preset": "private_chat", "invite": [people["north"].user]})
    assert answer.status_code == FORBIDDEN, f"answers {answer.status_code}: {answer.text}"
    via = people["north"].user.split(":", 1)[1]
    answer = third.send("POST", f"/_matrix/client/v3/join/{memory['room']}", json={},
                        params={"via": via})
    assert not answer.ok, f"the closed company joined a room of {via}"
    profile = third.send("GET", f"/_matrix/client/v3/profile/{people['north'].user}")
    assert not profile.ok, f"the closed company reads a profile: {profile.text}"


def test_its_gateway_shuts_the_door_to_servers(companies):
    path = "/_matrix/federation/v1/version"
    for name, company in companies.items():
        contact = company.contact()
        answer = matrix.Client(contact["address"], contact["caFile"]).send("GET", path)
        expected = FORBIDDEN if name == "third" else 200
        assert answer.status_code == expected, f"{name} answers {answer.status_code}: {answer.text}"


def test_a_company_that_closes_is_closed(companies, people, memory):
    companies["south"].change(federation={"mode": "closed", "allow": None,
                                          "privateNetworks": None})
    companies["south"].wait_ready()
    event = matrix.say(people["north"], memory["room"], "anybody there?")
    contact = companies["south"].contact()
    door = matrix.Client(contact["address"], contact["caFile"])

    def is_shut():
        answer = door.send("GET", "/_matrix/federation/v1/version")
        assert answer.status_code == FORBIDDEN, f"answers {answer.status_code}: {answer.text}"
    wait_until("the door is shut", is_shut, UNTIL_HEARD)
    memory["missed"] = event
    answer = people["south"].send("GET", f"/_matrix/client/v3/rooms/{memory['room']}/event/{event}")
    assert not answer.ok, f"the closed company still hears: {answer.text}"


def test_when_it_opens_again_it_hears_what_it_missed(companies, people, memory):
    north, south = companies["north"], companies["south"]
    south.change(federation=spec_of(south, [north])["federation"])
    south.wait_ready()
    # A server that could not be reached is tried again after ten minutes, or when it speaks.
    spoken = matrix.say(people["south"], memory["room"], "we are back")
    wait_until("north hears south again",
               lambda: matrix.heard(people["north"], memory["room"], spoken), UNTIL_HEARD)
    wait_until("south hears what it missed",
               lambda: matrix.heard(people["south"], memory["room"], memory["missed"]),
               2 * UNTIL_HEARD)
