"""A company is backed up while people talk, by hand and by its schedule, and what fails says why."""

import base64
import json
import secrets
import threading

import pytest

from support import bucket as s3
from support import kubectl as k
from support import matrix
from support.waiting import Stopwatch, figure, wait_until

HSB = "homeserverbackups.alphorn.dev"
HSR = "homeserverrestores.alphorn.dev"
SECRET = "backup-key"
BUCKET = "company-backup"
PREFIX = "archive/"
KEY_ID = "BACKUPKEY"
# Another server than that of the story of files, which may be told at the same time.
PORT = 19994
OTHER_PORTS = {"master.port": 19970, "volume.port": 19971, "filer.port": 19972}
UNTIL_DONE = 240
UNTIL_DRILLED = 420
UNTIL_TOLD = 60
PICTURE = secrets.token_bytes(2_000_000)
NEVER = "0 0 30 2 *"
EVERY_MINUTE = "* * * * *"


@pytest.fixture(scope="module")
def company(offices):
    return offices.company("vault")


@pytest.fixture(scope="module")
def key():
    return secrets.token_hex(20)


@pytest.fixture(scope="module")
def server(key):
    server = s3.BucketServer(KEY_ID, key, port=PORT, other_ports=OTHER_PORTS)
    server.make(BUCKET)
    yield server
    server.close()


@pytest.fixture(scope="module")
def administrator(company):
    return matrix.administrator_of(company)


@pytest.fixture(scope="module")
def memory():
    return {}


def bring(company, secret):
    data = {name: base64.b64encode(value.encode()).decode()
            for name, value in {"access-key-id": KEY_ID, "secret-access-key": secret}.items()}
    if k.get("secret", SECRET, company.namespace):
        return k.patch("secret", SECRET, company.namespace, {"data": data})
    return k.create({"apiVersion": "v1", "kind": "Secret", "data": data,
                     "metadata": {"name": SECRET, "namespace": company.namespace,
                                  "labels": {k.TENANT_LABEL: company.name}}})


def backup(**changes):
    """By a schedule that never comes: the thirtieth of February."""
    return {"schedule": NEVER, "jitterMinutes": 0, "drill": {"schedule": NEVER}, "repository": {"s3": {
        "bucket": BUCKET, "region": s3.REGION, "endpoint": f"https://{s3.ADDRESS}:{PORT}", "prefix": PREFIX,
        "secretRef": {"name": SECRET}, "networks": [s3.ADDRESS + "/32"]}}, **changes}


def ask_for(company, name):
    k.create({"apiVersion": "alphorn.dev/v1alpha1", "kind": "HomeserverBackup",
              "metadata": {"name": name, "namespace": company.namespace},
              "spec": {"homeserverRef": {"name": company.name}}})


def status(company, name):
    return (k.get(HSB, name, company.namespace) or {}).get("status", {})


def wait_for(company, name, phase, limit=UNTIL_DONE):
    def reached():
        told = status(company, name)
        assert told.get("phase") == phase, json.dumps(told)
        return told
    return wait_until(f"backup {name} is {phase}", reached, limit)


def test_what_is_missing_is_named_and_keeps_nobody_from_talking(company, server):
    company.found(homeserver={"caBundle": server.ca_file.read_text()}, backup=backup())
    company.wait_ready()
    said = company.wait_for("BackupHealthy", "False", "BackupSecretMissing", limit=UNTIL_TOLD)
    assert SECRET in said["message"] and k.TENANT_LABEL in said["message"]
    ask_for(company, "too-early")
    told = wait_for(company, "too-early", "Pending", UNTIL_TOLD)
    assert told["reason"] == "BackupNotReady" and SECRET in told["message"], told


def test_a_wrong_key_fails_with_its_reason(company):
    bring(company, "wrong " + secrets.token_hex(8))
    told = wait_for(company, "too-early", "Failed")
    assert told["reason"] == "RepositoryRefused", told
    company.wait_for("BackupHealthy", "False", "BackupFailed", "too-early", limit=UNTIL_TOLD)
    company.expect("Ready", "True")


def test_a_backup_is_made_while_people_talk(company, key, administrator, memory):
    bring(company, key)
    memory["room"] = administrator.create_room(preset="private_chat")
    memory["picture"] = administrator.upload(PICTURE, "image/jpeg")
    sent, over = [], threading.Event()

    def talk():
        while not over.is_set():
            sent.append(matrix.say(administrator, memory["room"], f"message {len(sent)}"))
            over.wait(5)  # the homeserver asks whoever says more to wait

    people = threading.Thread(target=talk)
    people.start()
    try:
        watch = Stopwatch()
        ask_for(company, "first")
        told = wait_for(company, "first", "Complete")
        figure("a first backup, from its creation to Complete", f"{watch.seconds:.1f} s")
    finally:
        over.set()
        people.join()
    assert sent, "nobody could talk meanwhile"
    assert told["counts"]["users"] >= 1 and told["counts"]["events"] > 5, told
    assert told["counts"]["mediaFiles"] >= 1 and told["bytes"] > len(PICTURE), told
    assert {part["name"] for part in told["parts"]} >= {"database-synapse", "media", "company"}, told
    company.wait_for("BackupHealthy", "True", "BackedUp", limit=UNTIL_TOLD)
    said = company.status()["backup"]
    assert said["lastSet"] == "first" and said["sets"] == 1, said
    memory["first"] = told


