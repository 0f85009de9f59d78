"""A company's files are in a bucket of an S3 server; its volume is a cache of it."""

import base64
import secrets

import pytest

from support import bucket as s3
from support import kubectl as k
from support import matrix
from support.waiting import Stopwatch, figure, wait_until

SECRET = "bucket-key"
BUCKET = "company-media"
PREFIX = "matrix/"
KEY_ID = "COMPANYKEY"
UNTIL_TOLD = 40
UNTIL_ROLLED = 120
UNTIL_SWEPT = 60
TWO_HOURS = 7200
PICTURE = secrets.token_bytes(3_000_000)


@pytest.fixture(scope="module")
def company(offices):
    return offices.company("album")


@pytest.fixture(scope="module")
def key():
    return secrets.token_hex(20)


@pytest.fixture(scope="module")
def server(key):
    server = s3.BucketServer(KEY_ID, key)
    yield server
    server.close()


@pytest.fixture(scope="module")
def memory():
    return {}


@pytest.fixture(scope="module")
def administrator(company):
    return matrix.administrator_of(company)


def bring(company, secret):
    data = {name: base64.b64encode(value.encode()).decode()
            for name, value in {"access-key-id": KEY_ID, "secret-access-key": secret}.items()}
    if k.get("secret", SECRET, company.namespace):
        k.patch("secret", SECRET, company.namespace, {"data": data})
        return
    k.create({"apiVersion": "v1", "kind": "Secret", "data": data,
              "metadata": {"name": SECRET, "namespace": company.namespace,
                           "labels": {k.TENANT_LABEL: company.name}}})


def beside_synapse(company, *command):
    return k.kubectl("exec", "-n", company.namespace, f"{company.name}-homeserver-0", "-c",
                     "synapse", "--", *command)


def copy_of(uri):
    """Where the volume has the file (MediaFilePaths of Synapse)."""
    media = uri.rsplit("/", 1)[1]
    return f"local_content/{media[:2]}/{media[2:4]}/{media[4:]}"


def has_copy(company, uri):
    said = beside_synapse(company, "python3", "-c",
                          "import os, sys; print(os.path.exists(sys.argv[1]))",
                          "/data/media_store/" + copy_of(uri))
    return said.strip() == "True"


def media(**changes):
    return {"media": {"size": "1Gi", "s3": {
        "bucket": BUCKET, "region": s3.REGION, "endpoint": s3.ENDPOINT, "prefix": PREFIX,
        "secretRef": {"name": SECRET}, "networks": [s3.ADDRESS + "/32"], **changes}}}


def test_a_missing_key_is_named(company, server):
    company.found(homeserver={"caBundle": server.ca_file.read_text(), **media()})
    said = company.wait_for("MediaReady", "False", "MediaKeyMissing", limit=UNTIL_TOLD)
    assert SECRET in said["message"] and k.TENANT_LABEL in said["message"]
    company.wait_for("DatabaseReady", "True")
    company.expect("HomeserverReady", "False", "Waiting", "media")


def test_a_wrong_key_is_named_while_people_talk(company):
    bring(company, "wrong " + secrets.token_hex(8))
    said = company.wait_for("BucketReady", "False", "BucketRefused")
    assert BUCKET in said["message"] and SECRET in said["message"]
    company.wait_for("GatewayReady", "True")
    company.expect("Ready", "False", "BucketNotReady")


def test_the_right_key_finds_that_the_bucket_is_missing(company, key):
    bring(company, key)
    company.wait_for("BucketReady", "False", "BucketMissing", BUCKET, limit=UNTIL_ROLLED)


def test_it_heals_when_the_bucket_is_there(company, server):
    server.make(BUCKET)
    watch = Stopwatch()
    company.wait_ready(limit=UNTIL_TOLD)
    figure("from the bucket's making to Ready", f"{watch.seconds:.1f} s")


def test_an_upload_that_was_acknowledged_is_in_the_bucket(company, server, administrator, memory):
    watch = Stopwatch()
    uri = administrator.upload(PICTURE, "image/jpeg")
    figure("an upload of 3 MB, bucket included", f"{watch.seconds:.2f} s")
    assert server.content(BUCKET, PREFIX + copy_of(uri)) == PICTURE
    assert has_copy(company, uri)
    memory["picture"] = uri


def test_what_the_volume_lost_comes_from_the_bucket(company, administrator, memory):
    beside_synapse(company, "rm", "/data/media_store/" + copy_of(memory["picture"]))
    assert not has_copy(company, memory["picture"])
    answer = administrator.download(memory["picture"])
    assert answer.status_code == 200 and answer.content == PICTURE


def test_without_the_bucket_no_upload_is_acknowledged(company, server, administrator, memory):
    server.stop()
    try:
        answer = administrator.send("POST", "/_matrix/media/v3/upload", data=b"lost?",
                                    headers={"Content-Type": "text/plain"})
        assert answer.status_code >= 500, f"it answers {answer.status_code}"
    finally:
        server.start()
    memory["note"] = administrator.upload(b"kept", "text/plain")
    assert server.content(BUCKET, PREFIX + copy_of(memory["note"])) == b"kept"


def test_what_was_there_before_is_brought_and_old_copies_go(company, server, memory):
    before = "local_content/zz/zz/from-before-the-bucket"
    age = ("import os, sys, time; path = sys.argv[1]\n"
           "os.makedirs(os.path.dirname(path), exist_ok=True)\n"
           "if not os.path.exists(path): open(path, 'w').write('long ago')\n"
           f"os.utime(path, (time.time() - {TWO_HOURS},) * 2)")
    for path in (before, copy_of(memory["note"])):
        beside_synapse(company, "python3", "-c", age, "/data/media_store/" + path)
    assert has_copy(company, memory["note"])
    company.change(homeserver=media(keepLocal="1h"))
    company.wait_ready(limit=UNTIL_ROLLED)

    def swept():
        assert not has_copy(company, memory["note"]), "the old copy is still there"
    wait_until("old copies are gone", swept, UNTIL_SWEPT)
    assert server.content(BUCKET, PREFIX + before) == b"long ago"
    person = matrix.administrator_of(company)
    assert person.download(memory["note"]).content == b"kept"
    assert person.download(memory["picture"]).content == PICTURE


def test_the_key_is_nowhere_but_in_its_secret(company, key):
    for (kind, name), item in company.children().items():
        if kind != "Secret":
            assert key not in str(item), f"{kind} {name} holds the key"
    assert key not in str(company.resource())
    for container in ("prepare-bucket", "synapse", "bucket"):
        said = k.kubectl("logs", "-n", company.namespace, f"{company.name}-homeserver-0",
                         "-c", container)
        assert key not in said, f"container {container} logs the key"
