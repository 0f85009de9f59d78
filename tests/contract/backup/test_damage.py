"""What is broken is told, loudly, and nothing is harmed: neither the repository nor what was to be filled."""

import contextlib
import json
import os
import shutil
import subprocess
import time

import pytest
from synapse import SYNAPSE_USER
from world import FolderRepository


def untouched(company, target):
    name, folder = target
    tables = company.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace", name)
    return tables == "0" and not os.listdir(folder)


@pytest.fixture
def broken(filled, office):
    """A copy of the good repository, to be harmed."""
    repository = FolderRepository(office.folder)
    shutil.rmtree(repository.path)
    shutil.copytree(filled.path, repository.path)
    subprocess.run(["chown", "-R", "10001:10001", str(repository.path)], check=True)
    shutil.copy(filled.folder / "password", repository.folder / "password")
    return repository


def part_of(programs, repository, name):
    entry, = json.loads(programs.restic(repository, "snapshots", "--json", "--tag", f"set=good,part={name}"))
    return entry["id"]


def pack_of(programs, repository, snapshot, path):
    """The file of the repository in which the first piece of a stored file lies."""
    listed = programs.restic(repository, "ls", "--json", snapshot, path)
    tree = json.loads(programs.restic(repository, "cat", "snapshot", snapshot))["tree"]
    assert path.strip("/") in listed
    node = next(one for one in json.loads(programs.restic(repository, "cat", "blob", tree))["nodes"]
                if one["name"] == path.strip("/"))
    found = programs.restic(repository, "find", "--blob", node["content"][0], "--show-pack-id")
    pack = next(line.split()[-1] for line in found.splitlines() if "belongs to pack" in line)
    return repository.path / "data" / pack[:2] / pack


def flip(path, at):
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 1
    path.write_bytes(content)


def test_a_flipped_byte_in_a_dump(programs, company, broken):
    flip(pack_of(programs, broken, part_of(programs, broken, "database-synapse"), "/synapse.dump"), 0.4)
    target = company.target()
    words = programs.refused("fill_set", company.filling(broken, target, "good"), "RepositoryDamaged")
    assert "restic check" in words["error"]
    name, folder = target
    assert company.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name) == "0"
    assert not os.path.exists(folder / "local_content")


def test_a_flipped_byte_among_the_uploads(programs, company, broken):
    largest = broken.packs()[-1]
    flip(largest, 0.5)
    programs.refused("fill_set", company.filling(broken, company.target(), "good"), "RepositoryDamaged")


def test_a_drill_reads_what_no_restore_does(programs, company, broken):
    for pack in broken.packs():
        flip(pack, 0.3)
    # The server of the company itself stands in for the copy: only the repository differs.
    (company.folder / "manifest.json").write_text(programs.restic(broken, "version") and json.dumps(
        {"set": "good", "serverName": "acme.example", "signingKeyId": None, "media": None, "parts": []}))
    (company.folder / "token").write_text(company.server.token)
    programs.refused("check_set", {"repository": broken.settings(), "readDataSubset": "100%", "databases": [],
                                   "manifestFile": str(company.folder / "manifest.json"),
                                   "homeserver": company.server.url,
                                   "accessTokenFile": str(company.folder / "token")}, "RepositoryDamaged")


def forged(programs, repository, change):
    """Effect: the latest set is "forged": the good one, as `change` makes its manifest."""
    stored = part_of(programs, repository, "manifest")
    manifest = json.loads(programs.restic(repository, "dump", stored, "/manifest.json"))
    change(manifest)
    programs.restic(repository, "backup", "--stdin", "--stdin-filename", "manifest.json", "--host", "acme.example",
                    "--tag", "set=forged,part=manifest", text=json.dumps(manifest | {"set": "forged"}))


