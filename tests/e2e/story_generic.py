"""An application service that the operator knows nothing of, described in the manifest."""

import pytest
import yaml

from support import kubectl as k
from support import matrix, telegram
from support.talk import Talker
from support.waiting import Stopwatch, figure

UNTIL_BRIDGED = 180
CONFIG = "telegram-config"


@pytest.fixture(scope="module")
def company(offices):
    company = offices.company("generic")
    # This program cannot read encrypted rooms.
    company.found(encryption={"rooms": "off"})
    company.wait_ready()
    return company


@pytest.fixture(scope="module")
def config(admin):
    return telegram.config({admin.client.user: "full"})


def test_it_is_described_in_the_manifest(company, config):
    k.create({"apiVersion": "v1", "kind": "Secret",
              "metadata": {"name": CONFIG, "namespace": company.namespace,
                           "labels": {k.TENANT_LABEL: company.name}},
              "stringData": {"config.yaml": yaml.safe_dump(config)}})
    watch = Stopwatch()
    company.change(bridges=[{"name": "telegram", "type": "generic", "generic": {
        "image": telegram.IMAGE, "command": telegram.command("/etc/bridge"), "port": telegram.PORT,
        "database": True, "configSecretRef": {"name": CONFIG},
        "registration": telegram.registration(), "probes": telegram.PROBES}}])
    company.wait_for("BridgesReady", "True", limit=UNTIL_BRIDGED)
    company.wait_ready()
    figure("an application service added until it is ready", f"{watch.seconds:.0f} s")


def test_its_bot_answers_with_its_own_text(company, admin):
    bot = f"@{telegram.BOT}:{admin.client.user.partition(':')[2]}"
    room = admin.client.create_room(is_direct=True, invite=[bot], preset="trusted_private_chat")
    admin.wait_to_hear(room, "Hello, I'm a Telegram bridge bot", bot)
    admin.say(room, "help")
    admin.wait_to_hear(room, telegram.HELP, bot)


def test_somebody_else_is_refused(company, admin):
    user, password = matrix.new_person(company, admin.client, "eve")
    contact = company.contact()
    eve = matrix.Client(contact["address"], contact["caFile"])
    eve.login(user, password)
    eve = Talker(eve)
    bot = f"@{telegram.BOT}:{user.partition(':')[2]}"
    room = eve.client.create_room(is_direct=True, invite=[bot], preset="trusted_private_chat")
    eve.wait_to_hear(room, "You are not whitelisted", bot)
