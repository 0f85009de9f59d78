"""A company that nobody needs for a while sleeps, costs nothing, and wakes as it was."""

import secrets

import pytest

from support import kubectl as k
from support import matrix
from support.company import KEPT_KINDS
from support.waiting import Stopwatch, figure

UNTIL_ASLEEP = 180


@pytest.fixture(scope="module")
def sleepy(offices):
    company = offices.company("sleepy")
    company.found()
    company.wait_ready()
    return company


@pytest.fixture(scope="module")
def memory():
    return {}


def kept(company):
    return {identity: k.uid_of(item) for identity, item in company.children().items()
            if identity[0] in KEPT_KINDS}


def test_somebody_writes_something(sleepy, memory):
    admin = matrix.administrator_of(sleepy)
    room = admin.create_room(name="Archive", preset="private_chat")
    event = admin.send_event(room, "m.room.message", secrets.token_hex(8),
                             {"msgtype": "m.text", "body": "see you in spring"})
    memory.update(told=sleepy.events(), admin=admin, room=room, event=event, kept=kept(sleepy),
                  key=sleepy.signing_key(), address=sleepy.status()["address"])


def test_it_falls_asleep_and_no_pod_is_left(sleepy):
    sleepy.change(hibernated=True)
    watch = Stopwatch()
    sleepy.wait_for("Ready", "False", reason="Hibernated", limit=UNTIL_ASLEEP)
    figure("a company asleep", f"{watch.seconds:.0f} s")
    pods = [k.name_of(pod) for pod in sleepy.pods()]
    assert not pods, f"still there: {pods}"
    sleepy.expect("Stalled", "False")
    sleepy.expect("Reconciling", "False")
    sleepy.expect("DatabaseReady", "False", reason="Hibernated")


def test_its_data_keys_and_address_are_kept(sleepy, memory):
    assert kept(sleepy) == memory["kept"], "volumes or keys were deleted or made anew"
    assert sleepy.status()["address"] == memory["address"]
    assert set(sleepy.children()) == sleepy.expected_children()


def test_it_is_told_in_an_event_and_not_as_trouble(sleepy, memory):
    sleepy.wait_for_event("Hibernated", "data, keys and address are kept")
    loud = [event for event in sleepy.events()
            if event[0] == "Warning" and event not in memory["told"]]
    assert not loud, f"hibernation is told as trouble: {loud}"


def test_it_wakes_as_it_was(sleepy, memory):
    sleepy.change(hibernated=False)
    watch = Stopwatch()
    sleepy.wait_ready()
    figure("a company awake again", f"{watch.seconds:.0f} s")
    assert sleepy.signing_key() == memory["key"]
    admin = memory["admin"]
    assert admin.call("GET", "/_matrix/client/v3/account/whoami")["user_id"] == admin.user
    path = f"/_matrix/client/v3/rooms/{memory['room']}/event/{memory['event']}"
    assert admin.call("GET", path)["content"]["body"] == "see you in spring"


def test_a_broken_company_can_be_put_to_sleep(sleepy):
    """With an image that nobody has, the homeserver does not start; asleep, it need not."""
    sleepy.change(version="1.0.0", channel=None)
    sleepy.wait_for("HomeserverReady", "False", reason="ImagePullFailed")
    sleepy.change(hibernated=True)
    sleepy.wait_for("Ready", "False", reason="Hibernated", limit=UNTIL_ASLEEP)
    sleepy.change(version=None, channel="stable", hibernated=False)
    sleepy.wait_ready()
