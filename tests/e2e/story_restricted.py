"""No program of ours can do more than its work, and no secret is where it need not be."""

import base64

import pytest

from support import kubectl as k
from support import operator, processes
from support.company import UNTIL_READY

pytestmark = pytest.mark.usefixtures("alone")

RESTRICTED = ("pod-security.kubernetes.io/enforce", "restricted")
# Shorter values would be found everywhere by chance.
SHORTEST_SECRET = 12
PUBLIC_KEYS = {"tls.crt", "ca.crt"}
FILTERS = {"NoNewPrivs": "1", "Seccomp": "2"}
CAPABILITIES = ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")


def tenants():
    return k.listed(k.CHS)


def namespaces():
    return sorted({item["metadata"]["namespace"] for item in tenants()} | {k.SYSTEM})


@pytest.fixture(scope="module")
def containers(acme):
    """[(pod, container's name, its processes)] of everything of ours that runs now."""
    acme.wait_ready(UNTIL_READY)
    pods = operator.pods() + [pod for pod in k.listed("pods", selector=k.TENANT_LABEL)
                              if "deletionTimestamp" not in pod["metadata"]]
    found = [(pod, name, processes.of_container(container))
             for pod in pods for name, container in processes.containers_of(pod)]
    kinds = {k.name_of(pod).removeprefix("acme-").split("-")[0] for pod, _, _ in found}
    assert {"database", "homeserver", "gateway", "web", "alphorn"} <= kinds, f"only {kinds} run"
    unseen = [f"{k.name_of(pod)}/{name}" for pod, name, running in found if not running]
    assert not unseen, f"no process found of {unseen}"
    return found


def complaints(containers, complaint):
    """What is wrong with which process; `complaint` gives the text, or nothing."""
    found = []
    for pod, name, running in containers:
        for process in running:
            try:
                text = complaint(process)
            except (FileNotFoundError, ProcessLookupError):
                continue  # A probe's short-lived command ended while we looked.
            if text:
                found.append(f"{k.name_of(pod)}/{name} pid {process.pid}: {text}")
    return found


def test_namespaces_of_tenants_and_operator_enforce_it():
    key, value = RESTRICTED
    for namespace in namespaces():
        labels = k.get("namespace", namespace)["metadata"]["labels"]
        assert labels.get(key) == value, f"namespace {namespace}: {key} is {labels.get(key)}"


def test_no_process_is_root_or_could_become_it(containers):
    def complaint(process):
        status = process.status()
        wrong = [name for name in CAPABILITIES if int(status[name], 16) != 0]
        wrong += [name for name, value in FILTERS.items() if status[name] != value]
        wrong += [name for name in ("Uid", "Gid") if "0" in status[name].split()]
        return " ".join(f"{name}={status[name]}" for name in wrong)

    found = complaints(containers, complaint)
    assert not found, "\n".join(found)


def test_no_process_can_write_to_its_image(containers):
    def complaint(process):
        root = [options for point, options in process.mounts() if point == "/"]
        return "" if root and "ro" in root[-1] else f"its root is mounted {root}"

    found = complaints(containers, complaint)
    assert not found, "\n".join(found)


def test_only_the_operator_holds_a_token_of_the_cluster(containers):
    def complaint(process):
        tokens = [point for point, _ in process.mounts() if processes.TOKENS in point]
        return f"has {tokens}" if tokens else ""

    ours = [entry for entry in containers if entry[0]["metadata"]["namespace"] != k.SYSTEM]
    found = complaints(ours, complaint)
    assert not found, "\n".join(found)


def test_every_container_has_limits(containers):
    for pod, _, _ in containers:
        for container in pod["spec"]["containers"] + pod["spec"].get("initContainers", []):
            resources = container.get("resources", {})
            for part in ("requests", "limits"):
                assert {"cpu", "memory"} <= set(resources.get(part, {})), \
                    f"{k.name_of(pod)}/{container['name']} has no {part} of cpu and memory"


class Secrets:
    """Every secret value of tenants and operator, in the forms in which it could leak."""

    def __init__(self):
        self._known = {}
        for secret in (item for name in namespaces() for item in k.listed("secrets", name)):
            if secret["type"].startswith("helm.sh/"):
                continue
            for key, value in secret.get("data", {}).items():
                if key not in PUBLIC_KEYS:
                    self._add(f"{secret['metadata']['namespace']}/{k.name_of(secret)}:{key}", value)

    def _add(self, name, encoded):
        text = base64.b64decode(encoded).decode(errors="replace").strip()
        # A leak may be of one line of a key only; lines like "-----BEGIN ..." are no secret.
        parts = [part for part in text.split() if "-----" not in part]
        forms = {form for form in (encoded, text, *parts) if len(form) >= SHORTEST_SECRET}
        assert forms, f"Secret {name} is too short to look for: anybody could guess it"
        self._known[name] = forms

    def __len__(self):
        return len(self._known)

    def found_in(self, text):
        """Names of the secrets of which a value is in the text; never the value."""
        return sorted(name for name, forms in self._known.items()
                      if any(form in text for form in forms))


@pytest.fixture(scope="module")
def known():
    known = Secrets()
    assert len(known) >= 8, f"only {len(known)} secret values found to look for"
    return known


def test_the_search_below_does_find_a_secret(known, acme):
    password = acme.secret("administrator")["password"].decode()
    assert known.found_in(f"password: {password}\n") == ["acme/acme-administrator:password"]


@pytest.mark.parametrize("kind", ["configmaps", "events", "pods", "deployments", "statefulsets",
                                  "services", "persistentvolumeclaims", "replicasets",
                                  "controllerrevisions", k.CHS])
def test_no_secret_is_in_other_objects(known, kind):
    for namespace in namespaces():
        leaks = known.found_in(k.kubectl("get", kind, "-n", namespace, "-o", "yaml"))
        assert not leaks, f"{kind} of {namespace} hold {leaks}"


def test_no_secret_is_in_arguments_or_environment(known, containers):
    def complaint(process):
        leaks = known.found_in(process.command_line() + "\n" + process.environment())
        return f"shows {leaks} to whoever lists processes" if leaks else ""

    found = complaints(containers, complaint)
    assert not found, "\n".join(found)


def test_no_secret_is_in_a_log(known, containers):
    for namespace, pod in sorted({(pod["metadata"]["namespace"], k.name_of(pod))
                                  for pod, _, _ in containers}):
        leaks = known.found_in(k.kubectl("logs", pod, "-n", namespace, "--all-containers"))
        assert not leaks, f"the log of {namespace}/{pod} shows {leaks}"
