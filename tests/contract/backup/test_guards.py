"""What keeps a repository safe: its owner, its keys, holds, retention, and locks of the dead."""

import datetime
import json
import os
import signal
import time

import pytest
from world import OWNER

HOST = "acme.example"


def sets_in(programs, repository):
    return {tag[4:] for entry in json.loads(programs.restic(repository, "snapshots", "--json"))
            for tag in entry["tags"] if tag.startswith("set=")}


def old_set(programs, repository, name, days, complete=True):
    """As it would have been left `days` ago."""
    when = datetime.datetime.now() - datetime.timedelta(days=days)
    for part in ["media", *(["manifest"] if complete else [])]:
        programs.restic(repository, "backup", "--stdin", "--stdin-filename", f"{part}.json", "--host", HOST,
                        "--time", when.strftime("%Y-%m-%d %H:%M:%S"), "--tag", f"set={name},part={part},owner={OWNER}",
                        text=name)


def test_another_owner_is_refused(programs, company, filled):
    before = programs.restic(filled, "snapshots", "--json")
    stranger = company.making(filled, "stranger", owner="uid-of-acme/cluster-two")
    programs.refused("make_set", stranger, "RepositoryTaken")
    assert programs.restic(filled, "snapshots", "--json") == before


def test_a_repository_may_be_taken_over(programs, company, repository):
    programs.run("make_set", company.making(repository, "first"))
    heir = company.making(repository, "heir", owner="another/cluster", takeOver=True)
    assert programs.run("make_set", heir)["sets"] == ["heir", "first"]
    programs.refused("make_set", company.making(repository, "late"), "RepositoryTaken")


def test_a_wrong_password_is_told(programs, company, filled, office):
    wrong = office.folder / "wrong"
    wrong.mkdir()
    (wrong / "password").write_text("not this one\n")
    request = company.making(filled, "wrong", repository=filled.settings(folder=str(wrong)))
    programs.refused("make_set", request, "RepositoryWrongPassword")
    programs.refused("fetch_set", {"repository": request["repository"], "into": "/cache/x"}, "RepositoryWrongPassword")


@pytest.mark.parametrize("wanted", ["nothing-of-it", "unfinished"])
def test_a_set_that_is_none_is_not_restored(programs, company, filled, wanted):
    if wanted == "unfinished":
        old_set(programs, filled, wanted, 0, complete=False)
    reason = "SetIncomplete" if wanted == "unfinished" else "SetMissing"
    programs.refused("fill_set", company.filling(filled, company.target(), wanted), reason)


def test_old_sets_go_and_held_ones_stay(programs, company, repository):
    programs.run("make_set", company.making(repository, "today"))
    for days in range(2, 12):
        old_set(programs, repository, f"d{days}", days)
    old_set(programs, repository, "abandoned", 3, complete=False)
    old_set(programs, repository, "at-work", 0, complete=False)
    few = {"daily": 3, "weekly": 0, "monthly": 0, "yearly": 0}
    words = programs.run("make_set", company.making(repository, "tonight", retention=few, holds=["d9"]))
    assert words["upkeep"] == "" and words["sets"] == ["tonight", "today", "d2", "d3", "d9"]
    assert sets_in(programs, repository) == {"tonight", "today", "d2", "d3", "d9", "at-work"}
    words = programs.run("make_set", company.making(repository, "later", retention=few))
    assert "d9" not in words["sets"] and words["sets"][:2] == ["later", "tonight"]


def test_the_client_has_a_key_of_their_own(programs, company, repository, office):
    def key(text):
        path = office.folder / f"client-{text}"
        path.write_text(text + "\n")
        return path

    def opens(path):
        try:
            programs.restic(repository, "snapshots", password=path)
            return True
        except AssertionError:
            return False

    first, second = key("first"), key("second")
    neither = (False, False)
    for file, expected in ((first, (True, False)), (first, (True, False)), (second, (False, True)), (None, neither)):
        words = programs.run("make_set", company.making(repository, "one", clientKeyFile=file and str(file)))
        assert words["upkeep"] == "" and (opens(first), opens(second)) == expected
    assert len(json.loads(programs.restic(repository, "key", "list", "--json"))) == 1


def test_a_lock_of_the_dead_is_taken_away(programs, company, repository):
    programs.run("make_set", company.making(repository, "one"))
    with programs.lock(repository, exclusive=True) as holder:
        holder.kill()
        holder.wait()
    assert repository.locks()
    assert programs.run("make_set", company.making(repository, "two"))["sets"] == ["two", "one"]
    assert repository.locks() == []


def test_a_terminated_run_leaves_no_lock(programs, company, repository):
    programs.run("make_set", company.making(repository, "one"))
    child = programs.start("make_set", company.making(repository, "two"))
    deadline = time.monotonic() + 60
    while not repository.locks() and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGTERM)
    ran = programs.end(child)
    assert (ran.code, ran.words["reason"]) == (1, "Interrupted")
    assert repository.locks() == []
    assert programs.run("make_set", company.making(repository, "two"))["sets"] == ["two", "one"]


def test_a_lock_of_the_living_only_puts_upkeep_off(programs, company, repository):
    programs.run("make_set", company.making(repository, "one"))
    with programs.lock(repository):
        request = company.making(repository, "two", pruneEveryDays=0)
        request["repository"] = repository.settings(lockPatienceSeconds=2)
        words = programs.run("make_set", request)
    assert words["sets"] == ["two", "one"] and "another program works in the repository" in words["upkeep"]


def test_an_exclusive_lock_is_waited_for(programs, company, repository):
    programs.run("make_set", company.making(repository, "one"))
    with programs.lock(repository, exclusive=True):
        request = company.making(repository, "two")
        request["repository"] = repository.settings(lockPatienceSeconds=3)
        programs.refused("make_set", request, "RepositoryLocked", 1)
    assert programs.run("make_set", company.making(repository, "two"))["sets"] == ["two", "one"]
