#!/usr/bin/env python3
"""What holds for every golden manifest there is, whoever adds one: pods meet the restricted standard and
what this house asks beyond it, and no secret stands in plain words outside a Secret."""

import functools
import math
import pathlib
import re
import unittest

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast
GOLDEN = pathlib.Path(__file__).resolve().parents[2] / "golden"

# Where a kind keeps its pod.
POD_OF = {
    "Pod": ("spec",),
    "Deployment": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "ReplicaSet": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"
}
SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
SECRET_WORD = re.compile(r"(?i)(passw(or)?d|passphrase|secret|token|pepper|api_?key|secret_?key|private_?key)$")
ASSIGNED = re.compile(r"""(?i)--?(?:[a-z-]*)(?:password|secret|token|pepper|key)[= ](?P<value>\S+)""")


@functools.cache
def manifests():
    """[(file, manifest)] of every document of every golden."""
    return [
        (path.relative_to(GOLDEN), document)
        for path in sorted(GOLDEN.rglob("*.yaml"))
        for document in yaml.load_all(path.read_text(encoding="utf-8"), Loader=LOADER) if document
    ]


def at(document, *path):
    for step in path:
        document = (document or {}).get(step)
    return document


def pods():
    for path, manifest in manifests():
        where = POD_OF.get(manifest["kind"])
        if where:
            yield f"{path}: {manifest['kind']} {manifest['metadata']['name']}", at(manifest, *where)


def containers(pod):
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        yield from pod.get(kind, [])


def pod_faults(pod):
    """Where it falls short of the standard "restricted"."""
    security = pod.get("securityContext", {})
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield field
    for volume in pod.get("volumes", []):
        if not set(volume) - {"name"} <= VOLUMES:
            yield f"volume {volume}"
    for sysctl in security.get("sysctls", []):
        if sysctl["name"] not in SYSCTLS:
            yield f"sysctl {sysctl}"
    for container in containers(pod):
        for fault in container_faults(security, container):
            yield f"{container['name']}: {fault}"


def container_faults(pod_security, container):
    own = container.get("securityContext", {})
    both = {**pod_security, **own}
    if own.get("privileged"):
        yield "is privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "may escalate"
    if both.get("runAsNonRoot") is not True or both.get("runAsUser", 1) == 0:
        yield "may be root"
    if at(both, "seccompProfile", "type") not in ("RuntimeDefault", "Localhost"):
        yield "has no seccomp profile"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []) or not set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"}:
        yield "has capabilities"
    if own.get("procMount", "Default") != "Default" or at(both, "appArmorProfile", "type") == "Unconfined":
        yield "sees more of the kernel than others"
    if at(both, "seLinuxOptions", "type") not in (None, "container_t", "container_init_t", "container_kvm_t"):
        yield "has a type of SELinux of its own"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "has a port of the node"


def house_faults(pod):
    """What this house asks beyond the standard."""
    if pod.get("automountServiceAccountToken") is not False:
        yield "has a token of the API server"
    if pod.get("enableServiceLinks") is not False:
        yield "is told of all services of its namespace"
    for container in containers(pod):
        if at(container, "securityContext", "readOnlyRootFilesystem") is not True:
            yield f"{container['name']}: can write to its image"
        for kind in ("requests", "limits"):
            if set(at(container, "resources", kind) or {}) < {"cpu", "memory"}:
                yield f"{container['name']}: has no {kind}"


def entropy(text):
    return -sum(text.count(one) / len(text) * math.log2(text.count(one) / len(text)) for one in set(text))


