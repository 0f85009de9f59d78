"""Nobody reaches a company's programs but through its front door, and they reach no more than they
must."""

import secrets

import pytest

from support import doors
from support import kubectl as k
from support import matrix
from support.waiting import Stopwatch, figure, wait_until

GATEWAY, HOMESERVER, DATABASE, WEB = 8443, 8008, 5432, 8080
API_SERVER = [("10.96.0.1", 443), ("10.250.0.1", 6443)]
DNS = ("10.96.0.10", 53)
UNTIL_IN_FORCE = 30
POLICIES = "networkpolicies.networking.k8s.io"


@pytest.fixture(scope="module")
def east(offices):
    return offices.company("east")


@pytest.fixture(scope="module")
def west(offices):
    return offices.company("west")


def pod_of(company, component):
    found = [pod for pod in company.pods() if "deletionTimestamp" not in pod["metadata"]
             and k.name_of(pod).startswith(f"{company.name}-{component}-")]
    assert len(found) == 1, f"{company.name} has {[k.name_of(pod) for pod in found]}"
    return found[0]


def pods_of(company):
    return {name: pod_of(company, name) for name in ("database", "homeserver", "gateway", "web")}


def doors_of(company):
    """{(address, port): (component, port)} of every port on which a pod of the company listens."""
    return {(doors.address_of(pod), port): (component, port)
            for component, pod in pods_of(company).items()
            for port in doors.listening(pod) | doors.declared(pod)}


def reached(source, company):
    """What the pod reaches of the company, as {(component, port)}."""
    known = doors_of(company)
    return {known[door] for door in doors.open_from(source, known)}


def claims_of(pod):
    """The labels with which a pod would pass for this one."""
    return {key: value for key, value in pod["metadata"]["labels"].items()
            if key.startswith("app.kubernetes.io/") or key == k.TENANT_LABEL}


@pytest.fixture(scope="module")
def strangers(east, west):
    """Pods that no policy holds back: one that claims nothing, beside either company, and some that
    claim to be what the first company listens to."""
    model = pod_of(west, "homeserver")
    claims = {"lodger": (east, {}),
              "nobody": (west, {}),
              "gateway": (west, claims_of(pod_of(east, "gateway"))),
              "homeserver": (west, claims_of(pod_of(east, "homeserver"))),
              "operator": (west, {"app.kubernetes.io/name": "alphorn-operator"})}
    return {name: doors.idle_pod(f"stranger-{name}", neighbour.namespace, labels, model)
            for name, (neighbour, labels) in claims.items()}


def test_two_companies_come_up(east, west):
    for company in (east, west):
        company.found()
    for company in (east, west):
        company.wait_ready()
        assert set(company.children()) == company.expected_children()


def test_every_port_that_listens_is_known(east):
    for component, pod in pods_of(east).items():
        heard, declared = doors.listening(pod), doors.declared(pod)
        assert heard == declared, f"{component} listens on {heard} and declares {declared}"


@pytest.mark.parametrize("claim", ["lodger", "nobody", "gateway", "homeserver",
                                   "operator"])
def test_a_stranger_finds_the_front_door_and_no_other(east, strangers, claim):
    # A pod that has just begun is known to the policies a moment later.
    wait_until(f"a stranger that claims to be {claim} reaches the gateway alone",
               lambda: _assert_equal(reached(strangers[claim], east), {("gateway", GATEWAY)}),
               UNTIL_IN_FORCE)


def _assert_equal(found, expected):
    assert found == expected, f"found {sorted(found)}, expected {sorted(expected)}"


@pytest.mark.parametrize("component", ["database", "homeserver", "gateway", "web"])
def test_the_other_companys_programs_do_not_even_find_that(east, west, component):
    _assert_equal(reached(pod_of(west, component), east), set())


@pytest.mark.parametrize("component, expected", [
    ("gateway", {("homeserver", HOMESERVER), ("web", WEB)}),
    ("homeserver", {("database", DATABASE)}),
    ("database", set()),
    ("web", set()),
])
def test_its_own_programs_reach_what_they_need(east, component, expected):
    def only_those():
        others = {door for door in reached(pod_of(east, component), east) if door[0] != component}
        _assert_equal(others, expected)
    # A door that is open and slow looks shut.
    wait_until(f"{component} reaches what it needs", only_those, UNTIL_IN_FORCE)


def test_people_log_in_and_talk(east):
    admin = matrix.administrator_of(east)
    user = f"@jo:{east.resource()['spec']['serverName']}"
    password = secrets.token_urlsafe(24)
    status, answer = east.from_inside("PUT", f"/_synapse/admin/v2/users/{user}", admin.token,
                                      {"password": password})
    assert status == 201, f"creating {user} answers {status}: {answer}"
    jo = matrix.Client(east.contact()["address"], east.contact()["caFile"])
    jo.login(user, password)
    room = admin.create_room(preset="private_chat", invite=[user])
    jo.call("POST", f"/_matrix/client/v3/join/{room}", json={})
    event = jo.send_event(room, "m.room.message", secrets.token_hex(8),
                          {"msgtype": "m.text", "body": "it works"})
    heard = admin.call("GET", f"/_matrix/client/v3/rooms/{room}/event/{event}")
    assert heard["content"]["body"] == "it works"


@pytest.mark.parametrize("component", ["database", "web"])
def test_who_needs_nobody_reaches_nobody(east, west, strangers, component):
    open_to_all = {(doors.address_of(pod_of(west, "gateway")), GATEWAY), DNS, *API_SERVER}
    wait_until("a stranger reaches what is open to all",
               lambda: _assert_equal(doors.open_from(strangers["nobody"], open_to_all), open_to_all),
               UNTIL_IN_FORCE)
    _assert_equal(doors.open_from(pod_of(east, component), open_to_all), set())


@pytest.mark.parametrize("component", ["homeserver", "gateway"])
def test_programs_reach_the_name_service_and_not_the_api_server(east, component):
    wait_until(f"{component} reaches the name service",
               lambda: _assert_equal(doors.open_from(pod_of(east, component), {DNS, *API_SERVER}), {DNS}),
               UNTIL_IN_FORCE)


def test_the_switch_takes_the_policies_away(east, strangers):
    east.change(networkPolicy={"enabled": False})

    def gone():
        left = [k.name_of(policy) for policy in k.listed(POLICIES, east.namespace)]
        assert not left, f"still there: {left}"
    wait_until("the policies are gone", gone, UNTIL_IN_FORCE)
    every_door = set(doors_of(east).values())
    # What was refused before was refused by the policies, then.
    wait_until("every door is open to strangers",
               lambda: _assert_equal(reached(strangers["nobody"], east), every_door),
               UNTIL_IN_FORCE)
    east.wait_ready()


def test_the_switch_puts_them_back(east, strangers):
    watch = Stopwatch()
    east.change(networkPolicy={"enabled": True})
    wait_until("the doors are shut again",
               lambda: _assert_equal(reached(strangers["nobody"], east), {("gateway", GATEWAY)}),
               UNTIL_IN_FORCE)
    figure("from the switch until doors are shut", f"{watch.seconds:.1f} s")
    east.wait_ready()
    assert set(east.children()) == east.expected_children()
