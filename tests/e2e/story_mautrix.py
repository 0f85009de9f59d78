"""Bridges of the mautrix family, whose images are in no package registry: each is told when somebody put
its image into playground/images.d before ./dev up. They reach no network of theirs from here; how far one
comes without it is what is told."""

import dataclasses
import json
import secrets

import pytest

from support import kubectl as k
from support import matrix
from support.archive import IMAGES, image_in, offer, offered
from support.encrypted import Person
from support.waiting import Stopwatch, figure, wait_until

UNTIL_BACK = 180
# The homeserver asks a bridge that did not answer again after one second, two, four and so on.
UNTIL_ANSWERED_AGAIN = 120
SILENCE = 10


@dataclasses.dataclass(frozen=True)
class Network:
    type: str
    program: str
    prefix: str  # what commands begin with outside of a direct chat
    login: str   # a way to log in whose first step needs nothing of the network
    prompt: str  # what that first step asks for

    @property
    def archive(self):
        return IMAGES / f"{self.program}.tar"

    @property
    def bot(self):
        return self.type + "bot"


NETWORKS = [
    Network("whatsapp", "mautrix-whatsapp", "!wa", "phone", "enter your phone number"),
    Network("slack", "mautrix-slack", "!slack", "token", "auth token"),
    Network("messenger", "mautrix-meta", "!fb", "facebook", "cookies"),
    Network("instagram", "mautrix-meta", "!ig", "instagram", "cookies"),
    Network("telegram", "mautrix-telegram", "!tg", "phone", "enter your phone number"),
    Network("gmessages", "mautrix-gmessages", "!gm", "google", "login url"),
]
TOLD = [pytest.param(network, id=network.type, marks=pytest.mark.skipif(
    not network.archive.is_file(), reason=f"there is no {network.archive.name}"))
    for network in NETWORKS]


@pytest.fixture(scope="module")
def company(offices):
    company = offices.company("talk")
    company.found()
    company.wait_ready()
    return company


@pytest.fixture(scope="module")
def people(company):
    """Ann and Eve, each with an app that encrypts."""
    admin = matrix.administrator_of(company)
    contact = company.contact()
    people = {}
    for name in ("ann", "eve"):
        user, password = matrix.new_person(company, admin, name)
        people[name] = Person(contact["address"], contact["caFile"], user, password)
    yield people
    for person in people.values():
        person.close()


def line(company, network, people):
    """What the manifest says of it. Nobody but Ann may use it."""
    ann = people["ann"].user
    told = {"name": network.type, "type": network.type, "admins": [ann], "users": [ann]}
    if network.type == "telegram":
        name = f"{company.name}-application"
        k.create({"apiVersion": "v1", "kind": "Secret",
                  "metadata": {"name": name, "namespace": company.namespace,
                               "labels": {k.TENANT_LABEL: company.name}},
                  "stringData": {"api-id": str(10_000_000 + secrets.randbelow(10_000_000)),
                                 "api-hash": secrets.token_hex(16)}})
        told["credentialsSecretRef"] = {"name": name}
    return told


@pytest.fixture(scope="module", params=TOLD)
def network(request, company, people):
    network = request.param
    before = offered(network.type)
    offer(network.type, image_in(network.archive))
    watch = Stopwatch()
    company.change(bridges=[line(company, network, people)])
    wait_until_ready(company, network)
    figure(f"{network.type} added to a company that serves until it is ready",
           f"{watch.seconds:.0f} s")
    yield network
    company.change(bridges=[])
    company.wait_ready()
    offer(network.type, before)


@pytest.fixture(scope="module")
def chat(network, people):
    """(bot, room) of Ann's encrypted direct chat with the bot."""
    ann = people["ann"]
    bot = f"@{network.bot}:{ann.user.partition(':')[2]}"
    return bot, ann.direct_chat(bot)


def wait_until_ready(company, network):
    def ready():
        told = {entry["name"]: entry for entry in company.status().get("bridges", [])}
        assert network.type in told, f"the status tells of {sorted(told)}"
        entry = told[network.type]
        assert entry["registered"] and entry["ready"], entry
        company.expect("BridgesReady", "True")
        return entry
    wait_until(f"the bridge to {network.type} is ready", ready, UNTIL_BACK)
    company.wait_ready()


def ask_for_help(person, chat, network, limit=UNTIL_ANSWERED_AGAIN):
    """Its bot greets whoever invites it: only what it says to "help" counts."""
    bot, room = chat
    answer = person.ask(room, bot, "help", "show this help message", limit)
    assert network.prefix in answer, f"this is not the help of {network.type}: {answer[:300]}"


def restart(company, prefix):
    """The pod whose name begins so is deleted, and another is ready."""
    def pods():
        return {k.uid_of(pod): pod for pod in company.pods()
                if k.name_of(pod).startswith(prefix)}

    before = pods()
    assert before, f"no pod is called {prefix}..."
    for pod in before.values():
        k.delete("pod", k.name_of(pod), company.namespace, wait=True)

    def another_is_ready():
        new = [pod for uid, pod in pods().items() if uid not in before]
        assert new, f"no pod took the place of {prefix}..."
        for pod in new:
            kinds = {entry["type"]: entry["status"] for entry in pod["status"].get("conditions", [])}
            assert kinds.get("Ready") == "True", f"{k.name_of(pod)} is not ready"
    wait_until(f"{prefix}... is back", another_is_ready, UNTIL_BACK)
    company.wait_ready()


def test_its_bot_answers_in_an_encrypted_chat(network, people, chat):
    ask_for_help(people["ann"], chat, network)


def test_it_says_which_version_it_is(company, network):
    (entry,) = company.status()["bridges"]
    assert entry["version"] and entry["bot"].startswith(f"@{network.bot}:"), entry


def test_nobody_is_logged_in_yet(company, network):
    """Counted in the bridge's own database."""
    def told():
        (entry,) = company.status()["bridges"]
        assert entry.get("logins") == 0, entry
    wait_until("it is told how many are logged in", told, UNTIL_BACK)


def test_whoever_may_not_use_it_gets_no_answer(network, people, chat):
    eve, (bot, _) = people["eve"], chat
    room = eve.invite(bot)
    eve.say(room, "help")
    eve.stays_silent(room, bot, SILENCE)
    assert bot not in eve.members(room), f"{bot} is in a room with {eve.user}"


def test_logging_in_begins(network, people, chat):
    ann, (bot, room) = people["ann"], chat
    ann.ask(room, bot, f"login {network.login}", network.prompt)
    ann.ask(room, bot, "cancel", "cancelled")


@pytest.mark.parametrize("part", ["homeserver", "bridge", "database"])
def test_it_still_answers_after_a_restart(company, network, people, chat, part):
    name = f"bridge-{network.type}" if part == "bridge" else part
    restart(company, f"{company.name}-{name}-")
    ann = people["ann"]
    wait_until(f"{ann.user} reaches the company again", ann.look, UNTIL_BACK)
    watch = Stopwatch()
    ask_for_help(ann, chat, network)
    figure(f"{network.type} answers after a restart of the {part}", f"{watch.seconds:.1f} s")


def test_no_secret_is_outside_its_secret(company, network):
    keys = company.secret(f"bridge-{network.type}")
    for (kind, name), item in company.children().items():
        if kind != "Secret":
            for key, secret in keys.items():
                assert secret.decode() not in json.dumps(item), f"{kind} {name} holds {key}"
