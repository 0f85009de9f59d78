"""What is deleted or edited by hand is mended, and lost keys are waited for."""

import base64
import hashlib
import subprocess
import time

import pytest

from support import matrix, wire
from support import kubectl as k
from support.company import CHILDREN, KEPT_KINDS, UNTIL_READY
from support.waiting import Stopwatch, figure, wait_until

# Kubernetes tells the operator of a change at once; this is for a busy machine.
UNTIL_MENDED = 60


@pytest.fixture(scope="module")
def foxtrot(offices):
    company = offices.company("foxtrot")
    company.found()
    company.wait_ready()
    return company


def fingerprints(company):
    """A digest of every value that is drawn once, so that a failure never prints one."""
    return {f"{suffix}/{key}": hashlib.sha256(value).hexdigest()
            for suffix in ("homeserver-keys", "database-keys", "administrator")
            for key, value in company.secret(suffix).items()}


def test_whatever_is_deleted_by_hand_is_back(foxtrot):
    before = foxtrot.children()
    keys = fingerprints(foxtrot)
    doomed = {identity for identity in before
              if identity[0] not in KEPT_KINDS or identity[1].endswith("-gateway-tls")}
    assert {kind for kind, _ in doomed} == set(CHILDREN) - {"PersistentVolumeClaim"}
    watch = Stopwatch()
    for kind, name in sorted(doomed):
        k.delete(kind, name, foxtrot.namespace)

    def all_are_new():
        now = foxtrot.children()
        old = sorted(child for child in doomed
                     if child not in now or k.uid_of(now[child]) == k.uid_of(before[child]))
        assert not old, f"not back: {old}"

    wait_until("deleted children are back", all_are_new, UNTIL_READY)
    foxtrot.wait_ready()
    figure(f"{len(doomed)} deleted children back and Ready", f"{watch.seconds:.0f} s")
    after = foxtrot.children()
    assert set(after) == foxtrot.expected_children()
    kept = set(before) - doomed
    assert [k.uid_of(after[child]) for child in kept] == [k.uid_of(before[child]) for child in kept]
    assert fingerprints(foxtrot) == keys, "keys were drawn anew"


def field(company, kind, suffix, *path):
    def read():
        value = k.get(kind, f"{company.name}-{suffix}", company.namespace)
        for step in path:
            value = value[step]
        return value
    return read


EDITS = [
    ("deployment", "gateway", {"spec": {"replicas": 0}}, ("spec", "replicas")),
    ("statefulset", "homeserver", {"spec": {"replicas": 0}}, ("spec", "replicas")),
    ("service", "homeserver", {"spec": {"selector": {"app.kubernetes.io/name": "nobody"}}},
     ("spec", "selector", "app.kubernetes.io/name")),
    ("configmap", "ca", {"data": {"ca.crt": "nothing"}}, ("data", "ca.crt")),
    ("configmap", "homeserver", {"data": {"homeserver.yaml": "enable_registration: true\n"}},
     ("data", "homeserver.yaml")),
    ("deployment", "gateway", {"metadata": {"labels": {"app.kubernetes.io/part-of": "jo"}}},
     ("metadata", "labels", "app.kubernetes.io/part-of")),
]


@pytest.mark.parametrize("kind, suffix, change, path", EDITS)
def test_an_edit_of_what_the_operator_says_is_undone(foxtrot, kind, suffix, change, path):
    read = field(foxtrot, kind, suffix, *path)
    before = read()
    k.patch(kind, f"{foxtrot.name}-{suffix}", foxtrot.namespace, change)

    def undone():
        # Compared before it is shown: a whole configuration does not help in a message.
        same = read() == before
        assert same, f"{'.'.join(path)} of {kind} {foxtrot.name}-{suffix} is still as edited"

    wait_until("the edit is undone", undone, UNTIL_MENDED, every=0.2)


LOST_LABELS = [(kind, suffix, label)
               for kind, suffix in (("service", "gateway"), ("secret", "homeserver-keys"))
               for label in ("app.kubernetes.io/managed-by", k.TENANT_LABEL)]
LOST_LABELS.append(("secret", "homeserver-keys", "alphorn.dev/keep"))


