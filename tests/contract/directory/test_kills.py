"""Killed at any point and run again, a run comes to the same end: nobody and nothing twice.

$ALPHORN_KILLS says how often; with more, each kill is at another moment of the run.
"""

import os
import random
import signal
import subprocess
import time

import pytest
from conftest import Office, side_by_side

KILLS = int(os.environ.get("ALPHORN_KILLS", "8"))
PEOPLE, ROOMS = 12, 6


def company(number):
    """Everything of its own, so that every kill finds a new company's run."""
    people = [{"localpart": f"k{number}-p{index}", "displayName": f"Person {index}"}
              for index in range(PEOPLE)]
    rooms = [{"key": f"k{number}-r{index}", "name": f"Room {index}"} for index in range(ROOMS)]
    return {"employees": {"people": people},
            "spaces": [{"key": f"k{number}", "name": f"Company {number}",
                        "administrators": [f"k{number}-p0"], "rooms": rooms}],
            "leavers": {"maxPercent": 100}}


@pytest.fixture(scope="module")
def length(server, tmp_path_factory):
    """How long an undisturbed run takes."""
    office = Office(tmp_path_factory.mktemp("whole"), server)
    office.write(company("whole"))
    begun = time.monotonic()
    office.apply()
    return time.monotonic() - begun


def exemption(server):
    bot = f"%40alphorn%3A{server.server_name}"
    return server.call("GET", f"/_synapse/admin/v1/users/{bot}/override_ratelimit",
                       token=server.token)[1]


def checked(office, number):
    """A run after the kill, and what there is then."""
    office.apply("--allow-leavers", "1000")
    office.run("verify")
    server = office.server
    keys = [f"k{number}", *(f"k{number}-r{index}" for index in range(ROOMS))]
    listed = server.call("GET", "/_synapse/admin/v1/rooms?limit=5000",
                         token=server.token)[1]["rooms"]
    mine = [room["room_id"] for room in listed
            if room["creator"] == f"@alphorn:{server.server_name}"]
    locators = side_by_side(lambda room: server.call(
        "GET", f"/_matrix/client/v3/rooms/{room}/state/dev.alphorn.directory.room/",
        token=server.token, expect=None)[1].get("key"), mine)
    assert sorted(key for key in locators if key in keys) == sorted(keys)
    assert not exemption(server), "the exemption from rate limits is left"
    passwords = office.passwords()
    people = [f"k{number}-p{index}" for index in range(PEOPLE)]
    tokens = side_by_side(lambda who: server.log_in(who, passwords[who]), people)
    assert None not in tokens, "a sheet's password is not the account's"


def test_killed_at_random_it_comes_to_the_same_end(server, tmp_path_factory, length):
    chance = random.Random(20261127)
    reached = []
    for number in range(KILLS):
        office = Office(tmp_path_factory.mktemp(f"kill{number}"), server)
        # The ledger of a server is one: who is of another document would be taken for a leaver.
        office.write(everybody(number))
        run = subprocess.Popen(office.command("apply"), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(length * (number + chance.random()) / KILLS)
        run.send_signal(signal.SIGKILL)
        run.wait()
        journal = office.state / "journal.jsonl"
        reached.append(journal.stat().st_size if journal.exists() else -1)
        checked(office, number)
    print(f"figure: killed {KILLS} times within {length:.1f} s, "
          f"{sum(size > 0 for size in reached)} while accounts were made")


def test_asked_to_stop_it_finishes_what_is_under_way(server, tmp_path_factory):
    office = Office(tmp_path_factory.mktemp("stopped"), server)
    office.write(everybody(KILLS))
    run = subprocess.Popen(office.command("apply"), stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not exemption(server):
        assert run.poll() is None, "the run is over already"
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 1
    assert office.report()["result"] == "interrupted"
    assert not exemption(server), "the exemption from rate limits is left"
    checked(office, KILLS)


def everybody(number):
    """The companies so far: a document that shrank would have leavers."""
    specs = [company("whole"), *(company(index) for index in range(number + 1))]
    return {"employees": {"people": [one for spec in specs for one in spec["employees"]["people"]]},
            "spaces": [space | {"members": [person["localpart"] for person in
                                            spec["employees"]["people"]]}
                       for spec in specs for space in spec["spaces"]],
            "leavers": {"maxPercent": 100}}
