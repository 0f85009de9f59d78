"""The repository in a bucket of a real S3 server: what is wrong with it is told at once, and its absence survived."""

import os
import secrets
import sys
import time

import pytest
from apiserver import free_ports
from world import ROOT, Bucket

sys.path.insert(0, str(ROOT / "tests/e2e"))

if not os.environ.get("ALPHORN_S3"):
    pytest.exit("ALPHORN_S3 names no S3 server: run this by ./dev test contract", 1)

from support.bucket import BucketServer  # noqa: E402  (the path is known only now)

NAMES = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
         "s3.port.grpc")


@pytest.fixture(scope="module")
def storage():
    port, *others = free_ports(1 + len(NAMES))
    server = BucketServer(secrets.token_hex(10), secrets.token_urlsafe(30), "127.0.0.1", port,
                          dict(zip(NAMES, others)))
    server.make("backups")
    yield server
    server.close()


@pytest.fixture(scope="module")
def repository(storage, office):
    return Bucket(storage, office.folder, "backups")


def test_a_set_goes_into_a_bucket_and_comes_out(programs, company, repository, storage):
    words = programs.run("make_set", company.making(repository, "night"))
    assert words["sets"] == ["night"] and words["upkeep"] == ""
    assert any(name.startswith("acme/snapshots/") for name in storage.names("backups"))
    assert programs.run("fill_set", company.filling(repository, company.target()))["mediaChecked"] == 13


def test_a_bucket_that_is_not_there(programs, company, storage, office):
    missing = Bucket(storage, office.folder, "nowhere")
    programs.refused("make_set", company.making(missing, "night"), "RepositoryMissingBucket")


@pytest.mark.parametrize("file", ["access-key-id", "secret-access-key"])
def test_a_key_that_is_refused(programs, company, storage, office, file):
    other = Bucket(storage, office.folder, "backups-" + file)
    other.url = f"s3:{storage.endpoint}/backups/acme"
    (other.folder / file).write_text("not-this-one")
    programs.refused("make_set", company.making(other, "night"), "RepositoryRefused")


def test_a_certificate_of_a_stranger(programs, company, repository):
    request = company.making(repository, "night", repository=repository.settings(ca=None))
    words = programs.refused("make_set", request, "RepositoryUnreachable", 1)
    assert "certificate" in words["error"]


def test_a_server_that_is_gone(programs, company, repository, storage):
    storage.stop()
    began = time.monotonic()
    programs.refused("make_set", company.making(repository, "gone"), "RepositoryUnreachable", 1)
    assert time.monotonic() - began < 30
    storage.start()


def gone_meanwhile(programs, name, request, storage, seen):
    """The program's end when the server goes once `seen` was told."""
    child = programs.start(name, request)
    output = ""
    while seen not in output:
        line = child.stdout.readline()
        assert line, output
        output += line
    storage.stop()
    return programs.end(child)


def test_a_server_that_goes_in_the_middle(programs, company, repository, storage):
    impatient = repository.settings(patienceSeconds=5)
    ran = gone_meanwhile(programs, "make_set", company.making(repository, "second", repository=impatient), storage,
                         "stored a part")
    storage.start()
    assert (ran.code, ran.words["reason"]) == (1, "RepositoryUnreachable"), ran.output
    words = programs.run("make_set", company.making(repository, "second"))
    assert words["sets"] == ["second", "night"] and words["upkeep"] == ""


def test_a_server_that_goes_while_a_set_is_filled(programs, company, repository, storage):
    target = company.target()
    impatient = company.filling(repository, target, "night", repository=repository.settings(patienceSeconds=5))
    ran = gone_meanwhile(programs, "fill_set", impatient, storage, "filled a database")
    storage.start()
    assert (ran.code, ran.words["reason"]) == (1, "RepositoryUnreachable"), ran.output
    assert programs.run("fill_set", company.filling(repository, target, "night"))["mediaChecked"] == 13
