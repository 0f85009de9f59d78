#!/usr/bin/env python3
"""Kills the operator after every single write of a tenant's life, and compares what becomes of it.

A tenant is created, gets another release, is resized and deleted: first undisturbed, then once for every k
with the operator killed after its k-th write of each chapter (the server has done it, the operator does not know), and
once more with only the answer lost. At the end of every chapter the objects must be those of the undisturbed life:
none missing, none left over, none with another content or another owner of a field, no key drawn twice.
"""
import json
import sys
import time

from cluster import KINDS, TENANTS, Cluster, Operator, comparable, eventually
from fault_proxy import FaultProxy

QUIET_SECONDS = 0.6
NAME = "acme"


def tenant(namespace):
    return {"apiVersion": "alphorn.dev/v1alpha1", "kind": "CompanyHomeserver",
            "metadata": {"name": NAME, "namespace": namespace},
            "spec": {"serverName": "acme.example", "version": "1.163.2"}}


class Life:
    """One tenant in a namespace of its own, from creation to deletion."""

    def __init__(self, walk, namespace):
        self.walk, self.api, self.namespace = walk, walk.cluster.api, namespace
        walk.cluster.new_namespace(namespace)

    def create(self):
        self.api.send("POST", f"{TENANTS}/namespaces/{self.namespace}/companyhomeservers", tenant(self.namespace))

    def change_image(self):
        self.api.merge("CompanyHomeserver", self.namespace, NAME, {"spec": {"version": "1.164.0"}})

    def resize(self):
        self.api.merge("CompanyHomeserver", self.namespace, NAME, {"spec": {
            "homeserver": {"maxUploadSize": "7M", "media": {"size": "99Gi"},
                           "resources": {"requests": {"cpu": "300m"}}}}})

    def delete(self):
        self.api.send("DELETE", f"{TENANTS}/namespaces/{self.namespace}/companyhomeservers/{NAME}")

    def is_settled(self):
        found = self.api.send("GET", f"{TENANTS}/namespaces/{self.namespace}/companyhomeservers/{NAME}")
        if found is None:
            # Deleted: what has an owner goes after it.
            return not any(item["metadata"].get("ownerReferences") for item in self.objects())
        status = found.get("status", {})
        ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions", []))
        return ready and status.get("observedGeneration") == found["metadata"]["generation"]

    def objects(self):
        return self.api.everything(self.namespace)

    def state(self):
        found = [comparable(item, self.namespace) for item in self.objects()]
        return {f"{item['kind']} {item['metadata']['name']}": item for item in found}

    def keys(self):
        """The values that must never be drawn again."""
        return {item["metadata"]["name"]: item["data"] for item in self.api.list("Secret", self.namespace)
                if item.get("type") == "Opaque"}


CHAPTERS = ("create", "change_image", "resize", "delete")


class Walk:
    def __init__(self, cluster, proxy):
        self.cluster, self.proxy = cluster, proxy
        self.operator = Operator(cluster, proxy.kubeconfig())
        self.expected, self.writes = {}, {}
        self.divergences, self.steps = [], 0

    def settle(self, life):
        def rests():
            if self.operator.gone():
                return self.disturbed  # killed: whoever waits starts it again
            return life.is_settled() and self.proxy.quiet_for(QUIET_SECONDS)
        eventually(f"{life.namespace} comes to rest", rests, limit=40)

    def undisturbed(self):
        life = Life(self, "walk-undisturbed")
        for chapter in CHAPTERS:
            self.proxy.reset()
            self.disturbed = False
            getattr(life, chapter)()
            self.settle(life)
            self.expected[chapter], self.writes[chapter] = life.state(), len(self.proxy.writes)
        print("writes:", ", ".join(f"{chapter} {count}" for chapter, count in self.writes.items()), flush=True)

    def disturb(self, k, how):
        """The hook that strikes at the k-th write of a chapter."""
        self.disturbed = False

        def after_write(number, request):
            if number != k or self.disturbed:
                return None
            self.disturbed = True
            self.struck_at = f"{request.method} {request.path.rsplit('/', 2)[-2]}/{request.path.rsplit('/', 1)[-1]}"
            if how == "killed":
                self.operator.kill()
            return "drop"
        return after_write

    def live(self, k, how):
        life = Life(self, f"walk-{how}-{k:02d}")
        for chapter in CHAPTERS:
            # A chapter without writes is disturbed all the same: there is no operator at its beginning.
            absent = how == "killed" and self.writes[chapter] == 0 and k == 1
            if self.writes[chapter] < k and not absent and chapter != "delete":
                # Later chapters need what this one makes.
                self.proxy.after_write = lambda number, request: None
                self.disturbed = False
            elif absent:
                self.operator.stop()
            else:
                self.proxy.after_write = self.disturb(k, how)
            before = life.keys()
            self.proxy.reset()
            getattr(life, chapter)()
            if absent:
                time.sleep(0.5)
                self.restart()
            self.settle(life)
            if self.operator.gone():
                before |= life.keys()
                self.restart()
                self.proxy.writes.clear()
                self.settle(life)
                time.sleep(QUIET_SECONDS)
                self.settle(life)
            self.compare(life, chapter, f"{how} after write {k} ({self.struck_at if self.disturbed else 'none'})")
            after = life.keys()
            if any(after.get(name) != data for name, data in before.items()):
                self.divergences.append(f"{chapter}, {how} after write {k}: a key was drawn again")
            self.steps += 1
        self.proxy.after_write = lambda number, request: None

    def restart(self):
        self.operator.stop()
        self.operator = Operator(self.cluster, self.proxy.kubeconfig())

    def compare(self, life, chapter, what):
        expected, found = self.expected[chapter], life.state()
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                self.divergences.append(
                    f"{chapter}, {what}: {name}: {difference(expected.get(name), found.get(name))}")


def difference(expected, found, path=""):
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            if expected.get(key) != found.get(key):
                return difference(expected.get(key), found.get(key), f"{path}/{key}")
    return f"{path}: {json.dumps(expected)[:300]} became {json.dumps(found)[:300]}"


def main():
    began = time.monotonic()
    with Cluster() as cluster, FaultProxy(cluster.servers) as proxy:
        walk = Walk(cluster, proxy)
        try:
            walk.undisturbed()
            for how in ("killed", "lost"):
                for k in range(1, max(walk.writes.values()) + 1):
                    walk.live(k, how)
                    print(f"{how} after write {k}: {len(walk.divergences)} divergences", flush=True)
        finally:
            walk.operator.stop()
            if walk.divergences:
                print((cluster.folder / "one.log").read_text(errors="replace")[-3000:])
    print(f"{walk.steps} chapters disturbed in {time.monotonic() - began:.0f} s, "
          f"{len(walk.divergences)} divergences; kinds compared: {', '.join(KINDS)}")
    for divergence in walk.divergences:
        print(divergence)
    sys.exit(1 if walk.divergences else 0)


if __name__ == "__main__":
    main()