def test_nothing_is_readable_in_the_bucket(company, server, memory):
    """Neither a file of the company nor a table's or a key's name."""
    names = server.names(BUCKET)
    assert names, "the bucket is empty"
    for name in names:
        content = server.content(BUCKET, name)
        for secret in (PICTURE[:64], b"e2e_one_time_keys_json", b"signing.key", b"CREATE TABLE"):
            assert secret not in content, f"{name} has {secret[:20]}"


def test_the_next_one_is_small(company, memory):
    ask_for(company, "second")
    told = wait_for(company, "second", "Complete")
    first = memory["first"]
    figure("added by a second backup with hardly a change",
           f"{told['addedBytes'] / first['addedBytes']:.1%} of the first")
    assert told["addedBytes"] < first["addedBytes"] / 4, (first, told)
    assert told["sets"] == 2, told


def test_the_schedule_makes_one_by_itself(company):
    """Every minute here; another than those asked for by hand appears."""
    company.change(backup=backup(schedule=EVERY_MINUTE))

    def scheduled():
        names = [found["metadata"]["name"] for found in k.listed(HSB, company.namespace)
                 if found["spec"].get("jobRef") and found.get("status", {}).get("phase") == "Complete"]
        assert names, "none of the schedule is complete"
        return names[0]
    name = wait_until("the schedule has made one", scheduled, UNTIL_DONE)
    company.change(backup=backup())
    assert status(company, name)["set"], status(company, name)


def test_the_schedule_proves_one_by_restoring_it(company, memory):
    """Every minute here: PostgreSQL, files and a homeserver out of the way, and gone afterwards."""
    watch = Stopwatch()
    company.change(backup=backup(drill={"schedule": EVERY_MINUTE}))

    def proven():
        told = {found["metadata"]["name"]: found.get("status", {}) for found in k.listed(HSR, company.namespace)}
        over = {name: status for name, status in told.items()
                if status.get("phase") in ("Complete", "Failed")}
        assert over, json.dumps(told)
        return over.popitem()
    name, told = wait_until("a drill is over", proven, UNTIL_DRILLED)
    company.change(backup=backup())
    assert told["phase"] == "Complete", told
    figure("a drill of the schedule, from the wish to its end", f"{watch.seconds:.0f} s")
    figure("recovery time that it measured", told["recoveryTime"])
    assert {"signingKey", "login", "media", "repository"} <= set(told["checks"]), told
    company.wait_for("BackupVerified", "True", "Verified", name, limit=UNTIL_TOLD)
    said = company.status()["backup"]
    assert said["lastVerified"] == told["finishedAt"] and said["recoveryTime"], said
    proven_set = [found for found in k.listed(HSB, company.namespace)
                  if found.get("status", {}).get("set") == told["set"]]
    assert proven_set and proven_set[0]["status"]["verifiedAt"], proven_set


def test_a_drill_of_a_set_that_is_not_there_fails_and_says_so(company):
    k.create({"apiVersion": "alphorn.dev/v1alpha1", "kind": "HomeserverRestore",
              "metadata": {"name": "of-nothing", "namespace": company.namespace},
              "spec": {"homeserverRef": {"name": company.name}, "mode": "drill", "set": "nothing"}})

    def failed():
        told = (k.get(HSR, "of-nothing", company.namespace) or {}).get("status", {})
        assert told.get("phase") == "Failed", json.dumps(told)
        return told
    told = wait_until("the drill has failed", failed, UNTIL_DRILLED)
    assert told["reason"] == "SetMissing", told
    company.wait_for("BackupVerified", "False", "DrillFailed", "of-nothing", limit=UNTIL_TOLD)
    company.expect("Ready", "True")


def test_drills_leave_nothing_behind(company):
    def clean():
        claims = {found["metadata"]["name"] for found in k.listed("persistentvolumeclaims", company.namespace)}
        assert claims == {f"{company.name}-media", f"{company.name}-database-data"}, claims
    for job in k.listed("jobs", company.namespace, "app.kubernetes.io/component=drill"):
        k.delete("job", job["metadata"]["name"], company.namespace)
    wait_until("the disks of the drills are gone", clean, UNTIL_TOLD)


def test_a_last_backup_is_made_before_everything_goes(company):
    """Data and keys go with it; the password of the backups stays."""
    secret = f"{company.name}-backup"
    before = k.get("secret", secret, company.namespace)
    uid = company.resource()["metadata"]["uid"]
    company.change(deletionPolicy="FinalBackup")

    def held():
        assert company.resource()["metadata"].get("finalizers"), "no finalizer"
    wait_until("it is held until its data are gone", held, UNTIL_TOLD)
    k.delete(k.CHS, company.name, company.namespace)

    def gone():
        assert not k.get(k.CHS, company.name, company.namespace)
        claims = [k.name_of(claim) for claim in k.listed("persistentvolumeclaims", company.namespace)]
        assert not claims, claims
    wait_until("the company is gone", gone, UNTIL_DONE)
    told = status(company, f"{company.name}-final-{uid[:8]}")
    assert told["phase"] == "Complete" and told["counts"]["users"] >= 1, told
    assert not k.get("secret", f"{company.name}-homeserver-keys", company.namespace)
    after = k.get("secret", secret, company.namespace)
    assert after and after["data"] == before["data"]
