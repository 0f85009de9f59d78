"""Programs speak in rooms through hookshot, which is in no package registry: told when somebody put its image
into playground/images.d before ./dev up."""

import re
import secrets

import pytest
import requests

from support import kubectl as k
from support import matrix
from support.archive import IMAGES, image_in, offer, offered
from support.waiting import Stopwatch, figure, wait_until

ARCHIVE = IMAGES / "matrix-hookshot.tar"
UNTIL_BRIDGED = 180
UNTIL_BACK = 180
PATIENCE = 30

pytestmark = pytest.mark.skipif(not ARCHIVE.is_file(), reason=f"there is no {ARCHIVE.name}")


@pytest.fixture(scope="module")
def company(offices):
    before = offered("hookshot")
    offer("hookshot", image_in(ARCHIVE))
    company = offices.company("hooked")
    company.found(bridges=[{"name": "hookshot", "type": "hookshot"}])
    company.wait_for("BridgesReady", "True", limit=UNTIL_BRIDGED)
    company.wait_ready()
    yield company
    offer("hookshot", before)


@pytest.fixture(scope="module")
def bot(company):
    return f"@hookshotbot:{company.resource()['spec']['serverName']}"


@pytest.fixture(scope="module")
def room(admin, bot):
    """Where deployments are told of. It is made with the bot, so that the bot can read what is said there."""
    room = admin.create_room(preset="private_chat", name="Deployments", invite=[bot])
    levels = admin.client.state(room, "m.room.power_levels")
    levels.setdefault("users", {})[bot] = 50
    admin.client.call("PUT", f"/_matrix/client/v3/rooms/{room}/state/m.room.power_levels/", json=levels)

    def joined():
        members = admin.client.call("GET", f"/_matrix/client/v3/rooms/{room}/joined_members")["joined"]
        assert bot in members, f"only {sorted(members)} are there"
    wait_until("the bot joins", joined, PATIENCE)
    return room


@pytest.fixture(scope="module")
def webhook(admin, bot, room):
    """The address that the bot tells whoever asks for one, in a chat of the two."""
    admin.say(room, "!hookshot webhook deploys")
    admin.wait_to_hear(room, "Room configured to bridge webhooks", bot)
    chat = admin.accept(bot)
    _, said = admin.wait_to_hear(chat, "/_hookshot/hookshot/webhook/", bot)
    return re.search(r"https://[^\s`]+", said)[0]


def post(company, url, **options):
    """What a program sends that knows nothing of Matrix."""
    return requests.post(url, verify=company.contact()["caFile"], timeout=PATIENCE, **options)


def tell(company, admin, room, webhook):
    text = f"deployed {secrets.token_hex(4)}"
    watch = Stopwatch()
    answer = post(company, webhook, json={"text": text})
    assert answer.ok, f"{answer.status_code}: {answer.text[:300]}"
    who, _ = admin.wait_to_hear(room, text)
    assert who.startswith("@hookshot_deploys:"), f"{who} speaks for the webhook"
    return watch.seconds


def test_it_says_how_it_is(company, bot):
    (entry,) = company.status()["bridges"]
    assert entry["registered"] and entry["ready"] and entry["bot"] == bot, entry
    assert entry["version"], entry


def test_a_program_speaks_in_a_room(company, admin, room, webhook):
    figure("a webhook is heard", f"{tell(company, admin, room, webhook):.2f} s")


def test_the_address_is_the_companys(company, webhook):
    assert webhook.startswith(company.contact()["address"].rstrip("/") + "/_hookshot/hookshot/webhook/")


def test_only_webhooks_are_let_through(company, webhook):
    address = company.contact()["address"].rstrip("/")
    wrong = webhook.rpartition("/")[0] + "/" + secrets.token_hex(16)
    assert post(company, wrong, json={"text": "let me in"}).status_code in (400, 404)
    for path in ("/_hookshot/hookshot/metrics", "/_hookshot/hookshot/_matrix/app/v1/ping", "/_hookshot/other/"):
        answer = requests.get(address + path, verify=company.contact()["caFile"], timeout=PATIENCE)
        assert answer.status_code == 404, f"{path} answers {answer.status_code}"


def test_the_gateway_keeps_the_address_to_itself(company, admin, room, webhook):
    tell(company, admin, room, webhook)
    logs = k.kubectl("logs", "-n", company.namespace, "-l", "app.kubernetes.io/name=gateway", "--tail=-1")
    assert webhook.rpartition("/")[2] not in logs


@pytest.mark.parametrize("part", ["bridge-hookshot", "homeserver"])
def test_it_is_there_again_after_a_restart(company, admin, room, webhook, part):
    before = {k.uid_of(pod): pod for pod in company.pods()
              if k.name_of(pod).startswith(f"{company.name}-{part}-")}
    for pod in before.values():
        k.delete("pod", k.name_of(pod), company.namespace, wait=True)
    wait_until("it takes webhooks again", lambda: tell(company, admin, room, webhook), UNTIL_BACK)
    company.wait_ready()


def test_its_keys_are_in_its_secret_alone(company):
    keys = [value.decode() for value in company.secret("bridge-hookshot").values()]
    kinds = "configmaps,deployments,statefulsets,pods,events,companyhomeservers.alphorn.dev"
    text = k.kubectl("get", kinds, "-n", company.namespace, "-o", "json")
    assert not [key for key in keys if key in text]
