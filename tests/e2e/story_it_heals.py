"""What is deleted or edited by hand is mended; killing the operator delays it, no more."""

import base64
import hashlib

import pytest

from support import audit, matrix, operator
from support import kubectl as k
from support.company import CHILDREN, KEPT_KINDS, UNTIL_READY
from support.waiting import Stopwatch, figure, wait_until

# Kubernetes tells the operator of a change at once; this is for a busy machine.
UNTIL_MENDED = 60


@pytest.fixture(scope="module")
def foxtrot(offices):
    return offices.company("foxtrot")


def fingerprints(company):
    """A digest of every value that is drawn once, so that a failure never prints one."""
    return {f"{suffix}/{key}": hashlib.sha256(value).hexdigest()
            for suffix in ("homeserver-keys", "database-keys", "administrator")
            for key, value in company.secret(suffix).items()}


def exists(company, *children):
    def check():
        missing = {child for child in children} - set(company.children())
        assert not missing, f"not made yet: {sorted(missing)}"
    return check


def test_a_company_comes_up_although_the_operator_is_killed_again_and_again(foxtrot):
    name = foxtrot.name
    # At each of these moments the leader dies, by turns without warning and by the API.
    moments = [("Secret", f"{name}-homeserver-keys"), ("StatefulSet", f"{name}-database"),
               ("Service", f"{name}-homeserver"), ("StatefulSet", f"{name}-homeserver"),
               ("Deployment", f"{name}-gateway")]
    began = audit.now()
    watch = Stopwatch()
    foxtrot.found()
    for turn, moment in enumerate(moments):
        wait_until(f"{moment} is made", exists(foxtrot, moment), UNTIL_READY, every=0.2)
        (operator.kill_leader, operator.remove_leader)[turn % 2]()
    foxtrot.wait_ready()
    figure(f"Ready although the leader was killed {len(moments)} times", f"{watch.seconds:.0f} s")
    operator.wait_until_whole()
    assert set(foxtrot.children()) == foxtrot.expected_children()
    replica_sets = k.listed("replicasets", foxtrot.namespace)
    wanted = [k.name_of(item) for item in replica_sets if item["spec"]["replicas"]]
    assert len(wanted) == 1, f"the gateway runs in {wanted}"
    drawn = [write for write in audit.writes_by(audit.operator_account(), began)
             if write.verb == "create" and write.resource == "secrets" and write.code == 201
             and write.namespace == foxtrot.namespace]
    names = sorted(write.name for write in drawn)
    keys = [f"{name}-administrator", f"{name}-database-keys", f"{name}-homeserver-keys"]
    assert names == keys, f"keys were drawn for {names}; expected each once: {keys}"


def test_its_administrator_can_log_in_all_the_same(foxtrot):
    assert matrix.administrator_of(foxtrot).user == foxtrot.status()["administrator"]["userId"]


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


def test_a_spoilt_certificate_is_issued_anew(foxtrot):
    garbage = base64.b64encode(b"nothing").decode()
    k.patch("secret", f"{foxtrot.name}-gateway-tls", foxtrot.namespace,
            {"data": {"tls.crt": garbage}})

    def issued():
        spoilt = foxtrot.secret("gateway-tls")["tls.crt"] == b"nothing"
        assert not spoilt, "the certificate is still the spoilt one"

    wait_until("a new certificate is issued", issued, UNTIL_MENDED)
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
