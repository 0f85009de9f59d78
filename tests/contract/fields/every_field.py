#!/usr/bin/env python3
"""Changes every field of the definition on a living tenant, and looks what comes of it.

changes.yaml holds at least one change for each leaf of the definition's spec, and none for anything
else: a field that is added without one fails this test. Each change must have an effect on the tenant's
objects or conditions, or be refused in the words that the file names, or be a no-op for the reason that the
file gives. Then the change is taken back, and every object must be again what it was.

The operator and the API server are real; workloads are marked rolled out at once, for there is no kubelet.
Command line: words that the names of the fields to try must contain; all when none is given.
"""
import json
import pathlib
import queue
import sys
import threading
import time

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent / "faults"))
import state  # noqa: E402
from world import Api, Refused, World, eventually, is_ready, tenant_manifest, tenant_path  # noqa: E402

LANES = 6  # tenants changed at a time
REST_SECONDS = 0.4
REST_LOOKS = 4  # or as long as so many looks take, on a machine that is slow
# Of a tenant that is not ready: its progress is told every five seconds only.
PROGRESS_SECONDS = 5
SETTLE_SECONDS = 240
NAME = "acme"
# What the operator writes into a tenant's namespace, and the tenant itself.
KINDS = [("/api/v1", kind) for kind in ("configmaps", "secrets", "services", "persistentvolumeclaims")]
KINDS += [("/apis/apps/v1", kind) for kind in ("deployments", "statefulsets")]
KINDS += [("/apis/networking.k8s.io/v1", kind) for kind in ("networkpolicies", "ingresses")]
KINDS += [("/apis/batch/v1", kind) for kind in ("jobs", "cronjobs")]
KINDS += [("/apis/policy/v1", "poddisruptionbudgets"),
          ("/apis/alphorn.dev/v1alpha1", "companyhomeservers")]
# Kinds that a cluster may have. What they may hold is another test's matter (contract_manifests).
OPTIONAL = [("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"),
            ("gateway.networking.k8s.io", "v1", "TLSRoute", "tlsroutes"),
            ("cert-manager.io", "v1", "Certificate", "certificates"),

            ("postgresql.cnpg.io", "v1", "Cluster", "clusters")]
KINDS += [(f"/apis/{group}/{version}", plural) for group, version, _, plural in OPTIONAL]
# Of the tenant, what says how it is; not what was asked for.
COUNTED = ("observedGeneration", "lastTransitionTime")
# What a certificate that was issued anew changes, although it says the same; and how the API server
# marks a Job's pods.
DRAWN = ("controller-uid", "batch.kubernetes.io/controller-uid",
         "alphorn.dev/applied-hash", "alphorn.dev/certificate", "alphorn.dev/certificate-seal",
         "alphorn.dev/certificate-serial", "certificate")
# Secrets that companies bring.
BROUGHT = ("login", "other")


def leaves(schema, path):
    """Every place of a schema that holds a value: "spec.federation.allow[]" is each of a list's."""
    if "properties" in schema:
        for name, child in schema["properties"].items():
            yield from leaves(child, f"{path}.{name}")
    elif schema.get("type") == "array":
        yield from leaves(schema["items"], path + "[]")
    elif "additionalProperties" in schema:
        yield path + "{}"
    else:
        yield path


def leaves_of_definition():
    definition = yaml.safe_load((ROOT / "crds" / "companyhomeservers.yaml").read_text())
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return list(leaves(schema["properties"]["spec"], "spec"))


def mentioned(value, path):
    """The leaves that a piece of a spec has, in the definition's spelling."""
    if isinstance(value, dict) and value:
        return set().union(*(mentioned(one, f"{path}.{key}") for key, one in value.items()))
    if isinstance(value, list) and value:
        return set().union(*(mentioned(one, path + "[]") for one in value))
    return {path}


def problems_of_table(table, fields):
    problems = [f"{field} has no change in changes.yaml" for field in fields
                if not any(row["field"] == field for row in table)]
    for row in table:
        if row["field"] not in fields:
            problems.append(f"{row['field']} is no leaf of the definition")
        bare = row["field"].removesuffix("{}")
        named = mentioned(row.get("from", {}), "spec") | mentioned(row.get("to", {}), "spec")
        if not any(one == bare or one.startswith(bare + ".") for one in named):
            problems.append(f"the change of {row['field']} does not mention it")
    return problems


def without_counts(value):
    if isinstance(value, dict):
        return {key: without_counts(one) for key, one in value.items()
                if key not in COUNTED + DRAWN}
    return [without_counts(one) for one in value] if isinstance(value, list) else value