def test_a_truncated_dump(programs, company, broken, office):
    whole = office.folder / "whole.dump"
    with open(whole, "wb") as file:
        subprocess.run(programs.restic_command(broken, "dump", part_of(programs, broken, "database-synapse"),
                                               "/synapse.dump"), stdout=file, check=True)
    # What must never be given out a second time is not even stored; all else is.
    assert b"A" * 43 not in whole.read_bytes() and b"message 7" in whole.read_bytes()
    with open(whole, "r+b") as file:
        file.truncate(whole.stat().st_size * 2 // 3)
    with open(whole, "rb") as file:
        said = subprocess.run(programs.restic_command(broken, "backup", "--json", "--stdin", "--stdin-filename",
                                                      "synapse.dump", "--tag", "set=forged,part=database-synapse"),
                              stdin=file, capture_output=True, text=True, check=True).stdout
    short = json.loads(said.splitlines()[-1])["snapshot_id"]
    forged(programs, broken, lambda manifest: manifest["databases"]["synapse"].update(snapshot=short))
    target = company.target()
    programs.refused("fill_set", company.filling(broken, target, "forged"), "RestoreFailed")
    assert company.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", target[0]) == "0"


def test_counts_that_differ(programs, company, broken):
    forged(programs, broken, lambda manifest: manifest["counts"].update(events=7))
    words = programs.refused("fill_set", company.filling(broken, company.target(), "forged"), "CountsDiffer")
    assert "not 7" in words["error"]


def test_a_missing_upload(programs, company, repository):
    """Gone before the set was made: told then. Gone from the set: told when it is restored."""
    victim = next(path for path in (company.media / "local_content").rglob("*") if path.is_file())
    hidden = company.folder / "hidden"
    shutil.move(victim, hidden)
    words = programs.run("make_set", company.making(repository, "less"))
    assert words["media"]["missing"] == 1
    shutil.move(hidden, victim)
    os.chown(victim, SYNAPSE_USER, SYNAPSE_USER)
    assert programs.run("fill_set", company.filling(repository, company.target(), "less"))["mediaChecked"] == 12
    manifest = json.loads(programs.restic(repository, "dump", "latest", "--host", "acme.example", "/manifest.json"))
    manifest["media"]["missingFirst"], manifest["set"] = [], "worse"
    programs.restic(repository, "backup", "--stdin", "--stdin-filename", "manifest.json", "--host", "acme.example",
                    "--tag", "set=worse,part=manifest", text=json.dumps(manifest))
    words = programs.refused("fill_set", company.filling(repository, company.target(), "worse"), "MediaDiffers")
    assert "is missing" in words["error"]


def test_a_wrong_password_touches_nothing(programs, company, filled, office):
    wrong = office.folder / "other-keys"
    wrong.mkdir()
    (wrong / "password").write_text("not this one")
    target = company.target()
    request = company.filling(filled, target, repository=filled.settings(folder=str(wrong)))
    programs.refused("fill_set", request, "RepositoryWrongPassword")
    assert untouched(company, target)


@pytest.mark.parametrize("options", ["LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'", "LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"])
def test_a_database_of_another_locale(programs, company, filled, options):
    target = company.target(options)
    programs.refused("fill_set", company.filling(filled, target), "WrongLocale")
    assert untouched(company, target)


def test_a_database_that_is_not_empty(programs, company, filled):
    name, folder = company.target()
    company.run_sql("CREATE TABLE precious AS SELECT 1 AS value", name)
    programs.refused("fill_set", company.filling(filled, (name, folder)), "TargetNotEmpty")
    assert company.value("SELECT value FROM precious", name) == "1" and not os.listdir(folder)


def test_a_folder_that_is_not_empty(programs, company, filled):
    target = company.target()
    (target[1] / "precious").write_text("value")
    programs.refused("fill_set", company.filling(filled, target), "TargetNotEmpty")
    assert os.listdir(target[1]) == ["precious"]
    (target[1] / "precious").unlink()
    assert untouched(company, target)


def test_what_was_restored_once_is_not_restored_into_again(programs, company, filled):
    target = company.target()
    programs.run("fill_set", company.filling(filled, target))
    programs.refused("fill_set", company.filling(filled, target, restore="restore-2"), "TargetNotEmpty")
    programs.refused("fill_set", company.filling(filled, target), "TargetNotEmpty")


def test_of_two_restores_at_once_one_is_refused(programs, company, filled):
    name, folder = company.target()
    _, other = company.target()
    children = [programs.start("fill_set", company.filling(filled, (name, place), restore=f"restore-{index}"))
                for index, place in enumerate((folder, other))]
    ran = [programs.end(child) for child in children]
    assert sorted(one.code for one in ran) == [0, 3], [one.output for one in ran]
    assert {one.words.get("reason") for one in ran} == {None, "TargetNotEmpty"}
    assert company.value("SELECT count(*) FROM users", name) == company.value("SELECT count(*) FROM users")


@contextlib.contextmanager
def small(folder, size, owner=SYNAPSE_USER, seen_by=None):
    """A full disk soon. `seen_by`: a process that has mounts of its own."""
    there = ["nsenter", "--mount", f"--target={seen_by}"] if seen_by else []
    subprocess.run([*there, "mount", "-t", "tmpfs", "-o", f"size={size},uid={owner},mode=700", "tmpfs", str(folder)],
                   check=True)
    try:
        yield
    finally:
        subprocess.run([*there, "umount", "-l", str(folder)], check=True)


def test_a_full_volume_of_uploads(programs, company, filled):
    target = company.target()
    with small(target[1], "1m"):
        programs.refused("fill_set", company.filling(filled, target), "NoSpace")
    # With a larger volume the same restore goes on.
    assert programs.run("fill_set", company.filling(filled, target))["mediaChecked"] == 13


def test_a_full_repository(programs, company, repository):
    with small(repository.path, "2m"):
        programs.refused("make_set", company.making(repository, "much"), "RepositoryFull", 1)
        assert "set=much,part=manifest" not in programs.restic(repository, "snapshots", "--no-lock")


def test_a_full_database_server(programs, company, filled):
    name, folder = company.target()
    place = company.server.folder / "postgres/small"
    place.mkdir()
    with small(place, "12m", 999, company.server.children[0].pid):
        company.run_sql("CREATE TABLESPACE small LOCATION '/small'", "postgres")
        company.run_sql(f"ALTER DATABASE {name} SET TABLESPACE small", "postgres")
        programs.refused("fill_set", company.filling(filled, (name, folder)), "NoSpace")
        assert company.value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", name) == "0"
        company.run_sql(f"ALTER DATABASE {name} SET TABLESPACE pg_default", "postgres")
        company.run_sql("DROP TABLESPACE small", "postgres")
    assert programs.run("fill_set", company.filling(filled, (name, folder)))["mediaChecked"] == 13


def test_a_database_that_is_gone(programs, company, repository):
    gone = company.login("synapse", "nowhere")
    programs.refused("make_set", company.making(repository, "none", databases=[gone]), "DatabaseRefused")
    path = company.folder / "closed.conf"
    path.write_text("[it]\nhost=127.0.0.1\nport=1\ndbname=synapse\nuser=synapse\n")
    closed = {"name": "synapse", "serviceFile": str(path), "service": "it", "isHomeserver": True}
    began = time.monotonic()
    request = company.making(repository, "none", databases=[closed], waitForDatabaseSeconds=5)
    programs.refused("make_set", request, "DatabaseUnreachable", 1)
    assert time.monotonic() - began > 5


def test_a_dump_that_fails_is_no_part(programs, company, repository):
    """A table that the login may not read, in a database beside: found in the middle of the run."""
    name, _ = company.target()
    company.run_sql("CREATE TABLE closed AS SELECT 1", name)
    bridge = company.login("bridge", name, "fresh", is_homeserver=False)
    request = company.making(repository, "half", databases=[company.login("synapse", "synapse"), bridge])
    words = programs.refused("make_set", request, "DumpFailed")
    assert "closed" in words["error"]
    time.sleep(0.1)
    parts = [tag for entry in json.loads(programs.restic(repository, "snapshots", "--json")) for tag in entry["tags"]]
    assert "part=database-synapse" in parts and "part=database-bridge" not in parts and "part=manifest" not in parts
