"""Killed at any moment and run again, the programs come to the same end; so do two at once.

$ALPHORN_KILLS says how often; with more, each kill is at another moment of the run.
"""

import json
import os
import time

import pytest
from test_sets import manifest_of

KILLS = int(os.environ.get("ALPHORN_KILLS", "6"))


def timed(run):
    began = time.monotonic()
    run()
    return time.monotonic() - began


def kill_after(programs, name, request, seconds):
    """Its exit code; it is killed then, unless it has ended already."""
    child = programs.start(name, request)
    try:
        child.wait(seconds)
    except Exception:  # subprocess.TimeoutExpired, whichever module raised it
        child.kill()
    child.communicate(timeout=60)
    return child.returncode


@pytest.fixture(scope="module")
def making_takes(programs, company, office):
    repository = office.repository()
    return timed(lambda: programs.run("make_set", company.making(repository, "whole")))


@pytest.fixture(scope="module")
def filling_takes(programs, company, filled):
    return timed(lambda: programs.run("fill_set", company.filling(filled, company.target())))


@pytest.mark.parametrize("index", range(KILLS))
def test_a_killed_making_is_made_again(programs, company, office, making_takes, index):
    repository = office.repository()
    code = kill_after(programs, "make_set", company.making(repository, "night"), making_takes * (index + 0.5) / KILLS)
    print(f"killed at {making_takes * (index + 0.5) / KILLS:.1f} s of {making_takes:.1f} s: {code}")
    words = programs.run("make_set", company.making(repository, "night"))
    assert words["sets"] == ["night"] and words["upkeep"] == ""
    entries = json.loads(programs.restic(repository, "snapshots", "--json", "--tag", "set=night,part=manifest"))
    assert len(entries) == 1
    programs.restic(repository, "check")
    assert manifest_of(programs, repository, words["snapshot"])["counts"] == words["counts"]
    if index % 3 == 1:
        assert programs.run("fill_set", company.filling(repository, company.target()))["mediaChecked"] == 13


@pytest.mark.parametrize("index", range(KILLS))
def test_a_killed_filling_is_filled_again(programs, company, filled, filling_takes, index):
    target = company.target()
    code = kill_after(programs, "fill_set", company.filling(filled, target), filling_takes * (index + 0.5) / KILLS)
    print(f"killed at {filling_takes * (index + 0.5) / KILLS:.1f} s of {filling_takes:.1f} s: {code}")
    if code == 0:
        return
    words = programs.run("fill_set", company.filling(filled, target))
    assert words["mediaChecked"] == 13
    assert set(os.listdir(target[1])) == {"local_content", "local_thumbnails"}
    assert company.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'alphorn_restore'", target[0]) == "0"
    assert company.value("SELECT count(*) FROM events", target[0]) == company.value("SELECT count(*) FROM events")


def test_two_makings_of_one_set_make_one(programs, company, repository):
    programs.run("make_set", company.making(repository, "before"))
    children = [programs.start("make_set", company.making(repository, "night")) for _ in range(2)]
    ran = [programs.end(child) for child in children]
    assert [one.code for one in ran] == [0, 0], [one.output for one in ran]
    words = programs.run("make_set", company.making(repository, "night"))
    assert words["sets"] == ["night", "before"]
    assert programs.run("fill_set", company.filling(repository, company.target()))["counts"] == words["counts"]