class Lane:
    """One tenant that changes are tried on, one after the other; another one where the last was of the
    kind that cannot be taken back."""

    def __init__(self, world, number):
        self.api, self.world, self.number = Api(world.servers), world, number
        self.used, self.namespace = 0, None

    def move(self):
        self.used += 1
        self.namespace = f"lane{self.number}-{self.used}"
        self.api.apply(f"/api/v1/namespaces/{self.namespace}", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}})
        for name in BROUGHT:
            self.api.apply(f"/api/v1/namespaces/{self.namespace}/secrets/{name}", {
                "apiVersion": "v1", "kind": "Secret",
                "metadata": {"name": name, "labels": {"alphorn.dev/tenant": NAME}},
                "stringData": {"client-secret": "secret", "other": "secret", "password": "secret",
                               "access-key-id": "key", "secret-access-key": "secret"}})

    def leave(self):
        path = tenant_path(self.namespace, NAME)
        self.api.send("DELETE", path)
        eventually(f"{path} is gone", lambda: self.api.get(path) is None, SETTLE_SECONDS)

    def ask(self, spec):
        """Makes the spec this one and nothing else; returns what the namespace holds at rest."""
        manifest = tenant_manifest(self.namespace, NAME)
        # With a server name of its own: whole companies, not namespaces, are compared.
        manifest["spec"] = {"serverName": "acme.example", "version": "1.163.2", **spec}
        if "channel" in spec:
            del manifest["spec"]["version"]
        path = tenant_path(self.namespace, NAME)
        present = self.api.get(path)
        if present is None:
            self.api.send("POST", path.rsplit("/", 1)[0], manifest)
        else:
            manifest["metadata"] = present["metadata"]
            self.api.send("PUT", path, manifest)
        return self.at_rest()

    def objects(self):
        return state.objects(self.api, KINDS, self.namespace)

    def at_rest(self):
        deadline, since, last = time.monotonic() + SETTLE_SECONDS, time.monotonic(), None
        while True:
            looked = time.monotonic()
            found = self.objects()
            versions = {key: item["metadata"]["resourceVersion"] for key, item in found.items()}
            tenant = found[("companyhomeservers", NAME)]
            told = tenant.get("status", {}).get("observedGeneration")
            now = time.monotonic()
            if versions != last:
                last, since = versions, now
            rest = max(REST_SECONDS, REST_LOOKS * (now - looked))
            rest += 0 if is_ready(tenant) else PROGRESS_SECONDS
            if told == tenant["metadata"]["generation"] and now - since > rest:
                return self.seen(found)
            assert now < deadline, f"{self.namespace} does not come to rest"
            time.sleep(0.05)

    @staticmethod
    def seen(found):
        """What there is to compare; the server's own notes are left out."""
        result = {}
        for key, item in found.items():
            metadata = {name: item["metadata"][name] for name in ("labels", "annotations", "finalizers")
                        if name in item["metadata"]}
            rest = {name: value for name, value in item.items()
                    if name not in ("metadata", "spec") or name == "spec" and key[1] != NAME}
            if key[0] not in ("companyhomeservers", "services", "ingresses"):
                rest.pop("status", None)
            if key[0] == "services" and item["spec"].get("clusterIP") != "None":
                rest["spec"] = {name: value for name, value in item["spec"].items()
                                if name not in ("clusterIP", "clusterIPs")}  # drawn by the server
            if item.get("type") == "kubernetes.io/tls":
                rest["data"] = sorted(rest["data"])
            result["/".join(key)] = without_counts({"metadata": metadata, **rest})
        return result


def first(lines, count=3):
    return "; ".join(lines[:count]) + ("; ..." if len(lines) > count else "")


def problem_of(lane, row):
    """What is wrong with a change; "" when all is as it should be."""
    before = lane.ask(row.get("from", {}))
    try:
        after = lane.ask(row["to"])
    except Refused as refused:
        wanted = row.get("refused")
        return "" if wanted and wanted in str(refused) else f"is refused: {refused}"
    if "refused" in row:
        return "is not refused"
    changes = state.differences(before, after)
    if "noop" in row:
        return f"has an effect: {first(changes)}" if changes else ""
    if not changes:
        return "has no effect"
    if "once" in row:
        return ""
    left = state.differences(before, lane.ask(row.get("from", {})))
    return f"leaves something behind: {first(left)}" if left else ""


class Sweep:
    def __init__(self, world, rows):
        self.world, self.left, self.problems = world, queue.Queue(), []
        # First what needs a tenant of its own, since making one takes longest.
        for row in sorted(rows, key=lambda one: not ("once" in one or one.get("alone"))):
            self.left.put(row)

    def work(self, number):
        lane = Lane(self.world, number)
        while True:
            try:
                row = self.left.get_nowait()
            except queue.Empty:
                return
            if lane.namespace is None:
                lane.move()
            try:
                problem = problem_of(lane, row)
            except (AssertionError, Refused, OSError) as error:
                problem = f"cannot be tried: {error}"
            if problem:
                change = json.dumps({"from": row.get("from", {}), "to": row["to"]})
                self.problems.append(f"{row['field']} {problem}\n    {change}")
            if problem or "once" in row or row.get("alone"):
                lane.leave()
                lane.namespace = None

    def run(self):
        threads = [threading.Thread(target=self.work, args=(number,)) for number in range(LANES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.problems


def define(world, group, version, kind, plural):
    world.api.apply(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{group}", {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "annotations": {
            "api-approved.kubernetes.io": "unapproved, a definition for tests"}},
        "spec": {"group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": plural},
                 "versions": [{"name": version, "served": True, "storage": True, "subresources": {
                     "status": {}}, "schema": {"openAPIV3Schema": {
                         "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}})
    eventually(f"{plural} are served", lambda: served(world, group, version, plural))


def served(world, group, version, plural):
    try:
        return world.api.get(f"/apis/{group}/{version}/{plural}") is not None
    except Refused:
        return False


def main(words):
    table = yaml.safe_load((HERE / "changes.yaml").read_text())
    problems = problems_of_table(table, leaves_of_definition())
    if problems:
        sys.exit("\n".join(problems))
    rows = [row for row in table if not words or any(word in row["field"] for word in words)]
    began = time.monotonic()
    with World() as world:
        for one in OPTIONAL:
            define(world, *one)
        for name in ("contour", "other"):
            world.api.apply(f"/apis/networking.k8s.io/v1/ingressclasses/{name}", {
                "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
                "metadata": {"name": name}, "spec": {"controller": "test.alphorn.dev/none"}})
        world.proxy("fields")
        world.operator("fields", name="fields")
        problems = Sweep(world, rows).run()
    print(f"figure: {len(rows)} changes of fields tried in {time.monotonic() - began:.0f} s")
    for problem in problems:
        print(f"FAILED {problem}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
