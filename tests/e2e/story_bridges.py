"""A company talks to another network: one line of its manifest, added while everybody is talking."""

import datetime
import secrets

import pytest

from support import irc, matrix
from support import kubectl as k
from support.waiting import Stopwatch, figure, wait_until
from support.writers import Writers

UNTIL_BRIDGED = 180
UNTIL_GONE = 180
CHANNEL = "#alphorn"


@pytest.fixture(scope="module")
def network():
    server = irc.Server()
    yield server
    server.close()


@pytest.fixture(scope="module")
def stranger(network):
    client = irc.Client(network, "stranger")
    client.join(CHANNEL)
    yield client
    client.close()


@pytest.fixture(scope="module")
def company(offices):
    company = offices.company("bridged")
    company.found()
    company.wait_ready()
    return company


@pytest.fixture(scope="module")
def bot(company):
    return f"@ircbot:{company.resource()['spec']['serverName']}"


def rolls(company):
    """How often the homeserver's pod was taken down for another. Its revisions would not tell: a pod as it
    was before has the revision of before."""
    return sum(event.get("count") or 1 for event in k.listed("events", company.namespace)
               if event["involvedObject"]["name"] == f"{company.name}-homeserver"
               and event["reason"] == "SuccessfulDelete")


def restarts(company):
    pod = k.get("pod", f"{company.name}-homeserver-0", company.namespace)
    return sum(one["restartCount"] for one in pod["status"]["containerStatuses"])


def began(pod):
    """When the pod's program began to run."""
    running = pod["status"]["containerStatuses"][0]["state"]["running"]
    return datetime.datetime.fromisoformat(running["startedAt"].replace("Z", "+00:00"))


def bridge_pods(company):
    return k.listed("pods", company.namespace, "app.kubernetes.io/name=bridge")


def every_message_arrived(writers, client):
    assert writers.accepted, "nobody wrote anything"
    for event, (room, text) in writers.accepted.items():
        assert matrix.heard(client, room, event)["content"]["body"] == text


def change_while_talking(company, person, done, **spec):
    """Changes the company while somebody writes; how often the homeserver began anew meanwhile."""
    room = person.create_room(preset="private_chat", name="Meanwhile")
    before = rolls(company)
    watch = Stopwatch()
    with Writers([(person.client, room)]) as writers:
        company.change(**spec)
        done()
        company.wait_ready()
    every_message_arrived(writers, person.client)
    assert restarts(company) == 0, "the homeserver ended by itself"
    return rolls(company) - before, watch.seconds, writers.retries


def test_a_line_is_enough(company, network, admin):
    line = {"name": "irc", "type": "irc", "networks": [f"{network.address}/32"], "ports": [network.port]}
    begun, seconds, retries = change_while_talking(
        company, admin, lambda: company.wait_for("BridgesReady", "True", limit=UNTIL_BRIDGED),
        bridges=[line])
    assert begun == 1, f"the homeserver was rolled {begun} times"
    figure("a bridge added under load", f"{seconds:.0f} s, {retries} messages sent again, none lost")
    (bridge,) = company.status()["bridges"]
    assert (bridge["registered"], bridge["ready"], bridge["version"]) == (True, True, "1.15.4"), bridge


def test_the_homeserver_knew_it_first(company):
    homeserver = k.get("pod", f"{company.name}-homeserver-0", company.namespace)
    (bridge,) = bridge_pods(company)
    assert began(homeserver) <= began(bridge)


def test_it_is_told_nothing_of_before(company):
    """Synapse would tell the first one all that was ever said."""
    said = k.kubectl("logs", f"{company.name}-homeserver-0", "-c", "skip-history", "-n", company.namespace)
    assert "begin with what is said from now on" in said, said


@pytest.fixture(scope="module")
def channel(admin, bot, network, stranger):
    """The room of the IRC channel, reached by what heisenbridge's own help says."""
    control = admin.accept(bot)
    for line in ("ADDNETWORK local", f"ADDSERVER local {network.address} {network.port}", "OPEN local"):
        admin.say(control, line)
    room = admin.accept(bot)
    for line in ("NICK boss", "CONNECT"):
        admin.say(room, line)
    admin.wait_to_hear(room, "End of MOTD")
    admin.say(room, f"JOIN {CHANNEL}")
    return admin.accept(bot)


def test_people_talk_both_ways(admin, stranger, channel):
    watch = Stopwatch()
    admin.say(channel, "Grüezi, IRC")
    stranger.wait_to_hear(CHANNEL, "Grüezi, IRC")
    figure("a message to IRC", f"{watch.seconds:.2f} s")
    watch = Stopwatch()
    stranger.say(CHANNEL, "Hello, company")
    who, _ = admin.wait_to_hear(channel, "Hello, company")
    figure("an answer from IRC", f"{watch.seconds:.2f} s")
    assert who.startswith("@irc_local_stranger:"), f"{who} is nobody of IRC"


