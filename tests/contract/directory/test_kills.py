"""Killed at any point and run again, a run comes to the same end: nobody and nothing twice.

$ALPHORN_KILLS says how often; with more, each kill is at another moment of the run. Every twenty have
a server of their own: the document grows with each.
"""

import os
import random
import signal
import subprocess
import time

import pytest
from conftest import Office, quick_server, side_by_side

KILLS = int(os.environ.get("ALPHORN_KILLS", "8"))
PEOPLE, ROOMS = 12, 6
ON_ONE_SERVER = 20


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
    return run_whole(server, tmp_path_factory)


def run_whole(server, tmp_path_factory):
    office = Office(tmp_path_factory.mktemp("whole"), server)
    office.write(everybody([]))
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


@pytest.mark.parametrize("begin", range(0, KILLS, ON_ONE_SERVER))
def test_killed_at_random_it_comes_to_the_same_end(tmp_path_factory, length, begin):
    with quick_server() as server:
        run_whole(server, tmp_path_factory)
        kill_at_random(server, tmp_path_factory, length, range(begin, min(begin + ON_ONE_SERVER, KILLS)))


def kill_at_random(server, tmp_path_factory, length, numbers):
    chance = random.Random(20261127 + numbers.start)
    reached = []
    for number in numbers:
        office = Office(tmp_path_factory.mktemp(f"kill{number}"), server)
        # The ledger of a server is one: who is of another document would be taken for a leaver.
        office.write(everybody(range(numbers.start, number + 1)))
        run = subprocess.Popen(office.command("apply"), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(length * (number + chance.random()) / KILLS)
        run.send_signal(signal.SIGKILL)
        run.wait()
        journal = office.state / "journal.jsonl"
        reached.append(journal.stat().st_size if journal.exists() else -1)
        checked(office, number)
    print(f"figure: killed {len(reached)} times within {length:.1f} s, "
          f"{sum(size > 0 for size in reached)} while accounts were made")


def test_asked_to_stop_it_finishes_what_is_under_way(server, tmp_path_factory):
    office = Office(tmp_path_factory.mktemp("stopped"), server)
    office.write(everybody([KILLS]))
    run = subprocess.Popen(office.command("apply"), stdin=subprocess.DEVNULL,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not exemption(server):
        assert run.poll() is None, "the run is over already"
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    assert run.wait(300) == 1
    assert office.report()["result"] == "interrupted"
    assert not exemption(server), "the exemption from rate limits is left"
    checked(office, KILLS)


def everybody(numbers):
    """The companies so far: a document that shrank would have leavers."""
    specs = [company("whole"), *(company(index) for index in numbers)]
    return {"employees": {"people": [one for spec in specs for one in spec["employees"]["people"]]},
            "spaces": [space | {"members": [person["localpart"] for person in
                                            spec["employees"]["people"]]}
                       for spec in specs for space in spec["spaces"]],
            "leavers": {"maxPercent": 100}}