@pytest.mark.parametrize("kind, suffix, label", LOST_LABELS)
def test_a_label_that_was_taken_away_is_back(foxtrot, kind, suffix, label):
    """By some the operator finds its own; by the last one the policy knows what to guard."""
    name, keys = f"{foxtrot.name}-{suffix}", fingerprints(foxtrot)
    before = k.get(kind, name, foxtrot.namespace)
    wanted = before["metadata"]["labels"][label]
    k.patch(kind, name, foxtrot.namespace, {"metadata": {"labels": {label: None}}})

    def labelled():
        labels = k.get(kind, name, foxtrot.namespace)["metadata"]["labels"]
        assert labels.get(label) == wanted, f"{kind} {name} has the labels {labels}"

    wait_until("the label is back", labelled, UNTIL_MENDED, every=0.2)
    assert k.uid_of(k.get(kind, name, foxtrot.namespace)) == k.uid_of(before), "it was made anew"
    assert fingerprints(foxtrot) == keys, "keys were drawn anew"
    foxtrot.wait_ready()
    foxtrot.expect("Stalled", "False")


def another_key():
    """A private key as good as any, of which no certificate knows."""
    return subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                           "ec_paramgen_curve:P-256"], capture_output=True, check=True).stdout


@pytest.mark.parametrize("part, value", [("tls.crt", lambda: b"nothing"),
                                         ("tls.key", lambda: b"nothing"),
                                         ("tls.key", another_key)])
def test_a_spoilt_certificate_is_issued_anew(foxtrot, part, value):
    spoilt = value()
    k.patch("secret", f"{foxtrot.name}-gateway-tls", foxtrot.namespace,
            {"data": {part: base64.b64encode(spoilt).decode()}})

    def issued():
        still = foxtrot.secret("gateway-tls")[part] == spoilt
        assert not still, f"{part} is still the spoilt one"

    wait_until("a new certificate is issued", issued, UNTIL_MENDED)
    foxtrot.wait_ready()


def test_a_new_certificate_reaches_clients_and_none_is_turned_away(foxtrot):
    contact = foxtrot.contact()
    trust = wire.trusting(contact["caFile"])

    def served():
        """The serial number of a handshake of its own, after an answer from the server itself."""
        status, text = wire.exactly(contact["address"], contact["caFile"], "GET",
                                    "/_matrix/client/versions")
        assert status == 200, f"/versions answers {status}: {text[:200]}"
        return wire.handshake(contact["address"], trust)[1]["serialNumber"]

    old, requests, watch = served(), 0, Stopwatch()
    k.delete("secret", f"{foxtrot.name}-gateway-tls", foxtrot.namespace)
    # Whatever fails here ends the story: renewal comes every other month and must not be noticed.
    while served() == old:
        requests += 1
        assert watch.seconds < UNTIL_READY, f"still the old certificate after {requests} requests"
        time.sleep(0.1)
    figure("a new certificate is served",
           f"after {watch.seconds:.0f} s and {requests} requests, none of which failed")
    foxtrot.wait_ready()


def test_what_others_add_stays(foxtrot):
    gateway, server = f"{foxtrot.name}-gateway", f"{foxtrot.name}-homeserver"
    k.patch("deployment", gateway, foxtrot.namespace,
            {"metadata": {"labels": {"team": "blue"}, "annotations": {"example.org/note": "mine"}},
             "spec": {"progressDeadlineSeconds": 777}})
    k.patch("configmap", server, foxtrot.namespace, {"data": {"notes.txt": "mine\n"}})
    k.patch("service", server, foxtrot.namespace, {"spec": {"sessionAffinity": "ClientIP"}})
    # The operator is made to write to all three: that is when it could take away what is not its.
    for kind, name in (("deployment", gateway), ("configmap", server), ("service", server)):
        k.patch(kind, name, foxtrot.namespace,
                {"metadata": {"labels": {"app.kubernetes.io/part-of": "jo"}}})

    def written():
        for kind, suffix in (("deployment", "gateway"), ("configmap", "homeserver"),
                             ("service", "homeserver")):
            read = field(foxtrot, kind, suffix, "metadata", "labels", "app.kubernetes.io/part-of")
            assert read() == "alphorn", f"{kind} {suffix} is not mended yet"

    wait_until("the operator has written to all three", written, UNTIL_MENDED)
    deployment = k.get("deployment", gateway, foxtrot.namespace)
    assert deployment["metadata"]["labels"].get("team") == "blue"
    assert deployment["metadata"]["annotations"].get("example.org/note") == "mine"
    assert deployment["spec"]["progressDeadlineSeconds"] == 777
    assert k.get("configmap", server, foxtrot.namespace)["data"].get("notes.txt") == "mine\n"
    assert k.get("service", server, foxtrot.namespace)["spec"]["sessionAffinity"] == "ClientIP"
    foxtrot.wait_ready()