def test_its_rooms_are_readable_for_it_and_others_are_encrypted(admin, channel):
    """Synapse encrypts new rooms by default, and heisenbridge could not read them."""
    answer = admin.client.send("GET", f"/_matrix/client/v3/rooms/{channel}/state/m.room.encryption/")
    assert answer.status_code == 404, answer.text
    rules = admin.client.state(channel, "m.room.join_rules")
    assert rules["join_rule"] == "invite", f"anybody may come in: {rules}"
    own = admin.create_room(preset="private_chat")
    assert admin.client.state(own, "m.room.encryption")["algorithm"] == "m.megolm.v1.aes-sha2"


def test_it_is_there_again_after_a_restart(company, admin, stranger, channel):
    k.delete("pod", f"{company.name}-homeserver-0", company.namespace, wait=True)
    company.wait_ready()
    text = f"after the homeserver {secrets.token_hex(4)}"
    stranger.say(CHANNEL, text)
    admin.wait_to_hear(channel, text)
    (pod,) = bridge_pods(company)
    k.delete("pod", k.name_of(pod), company.namespace, wait=True)
    company.wait_for("BridgesReady", "True", limit=UNTIL_BRIDGED)
    wait_until("the bridge is on IRC again", lambda: _in_channel(stranger), UNTIL_BRIDGED)
    text = f"after the bridge {secrets.token_hex(4)}"
    admin.say(channel, text)
    stranger.wait_to_hear(CHANNEL, text)


def _in_channel(stranger):
    """By another nick when the network has not noticed yet that the former one is gone."""
    names = stranger.names(CHANNEL)
    assert any(name.startswith("boss") for name in names), f"only {names} are there"


def test_its_tokens_are_in_secrets_alone(company):
    tokens = [value.decode() for value in company.secret("bridge-irc").values()]
    kinds = "configmaps,deployments,statefulsets,pods,events,companyhomeservers.alphorn.dev"
    text = k.kubectl("get", kinds, "-n", company.namespace, "-o", "json")
    assert not [token for token in tokens if token in text]
    logs = k.kubectl("logs", "-n", company.namespace, "-l", f"{k.TENANT_LABEL}={company.name}",
                     "--all-containers", "--tail=-1", "--max-log-requests=30")
    assert not [token for token in tokens if token in logs]


def test_two_companies_share_nothing_of_it(company, offices, network):
    """The same line in another company: other tokens, which this one's homeserver does not know."""
    other = offices.company("other")
    other.found(bridges=company.resource()["spec"]["bridges"])
    other.wait_ready()
    mine, theirs = company.secret("bridge-irc"), other.secret("bridge-irc")
    assert mine.keys() == theirs.keys() and not set(mine.values()) & set(theirs.values())
    for host, stranger_keys in ((company, theirs), (other, mine)):
        contact = host.contact()
        client = matrix.Client(contact["address"], contact["caFile"])
        client.token = stranger_keys["as_token"].decode()
        assert client.send("GET", "/_matrix/client/v3/account/whoami").status_code == 401
    pods = {pod["metadata"]["namespace"]: pod["metadata"]["labels"][k.TENANT_LABEL]
            for one in (company, other) for pod in bridge_pods(one)}
    assert pods == {company.namespace: company.name, other.namespace: other.name}


def test_and_goes_as_quietly(company, admin):
    """Taken away: it stops first, the homeserver forgets it, and its keys stay for another time."""
    keys = company.secret("bridge-irc")

    def gone():
        wait_until("the bridge stops", lambda: _no_bridge(company), UNTIL_GONE)
    begun, seconds, retries = change_while_talking(company, admin, gone, bridges=[])
    assert begun == 1, f"the homeserver was rolled {begun} times"
    figure("a bridge removed under load", f"{seconds:.0f} s, {retries} messages sent again, none lost")
    assert "bridges" not in company.status()
    answer = matrix.Client(admin.client.address, company.contact()["caFile"])
    answer.token = keys["as_token"].decode()
    assert answer.send("GET", "/_matrix/client/v3/account/whoami").status_code == 401
    assert company.secret("bridge-irc") == keys
    wait_until("nothing else is left of it", lambda: _no_leftover(company), UNTIL_GONE)


def _no_bridge(company):
    assert not bridge_pods(company), "its pod is there still"


def _no_leftover(company):
    left = k.listed("deployments,services,configmaps,networkpolicies", company.namespace,
                    "alphorn.dev/bridge=irc")
    assert not left, f"{[k.name_of(one) for one in left]} are left"


def test_skype_has_ended_and_nothing_else(company):
    company.change(bridges=[{"name": "skype", "type": "skype"}])
    company.wait_for("Retired", "True", "SkypeShutDown", "5 May 2025", UNTIL_GONE)
    company.expect("Ready", "True")
    company.change(bridges=[])
    company.wait_ready()
    wait_until("Retired is spoken of no more", lambda: _not_retired(company), UNTIL_GONE)


def _not_retired(company):
    assert "Retired" not in company.conditions()
