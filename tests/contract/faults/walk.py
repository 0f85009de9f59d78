#!/usr/bin/env python3
"""Disturbs the operator after every single write of a tenant's life, and looks where it ends.

For each scenario one tenant is left undisturbed. Then, for k = 1, 2, ... until a run needs fewer than
k writes, another tenant goes through the same: in the walk `kill` the operator dies by SIGKILL once
the server has answered its k-th write and before it hears of it, and is started again; in the walk
`drop` only the answer is lost. What the namespace holds in the end must be what the undisturbed one
holds, nothing that was there may be lost or replaced, and keys keep their values.
"""
import dataclasses
import json
import sys
import time
import typing

import state
from world import (OPERATOR_NAMESPACE, TENANTS, Api, World, eventually, is_ready, kill,
                   tenant_manifest, tenant_path)

QUIET_SECONDS = 0.4
REST_SECONDS = 60
SLOW_SECONDS = 0.5
MOST_WRITES = 200  # an operator that writes without end must not walk without end


def create(world, namespace):
    world.ensure_namespace(namespace)
    world.api.apply(tenant_path(namespace), tenant_manifest(namespace))


def change_image(world, namespace):
    world.api.merge(tenant_path(namespace), {"spec": {"version": "1.163.3"}})


def scale(world, namespace):
    world.api.merge(tenant_path(namespace), {"spec": {
        "homeserver": {"media": {"size": "40Gi"}, "maxUploadSize": "300M",
                       "resources": {"limits": {"memory": "3Gi"}}},
        "database": {"size": "20Gi", "resources": {"limits": {"memory": "2Gi"}}}}})


def expose(world, namespace):
    world.api.merge(tenant_path(namespace), {"spec": {"exposure": {"mode": "nodePort"}}})


def delete(world, namespace):
    """With the children first: the tenant is there, and going, while they vanish."""
    world.api.send("DELETE", tenant_path(namespace), {"propagationPolicy": "Foreground"})


def delete_at_once(world, namespace):
    world.api.send("DELETE", tenant_path(namespace), {"propagationPolicy": "Background"})


def ready(world, namespace):
    return is_ready(world.tenant(namespace))


def gone(world, namespace):
    """Only what is kept, and has no owner, is left."""
    return world.tenant(namespace) is None and not any(
        item["metadata"].get("ownerReferences")
        for item in state.objects(world.api, world.kinds, namespace).values())


def written_object(request):
    """Collection and name; a POST has its name in the body."""
    if request.method != "POST":
        return request.path
    return f"{request.path}/{json.loads(request.body)['metadata']['name']}"


@dataclasses.dataclass
class Scenario:
    name: str
    change: typing.Callable
    done: typing.Callable
    deletes: bool = False


SCENARIOS = [Scenario("create", create, ready),
             Scenario("change image", change_image, ready),
             Scenario("scale", scale, ready),
             Scenario("expose", expose, ready),
             Scenario("delete, children first", delete, gone, True),
             Scenario("create again", create, ready),
             Scenario("delete at once", delete_at_once, gone, True)]


@dataclasses.dataclass
class Row:
    scenario: str
    way: str
    writes: int = 0
    points: int = 0
    seconds: float = 0.0
    problems: list = dataclasses.field(default_factory=list)


class Disturbance:
    """At the k-th write: what the server held then is remembered, then the fault happens."""

    def __init__(self, walk, namespace, way, number):
        self.walk, self.namespace, self.way, self.number = walk, namespace, way, number
        self.struck = None  # the write after which it happened
        self.before = None

    def __call__(self, number, request):
        if self.struck is not None or number != self.number:
            return None
        self.struck = f"{request.method} {request.path}"
        if self.way == "kill":
            kill(self.walk.operator)
        self.before = state.objects(self.walk.snapshots, self.walk.world.kinds, self.namespace)
        return "drop"

    @property
    def happened(self):
        return self.before is not None


