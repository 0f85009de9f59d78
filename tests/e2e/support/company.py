"""A company's homeserver as its owner sees it: the resource, its conditions, its children."""

import base64
import dataclasses
import json
import random
import string

from support import kubectl as k
from support.waiting import wait_until

# Creation of a company on two cores that are busy with something else as well.
UNTIL_READY = 240

UNTIL_TOLD = 15

RUN = "".join(random.choices(string.ascii_lowercase, k=5))

# What a company is made of, by kind; "{}" is its name.
CHILDREN = {
    "Secret": ["{}-homeserver-keys", "{}-database-keys", "{}-database-login",
               "{}-administrator", "{}-gateway-tls"],
    "PersistentVolumeClaim": ["{}-database-data", "{}-media"],
    "ConfigMap": ["{}-ca", "{}-database", "{}-homeserver", "{}-gateway", "{}-web"],
    "Service": ["{}-database", "{}-homeserver", "{}-gateway", "{}-web"],
    "StatefulSet": ["{}-database", "{}-homeserver"],
    "Deployment": ["{}-gateway", "{}-web"],
    "NetworkPolicy": ["{}-database", "{}-database-check", "{}-homeserver", "{}-gateway", "{}-web"],
}
KEPT_KINDS = ("PersistentVolumeClaim", "Secret")


@dataclasses.dataclass(frozen=True)
class Company:
    name: str
    namespace: str

    def manifest(self, **spec):
        return {
            "apiVersion": "alphorn.dev/v1alpha1",
            "kind": "CompanyHomeserver",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {"serverName": f"{self.name}.{self.namespace}.example", "channel": "stable",
                     "exposure": {"mode": "nodePort"}, **spec},
        }

    def found(self, **spec):
        k.create(self.manifest(**spec))

    def change(self, **spec):
        k.patch(k.CHS, self.name, self.namespace, {"spec": spec})

    def dissolve(self):
        k.delete(k.CHS, self.name, self.namespace, wait=True)

    def resource(self):
        found = k.get(k.CHS, self.name, self.namespace)
        assert found, f"CompanyHomeserver {self.namespace}/{self.name} does not exist"
        return found

    def status(self):
        """The status, once it is about the present generation of the spec."""
        found = self.resource()
        status = found.get("status", {})
        observed = status.get("observedGeneration")
        wanted = found["metadata"]["generation"]
        assert observed == wanted, f"status is about generation {observed}, not yet {wanted}"
        return status

    def conditions(self):
        return {entry["type"]: entry for entry in self.status().get("conditions", [])}

    def expect(self, condition, value, reason=None, message=""):
        """Asserts what a condition says now; returns it."""
        entry = self.conditions().get(condition)
        assert entry, f"{self.name} has no condition {condition}"
        said = f"{condition}={entry['status']} {entry['reason']}: {entry['message']}"
        assert entry["status"] == value, f"{self.name}: {said}; expected {value}"
        assert reason in (None, entry["reason"]), f"{self.name}: {said}; expected reason {reason}"
        assert message in entry["message"], f"{self.name}: {said}; expected it to name {message!r}"
        return entry

    def wait_for(self, condition, value, reason=None, message="", limit=UNTIL_READY):
        return wait_until(f"{self.name} {condition}={value}",
                          lambda: self.expect(condition, value, reason, message), limit)

    def wait_ready(self, limit=UNTIL_READY):
        return self.wait_for("Ready", "True", limit=limit)

    def secret(self, suffix):
        """The values of Secret NAME-SUFFIX as bytes."""
        found = k.get("secret", f"{self.name}-{suffix}", self.namespace)
        assert found, f"Secret {self.name}-{suffix} does not exist"
        return {key: base64.b64decode(value) for key, value in found["data"].items()}

    def signing_key(self):
        """(id, seed) of the key that makes this server the one it is."""
        algorithm, version, seed = self.secret("homeserver-keys")["signing.key"].decode().split()
        return f"{algorithm}:{version}", seed

    def expected_children(self):
        return {(kind, name.format(self.name))
                for kind, names in CHILDREN.items() for name in names}

    def children(self):
        """{(kind, name): object} of everything that carries the company's label, pods left out."""
        kinds = ",".join(CHILDREN).lower()
        found = k.listed(kinds, self.namespace, f"{k.TENANT_LABEL}={self.name}")
        return {(item["kind"], k.name_of(item)): item for item in found}

    def pods(self):
        return k.listed("pods", self.namespace, f"{k.TENANT_LABEL}={self.name}")

    def contact(self):
        """How to reach it: its entry of `./dev status --json`."""
        for tenant in k.status()["tenants"]:
            if (tenant["namespace"], tenant["name"]) == (self.namespace, self.name):
                return tenant
        raise AssertionError(f"./dev status --json does not list {self.namespace}/{self.name}")

    def events(self):
        """[(type, reason, text)] of the events that `kubectl describe` shows for it."""
        mine = [event for event in k.listed("events", self.namespace)
                if event["involvedObject"].get("kind") == "CompanyHomeserver"
                and event["involvedObject"]["name"] == self.name]
        return [(event["type"], event["reason"], event.get("message", "")) for event in mine]

    def wait_for_event(self, reason, message):
        """Events are written beside the work, never in its way: so they may come a little later."""
        def told():
            events = self.events()
            found = any(said == reason and message in text for _, said, text in events)
            assert found, f"no event {reason} with {message!r} among {events}"
        wait_until(f"an event tells of {reason}", told, UNTIL_TOLD)

    def from_inside(self, method, path, token, body=None):
        """(status, JSON) of a request made beside Synapse itself, past the gateway."""
        (answer,) = self.each_from_inside([(method, path, body)], token)
        return answer

    def each_from_inside(self, requests, token):
        """The same of each (method, path, body), one after the other. The token goes over standard
        input: it never becomes an argument that others could see."""
        job = {"token": token, "requests": requests}
        text = k.kubectl("exec", "-i", "-n", self.namespace, f"{self.name}-homeserver-0", "--",
                         "python3", "-c", _REQUESTS, stdin=json.dumps(job))
        return [tuple(answer) for answer in json.loads(text)]


_REQUESTS = """
import json, sys, urllib.error, urllib.request
job = json.load(sys.stdin)
answers = []
for method, path, body in job["requests"]:
    request = urllib.request.Request(
        "http://127.0.0.1:8008" + path, method=method,
        headers={"Authorization": "Bearer " + job["token"], "Content-Type": "application/json"},
        data=None if body is None else json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    answers.append((status, json.loads(text or "{}")))
print(json.dumps(answers))
"""
