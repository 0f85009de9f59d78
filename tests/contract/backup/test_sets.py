"""A set is made, lies in the repository, is filled into empty places, and a homeserver lives on it."""

import json
import os
import secrets
import subprocess

import pytest
from world import OWNER


def manifest_of(programs, repository, snapshot):
    return json.loads(programs.restic(repository, "dump", snapshot, "/manifest.json"))


def test_a_set_tells_what_it_holds(programs, company, filled):
    words = programs.run("make_set", company.making(filled, "second"))
    assert words["sets"] == ["second", "good"] and words["upkeep"] == ""
    assert words["counts"]["users"] == 4 and words["counts"]["rooms"] == 1 and words["counts"]["events"] > 20
    assert words["counts"]["localMedia"] == 13 and words["media"]["missing"] == 0
    manifest = manifest_of(programs, filled, words["snapshot"])
    assert manifest["signingKeyId"] == "ed25519:a_test" and manifest["owner"] == OWNER
    assert manifest["schema"]["compatVersion"] <= manifest["schema"]["version"]
    # Of what the night before held already, nothing is stored again.
    assert {part["name"]: part["added"] for part in words["parts"]}["media"] == 0


def test_a_set_is_never_written_twice(programs, company, filled):
    before = programs.restic(filled, "snapshots", "--json", "--tag", "set=good")
    words = programs.run("make_set", company.making(filled, None), environment=["SET_ID=good"])
    assert words["set"] == "good" and words["snapshot"] in before
    assert programs.restic(filled, "snapshots", "--json", "--tag", "set=good") == before


def test_plain_text_of_no_dump_and_no_key_is_left(programs, company, filled):
    words = programs.run("make_set", company.making(filled, "third"))
    secret = (company.data / "signing.key").read_text().split()[2]
    assert secret not in json.dumps(words)
    found = subprocess.run(["grep", "-rlF", "message 7", str(filled.path)], capture_output=True, check=False)
    assert found.stdout == b""


def test_the_company_itself_comes_back_as_plain_files(programs, company, filled, office):
    into = office.folder / "fetched"
    into.mkdir()
    into.chmod(0o777)
    words = programs.run("fetch_set", {"repository": filled.settings(), "set": "good", "into": str(into)})
    assert words["databases"] == ["synapse"] and words["signingKeyId"] == "ed25519:a_test"
    key = into / "secrets/acme-homeserver-keys/signing.key"
    assert key.read_text() == (company.data / "signing.key").read_text() and not key.is_symlink()
    assert json.loads((into / "company.json").read_text())["resource"]["kind"] == "CompanyHomeserver"
    assert json.loads((into / "manifest.json").read_text())["set"] == "good"


@pytest.fixture(scope="module")
def copy(programs, company, filled, office):
    """(target, last words) of a restore of the good set."""
    target = company.target()
    office.started, office.manifest = office.folder / "started", office.folder / "manifest.json"
    words = programs.run("fill_set", company.filling(
        filled, target, "good", startedAtFile=str(office.started), manifestFile=str(office.manifest)))
    return target, words


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_filled_copy_holds_the_same(company, copy):
    (name, folder), words = copy
    assert words["set"] == "good" and words["mediaChecked"] == 13
    for table in ("users", "events", "event_json", "local_media_repository", "room_memberships"):
        assert company.value(f"SELECT count(*) FROM {table}", name) == company.value(f"SELECT count(*) FROM {table}")
    for kind in ("local_content", "local_thumbnails"):
        files = contents(folder / kind)
        assert files and files == contents(company.media / kind)
    assert set(os.listdir(folder)) == {"local_content", "local_thumbnails"}


def test_what_must_not_come_back_does_not(company, copy):
    (name, _), _ = copy
    assert company.value("SELECT count(*) FROM e2e_one_time_keys_json") == "1"
    assert company.value("SELECT count(*) FROM e2e_one_time_keys_json", name) == "0"
    assert int(company.value("SELECT last_value FROM application_services_txn_id_seq", name)) > 1000
    assert company.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'alphorn_restore'", name) == "0"
    foreign = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner <> 'fresh'"
    assert company.value(foreign, name) == "0"


@pytest.fixture(scope="module")
def drill(office, copy):
    """The request of a drill; a second Synapse runs on the copy meanwhile."""
    target, _ = copy
    with office.copy_server(target) as request:
        yield dict(request, manifestFile=str(office.manifest), startedAtFile=str(office.started), readDataSubset="100%")


def test_a_homeserver_lives_on_the_copy(programs, drill, filled):
    words = programs.run("check_set", dict(drill, repository=filled.settings()))
    assert words["checks"]["media"] == "ok, 13" and words["checks"]["signingKey"] == "ok"
    assert words["readData"] == "100%" and 0 < words["rtoSeconds"] < 600
    assert "checked=" in programs.restic(filled, "snapshots", "--host", "upkeep")


def test_a_drill_sees_another_key(programs, drill, filled, office):
    other = json.loads(office.manifest.read_text()) | {"signingKeyId": "ed25519:a_other"}
    path = office.folder / f"other-{secrets.token_hex(2)}.json"
    path.write_text(json.dumps(other))
    programs.refused("check_set", dict(drill, manifestFile=str(path), repository=filled.settings()), "KeyDiffers")


def test_a_drill_sees_a_changed_file(programs, drill, filled, copy):
    (_, folder), _ = copy
    victim = max((path for path in (folder / "local_content").rglob("*") if path.is_file()),
                 key=lambda path: path.stat().st_size)
    content = victim.read_bytes()
    victim.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    words = programs.refused("check_set", dict(drill, repository=filled.settings()), "MediaDiffers")
    assert words["error"].startswith("media: 1 of 13")
    victim.write_bytes(content)