class Walk:
    def __init__(self, world):
        self.world = world
        self.proxy = world.proxy("walk")
        self.snapshots = Api(world.servers)  # for the proxy's thread
        world.kinds = state.collections(world.api)
        self.rows = []
        self.living = []

    def start(self):
        self.operator = self.world.operator("walk")

    def at_rest(self, scenario, namespace):
        """Done, every tenant looked at, and nothing more to do for a while."""
        tenants = len(self.world.api.send("GET", TENANTS)["items"])
        passes = self.operator.metric("controller_runtime_reconcile_total") or 0
        return (passes >= tenants and self.operator.idle() and
                scenario.done(self.world, namespace) and self.proxy.quiet_for(QUIET_SECONDS))

    def go(self, scenario, namespace, disturbance=None):
        """The namespace's objects once the scenario is over; says what died or never rested."""
        self.proxy.reset()
        self.proxy.after_write = disturbance or (lambda *_: None)
        began = time.monotonic()
        scenario.change(self.world, namespace)
        quiet_since = None
        while True:
            if self.operator.child.poll() is not None:
                if not (disturbance and disturbance.struck and disturbance.way == "kill"):
                    raise AssertionError(f"{namespace}: the operator ended by itself")
                eventually("the snapshot", lambda: disturbance.happened)
                disturbance.way = "killed"
                self.start()
            rests = self.at_rest(scenario, namespace)
            quiet_since = (quiet_since or time.monotonic()) if rests else None
            if quiet_since and time.monotonic() - quiet_since >= QUIET_SECONDS:
                self.proxy.after_write = lambda *_: None
                return state.objects(self.world.api, self.world.kinds, namespace)
            if time.monotonic() - began > REST_SECONDS:
                raise AssertionError(f"{namespace}: not at rest after {REST_SECONDS} s: " +
                                     str((self.world.tenant(namespace) or {}).get("status")))
            time.sleep(0.03)

    def undisturbed(self, scenario, namespace="walk-u00"):
        found = self.go(scenario, namespace)
        return state.normalized(found, namespace), len(self.proxy.writes)

    def one(self, scenario, way, k, wanted, row):
        """False when the scenario was over before its k-th write."""
        namespace = f"walk-{way[0]}{k:02d}"
        self.prepare(scenario, namespace)
        disturbance = Disturbance(self, namespace, way, k)
        try:
            found = self.go(scenario, namespace, disturbance)
        except AssertionError as error:
            row.problems.append(f"{scenario.name}, {way} after write {k} ({disturbance.struck}): {error}")
            if self.operator.child.poll() is not None:
                self.start()
            return disturbance.happened
        lines = state.differences(wanted, state.normalized(found, namespace))
        if disturbance.happened:
            kept = {key: item for key, item in disturbance.before.items()
                    if not scenario.deletes or not item["metadata"].get("ownerReferences")}
            kept.pop(("companyhomeservers", "acme"), None) if scenario.deletes else None
            lines += state.continuity(kept, found)
        row.problems += [f"{scenario.name}, {way} after write {k} ({disturbance.struck}): {line}"
                         for line in lines]
        return disturbance.happened

    def prepare(self, scenario, namespace):
        """Brings a namespace that has not been through it all to where the scenario begins."""
        if namespace in self.living:
            return
        self.living.append(namespace)
        for earlier in SCENARIOS[:SCENARIOS.index(scenario)]:
            self.go(earlier, namespace)

    def scenario(self, scenario):
        wanted, writes = self.undisturbed(scenario)
        for way in ("kill", "drop"):
            row = Row(scenario.name, way, writes)
            self.rows.append(row)
            began = time.monotonic()
            for k in range(1, MOST_WRITES):
                reached = self.one(scenario, way, k, wanted, row)
                row.points += reached
                if not reached and k > writes:
                    break
            self.late(scenario, way, k, row)
            row.seconds = time.monotonic() - began
            print(f"{scenario.name:24} {way:5} {writes:3} writes, {row.points:3} disturbed, "
                  f"{len(row.problems)} problems, {row.seconds:.0f} s", flush=True)
            for line in row.problems[:20]:
                print("    " + line, flush=True)

    def late(self, scenario, way, last, row):
        """Namespaces that this scenario did not need go through it all the same, for the next one."""
        late = [one for one in self.living if one[5] == way[0] and int(one[-2:]) > last]
        for namespace in late:
            scenario.change(self.world, namespace)
        try:
            eventually("the others are done",
                       lambda: all(scenario.done(self.world, one) for one in late), REST_SECONDS)
        except AssertionError as error:
            row.problems.append(f"{scenario.name}, undisturbed: {error}")

    def slow_cache(self):
        """A cache that lags behind: everything is made all the same, and nothing twice."""
        scenario, namespace = SCENARIOS[0], "walk-s00"
        row = Row("create, slow cache", "delay")
        self.rows.append(row)
        began = time.monotonic()
        self.proxy.delay = SLOW_SECONDS
        try:
            found = self.go(scenario, namespace)
        finally:
            self.proxy.delay = 0.0
        row.points, row.writes = 1, len(self.proxy.writes)
        row.problems += state.differences(self.created, state.normalized(found, namespace))
        written = [written_object(request) for _, request in self.proxy.writes
                   if not request.path.endswith("/status")]
        row.problems += [f"{one} was written {written.count(one)} times"
                         for one in sorted(set(written)) if written.count(one) > 1]
        row.seconds = time.monotonic() - began

    def first_start(self):
        """The operator's own authority, drawn at its first start, survives every kill."""
        row = Row("first start", "kill")
        began = time.monotonic()
        for k in range(1, MOST_WRITES):
            for key in state.objects(self.world.api, self.world.kinds, OPERATOR_NAMESPACE):
                if key[0] == "secrets":
                    self.world.api.send("DELETE", f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets/{key[1]}")
            self.proxy.reset()
            disturbance = Disturbance(self, OPERATOR_NAMESPACE, "kill", k)
            self.proxy.after_write = disturbance
            self.start()
            up = lambda: self.operator.idle() or self.operator.child.poll() is not None
            eventually("up or killed", up)
            time.sleep(QUIET_SECONDS)
            if not disturbance.happened:
                break
            row.points += 1
            self.start()
            eventually("up", self.operator.idle)
            time.sleep(QUIET_SECONDS)
            after = state.objects(self.world.api, self.world.kinds, OPERATOR_NAMESPACE)
            row.problems += state.continuity(disturbance.before, after)
            kill(self.operator)
        row.writes = row.points
        row.seconds = time.monotonic() - began
        self.rows.append(row)

    def run(self):
        self.first_start()
        self.created, _ = self.undisturbed(SCENARIOS[0], "walk-u01")
        self.slow_cache()
        for scenario in SCENARIOS:
            self.scenario(scenario)

    def table(self):
        print(f"\n{'scenario':24} {'fault':5} {'writes':>6} {'points':>6} {'problems':>8} {'seconds':>8}")
        for row in self.rows:
            print(f"{row.scenario:24} {row.way:5} {row.writes:6} {row.points:6} "
                  f"{len(row.problems):8} {row.seconds:8.1f}")
        print(f"{sum(row.points for row in self.rows)} points, "
              f"{sum(len(row.problems) for row in self.rows)} problems, "
              f"{sum(row.seconds for row in self.rows):.0f} s", flush=True)


def main():
    with World() as world:
        walk = Walk(world)
        try:
            walk.run()
        except BaseException:
            print(world.log_of("one")[-3000:], file=sys.stderr)
            raise
        walk.table()
    problems = [line for row in walk.rows for line in row.problems]
    for line in problems:
        print(line, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