KEPT = [("secret", "homeserver-keys"), ("secret", "database-keys"), ("secret", "administrator"),
        ("pvc", "database-data"), ("pvc", "media")]


@pytest.mark.parametrize("kind, suffix", KEPT)
def test_keys_and_data_are_not_deleted_by_mistake(foxtrot, kind, suffix):
    name = f"{foxtrot.name}-{suffix}"
    text = k.refusal("delete", kind, name, "-n", foxtrot.namespace, "--wait=false")
    for word in (name, foxtrot.name, "alphorn.dev/allow-delete"):
        assert word in text, f"the refusal does not say {word!r}: {text}"
    found = k.get(kind, name, foxtrot.namespace)
    assert found and "deletionTimestamp" not in found["metadata"], f"{kind} {name} is going"


def test_an_administrator_whose_secret_is_lost_gets_another_password(foxtrot):
    name = f"{foxtrot.name}-administrator"
    old = k.get("secret", name, foxtrot.namespace)
    password = foxtrot.secret("administrator")["password"]
    registration = foxtrot.status()["administrator"]["registration"]
    k.patch("secret", name, foxtrot.namespace,
            {"metadata": {"annotations": {"alphorn.dev/allow-delete": "true"}}})
    k.delete("secret", name, foxtrot.namespace)

    def drawn_and_set():
        found = k.get("secret", name, foxtrot.namespace)
        assert found and k.uid_of(found) != k.uid_of(old), f"Secret {name} is not there yet"
        now = foxtrot.status()["administrator"]["registration"]
        assert now != registration, f"Secret {name} is not in use yet"

    wait_until("another password is set", drawn_and_set, UNTIL_MENDED)
    foxtrot.wait_ready()
    assert foxtrot.secret("administrator")["password"] != password, "it is the old password"
    admin = matrix.administrator_of(foxtrot)
    # What helped to set it may do so no more.
    status, answer = foxtrot.from_inside(
        "GET", "/_synapse/admin/v2/users?guests=false&deactivated=false", admin.token)
    assert status == 200, f"the list of accounts answers {status}"
    people = [user["name"] for user in answer["users"] if not user["deactivated"]]
    assert people == [admin.user], f"active accounts are {people}"


@pytest.mark.parametrize("suffix", ["homeserver-keys", "database-keys"])
def test_lost_keys_are_not_drawn_again_but_waited_for(foxtrot, suffix):
    name = f"{foxtrot.name}-{suffix}"
    saved = k.get("secret", name, foxtrot.namespace)
    server = foxtrot.signing_key()
    k.patch("secret", name, foxtrot.namespace,
            {"metadata": {"annotations": {"alphorn.dev/allow-delete": "true"}}})
    k.delete("secret", name, foxtrot.namespace)
    try:
        foxtrot.wait_for("Stalled", "True", "KeysLost", message=name, limit=UNTIL_MENDED)
        foxtrot.expect("Ready", "False", "KeysNotReady", message="restore it from a backup")
        assert not k.get("secret", name, foxtrot.namespace), f"new keys were drawn in {name}"
    finally:
        restored = {key: saved[key] for key in ("apiVersion", "kind", "type", "data")}
        restored["metadata"] = {key: saved["metadata"][key]
                                for key in ("name", "namespace", "labels")}
        k.create(restored)
    foxtrot.wait_ready()
    assert foxtrot.signing_key() == server, "it has become another server"