def texts(value, path=""):
    """(path, text) of every text in a document; texts that are YAML or JSON themselves are entered."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from texts(inner, f"{path}/{number}")
    elif isinstance(value, str):
        yield path, value
        try:
            inner = yaml.load(value, Loader=LOADER) if "\n" in value or value.startswith("{") else None
        except yaml.YAMLError:
            inner = None
        if isinstance(inner, (dict, list)):
            yield from texts(inner, path + ":")


def is_elsewhere(value):
    """It only says where the secret is: a file, a variable, a place that is filled in later."""
    return not value or value.startswith(("/", "$", "<", "{", "'$", '"$', "`", ":'", ":\"")) or value in ("true", "false")


def plain_secrets(manifest):
    """What looks like a secret in an object that everybody in the namespace may read."""
    # The name of a Secret is none, nor is the public half of a key that once signed, nor the name of one that
    # LiveKit signs its news with.
    harmless = {text for path, text in texts(manifest)
                if path.endswith(("/secretName", "/webhook/api_key")) or "/old_signing_keys/" in path}
    for environment in [entry for found in find(manifest, "env") for entry in found]:
        if SECRET_WORD.search(environment["name"]) and not is_elsewhere(environment.get("value", "")):
            yield f"variable {environment['name']}"
    for path, text in texts(manifest):
        key = path.rsplit("/", 1)[-1]
        if SECRET_WORD.search(key) and "secretKeyRef" not in path and not is_elsewhere(text) and text not in harmless:
            yield f"{path}: {text[:40]}"
        if "PRIVATE KEY-----" in text:
            yield f"{path}: a private key"
        if re.search(r"://[^/\s:@$<{]+:[^/\s@$<{]+@", text):
            yield f"{path}: a password in an address"
        if re.search(r"/(command|args)/\d+$", path):
            for found in ASSIGNED.finditer(text):
                if not is_elsewhere(found["value"]):
                    yield f"{path}: {found[0][:60]}"
        bare = re.sub(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", "", text, flags=re.DOTALL)
        for word in re.findall(r"[A-Za-z0-9+/_=]{32,}", bare):
            kinds = [re.search(kind, word) for kind in ("[a-z]", "[A-Z]", "[0-9]")]
            if all(kinds) and entropy(word) > 4.2 and word not in harmless:
                yield f"{path}: looks drawn: {word[:12]}..."


def find(value, name):
    """Every list of that name, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name and isinstance(inner, list):
                yield inner
            yield from find(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from find(inner, name)


class Goldens(unittest.TestCase):
    def test_every_pod_meets_the_restricted_standard(self):
        found = list(pods())
        self.assertGreater(len(found), 30)
        self.assertEqual([(name, fault) for name, pod in found for fault in pod_faults(pod)], [])

    def test_every_pod_has_what_this_house_asks_for(self):
        self.assertEqual([(name, fault) for name, pod in pods() for fault in house_faults(pod)], [])

    def test_no_secret_stands_in_plain_words_outside_a_secret(self):
        found = [
            (str(path), manifest["kind"], fault)
            for path, manifest in manifests() if manifest["kind"] != "Secret"
            for fault in plain_secrets(manifest)
        ]
        self.assertEqual(found, [])

    def test_what_it_should_find_is_found(self):
        pod = {"containers": [{"name": "a", "ports": [{"hostPort": 1}], "securityContext": {}}],
               "volumes": [{"name": "v", "hostPath": {}}], "hostNetwork": True}
        self.assertGreater(len(list(pod_faults(pod))), 6)
        drawn = "q7Zt2Lx9Rb4Vn8Kc1Wm6Yd3Hs5Pf0JgT4u"
        for manifest in (
            {"env": [{"name": "PGPASSWORD", "value": "x"}]},
            {"data": {"homeserver.yaml": "database:\n  args:\n    password: hunter2\n"}},
            {"data": {"config.json": '{"shared_secret": "hunter2"}'}},
            {"spec": {"args": ["--requirepass=x", "--password=hunter2"]}},
            {"data": {"x": "-----BEGIN EC PRIVATE KEY-----"}},
            {"data": {"x": "postgresql://synapse:hunter2@db/synapse"}},
            {"data": {"x": f"value {drawn} here"}},
        ):
            self.assertTrue(list(plain_secrets(manifest)), manifest)


if __name__ == "__main__":
    unittest.main()
