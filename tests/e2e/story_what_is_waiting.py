"""A company that does not come up says what it waits for, and goes on alone once it is there."""

import pytest

from support import kubectl as k
from support.company import RUN, UNTIL_READY
from support.waiting import Stopwatch, figure, wait_until

# A condition that names the trouble should be there about as soon as Kubernetes knows of it.
UNTIL_SAID = 90
MISSING_CLASS = f"fast-{RUN}"
MISSING_PRIORITY = f"e2e-first-{RUN}"
MISSING_VERSION = "1.0.0"
MISSING_IMAGE = "synapse:v" + MISSING_VERSION


@pytest.fixture(scope="module")
def charlie(offices):
    """A company that asks for a storage class and for a release that are not there."""
    company = offices.company("charlie")
    manifest = company.manifest(version=MISSING_VERSION,
                                homeserver={"media": {"storageClassName": MISSING_CLASS}})
    del manifest["spec"]["channel"]
    k.create(manifest)
    return company


@pytest.fixture(scope="module", autouse=True)
def no_class_is_left():
    yield
    k.delete("storageclass", MISSING_CLASS)
    k.delete("priorityclass", MISSING_PRIORITY)


def test_a_missing_storage_class_is_named(charlie):
    charlie.wait_for("VolumesReady", "False", "StorageClassMissing", MISSING_CLASS, UNTIL_SAID)
    charlie.expect("Ready", "False", "VolumesNotReady", MISSING_CLASS)
    charlie.expect("DatabaseReady", "False", "Waiting", "volumes")
    charlie.expect("Stalled", "False")
    charlie.wait_for_event("VolumesNotReady", MISSING_CLASS)


def test_with_the_class_made_it_goes_on_to_the_missing_image_and_names_that(charlie):
    default, = (item for item in k.listed("storageclasses")
                if item["metadata"].get("annotations", {})
                .get("storageclass.kubernetes.io/is-default-class") == "true")
    k.create({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
              "metadata": {"name": MISSING_CLASS}, "provisioner": default["provisioner"],
              "reclaimPolicy": "Delete", "volumeBindingMode": default["volumeBindingMode"]})
    wait = charlie.wait_for("HomeserverReady", "False", "ImagePullFailed", MISSING_IMAGE)
    charlie.expect("Ready", "False", "HomeserverNotReady", MISSING_IMAGE)
    assert "pod " in wait["message"], f"the message does not say which pod: {wait['message']}"
    charlie.expect("DatabaseReady", "True")
    charlie.wait_for_event("HomeserverNotReady", MISSING_IMAGE)


def test_with_the_version_mended_it_becomes_ready_without_help(charlie, acme):
    k.patch(k.CHS, charlie.name, charlie.namespace, {"spec": {"version": acme.status()["version"]}})
    watch = Stopwatch()
    charlie.wait_ready()
    figure("Ready after the version was mended", f"{watch.seconds:.0f} s")


@pytest.fixture
def no_pod_is_allowed(charlie):
    """A quota of the namespace; once Kubernetes has counted what there is."""
    k.create({"apiVersion": "v1", "kind": "ResourceQuota",
              "metadata": {"name": "tight", "namespace": charlie.namespace},
              "spec": {"hard": {"pods": "1"}}})

    def counted():
        used = k.get("resourcequota", "tight", charlie.namespace).get("status", {}).get("used")
        assert used, "the quota is not in force yet"
    wait_until("the quota is in force", counted, UNTIL_SAID, every=0.2)
    yield
    k.delete("resourcequota", "tight", charlie.namespace)


def test_a_quota_that_refuses_a_pod_is_named(charlie, no_pod_is_allowed):
    watch = Stopwatch()
    k.delete("pod", f"{charlie.name}-homeserver-0", charlie.namespace)
    wait = charlie.wait_for("HomeserverReady", "False", "QuotaExceeded", "tight", UNTIL_SAID)
    figure("a quota that is in the way told", f"{watch.seconds:.0f} s")
    assert "pods=1" in wait["message"], f"the message does not say of what: {wait['message']}"
    charlie.expect("Ready", "False", "HomeserverNotReady", "tight")
    charlie.expect("DatabaseReady", "True")


def test_and_with_more_room_it_goes_on_alone(charlie):
    watch = Stopwatch()
    charlie.wait_ready()
    figure("Ready after the quota was lifted", f"{watch.seconds:.0f} s")


def test_a_missing_priority_class_is_named(charlie):
    charlie.change(priorityClassName=MISSING_PRIORITY)
    charlie.wait_for("DatabaseReady", "False", "PodRefused", MISSING_PRIORITY, UNTIL_SAID)
    charlie.expect("Ready", "False", "DatabaseNotReady", MISSING_PRIORITY)


def test_and_with_it_made_it_goes_on_alone(charlie):
    watch = Stopwatch()
    k.create({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
              "metadata": {"name": MISSING_PRIORITY}, "value": 1000})
    charlie.wait_ready()
    figure("Ready after the priority class was made", f"{watch.seconds:.0f} s")
    plain = [k.name_of(pod) for pod in charlie.pods()
             if "deletionTimestamp" not in pod["metadata"]
             and pod["spec"].get("priorityClassName") != MISSING_PRIORITY]
    assert not plain, f"without the priority: {plain}"


def test_an_unknown_channel_stalls_and_is_named(charlie, offices):
    delta = offices.company("delta", charlie.namespace)
    delta.found(channel="no-such-channel")
    delta.wait_for("Stalled", "True", "InvalidSpec", '"no-such-channel"', UNTIL_SAID)
    delta.expect("Ready", "False", "InvalidSpec", '"no-such-channel"')
    delta.wait_for_event("InvalidSpec", '"no-such-channel"')
    assert not delta.children(), f"it made {list(delta.children())} all the same"
    delta.dissolve()


def test_a_foreign_object_of_a_needed_name_is_left_alone_and_named(charlie, offices):
    echo = offices.company("echo", charlie.namespace)
    foreign = {"Secret": f"{echo.name}-homeserver-keys", "ConfigMap": f"{echo.name}-ca"}
    for kind, name in foreign.items():
        k.create({"apiVersion": "v1", "kind": kind,
                  "metadata": {"name": name, "namespace": echo.namespace}})
    before = {kind: k.get(kind, name, echo.namespace) for kind, name in foreign.items()}
    echo.found()
    echo.wait_for("KeysReady", "False", message=foreign["Secret"], limit=UNTIL_SAID)
    echo.wait_for("CertificatesReady", "False", message=foreign["ConfigMap"], limit=UNTIL_SAID)
    for kind, condition in (("Secret", "KeysReady"), ("ConfigMap", "CertificatesReady")):
        message = echo.conditions()[condition]["message"]
        assert "not Alphorn's" in message, f"{condition} does not say whose it is: {message}"
        now = k.get(kind, foreign[kind], echo.namespace)
        assert now == before[kind], f"{kind} {foreign[kind]} was touched"
        k.delete(kind, foreign[kind], echo.namespace)

    def both_are_well():
        echo.expect("KeysReady", "True")
        echo.expect("CertificatesReady", "True")

    wait_until("the company goes on once they are gone", both_are_well, UNTIL_READY)
    echo.dissolve()
