#!/usr/bin/env python3
"""Disturbs the operator after every single write of a tenant's life, and looks where it ends.

For each scenario one tenant is left undisturbed. Then, for k = 1, 2, ... until a run needs fewer than
k writes, another tenant goes through the same: in the walk `kill` the operator dies by SIGKILL once
the server has answered its k-th write and before it hears of it, and is started again; in the walk
`drop` only the answer is lost; in the walk `refuse` the k-th write never reaches the server, and the
answer is a conflict, a request to wait, or an error, in turn. A deletion needs no write of the operator: there it dies at some moments.
What the namespace holds in the end must be what the undisturbed one holds, nothing that was there may
be lost or replaced, and keys keep their values.
"""
import dataclasses
import json
import sys
import threading
import time
import typing

import state
from world import (OPERATOR_NAMESPACE, TENANTS, Api, World, eventually, is_ready, kill,
                   tenant_manifest, tenant_path)

QUIET_SECONDS = 0.4
REST_SECONDS = 60
SLOW_SECONDS = 0.5
DEATHS = (0.0, 0.01, 0.03, 0.06, 0.1, 0.2)  # seconds after a deletion, which needs no write
ANSWERS = ((409, "Conflict"), (429, "TooManyRequests", [("Retry-After", "1")]),
           (500, "InternalError"), (503, "ServiceUnavailable", [("Retry-After", "1")]))
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


def meant_to_stay(scenario, objects):
    """A deletion takes the tenant and what it owns."""
    if not scenario.deletes:
        return objects
    return {key: item for key, item in objects.items()
            if key[0] != "companyhomeservers" and not item["metadata"].get("ownerReferences")}


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
        self.struck = f"write {self.number}: {request.method} {request.path}"
        if self.way == "kill":
            kill(self.walk.operator)
        self.before = state.objects(self.walk.snapshots, self.walk.world.kinds, self.namespace)
        return "drop"

    @property
    def happened(self):
        return self.before is not None


class Refusal:
    """The k-th write is answered without the server: nothing was changed by it."""

    way = "refuse"

    def __init__(self, walk, namespace, number):
        self.walk, self.namespace, self.number = walk, namespace, number
        self.arrived = 0
        self.struck, self.before = None, None

    def __call__(self, *_):
        return None

    def refuse(self, request):
        self.arrived += request.is_write
        if not request.is_write or self.arrived != self.number:
            return None
        answer = ANSWERS[self.number % len(ANSWERS)]
        self.struck = f"write {self.number}: {request.method} {request.path}: {answer[0]}"
        self.before = state.objects(self.walk.snapshots, self.walk.world.kinds, self.namespace)
        return answer

    @property
    def happened(self):
        return self.before is not None


class Death:
    """A kill some moments after a change: for what needs no write of the operator, as deletion does."""

    way = "kill"

    def __init__(self, walk, namespace, delay):
        self.walk, self.namespace, self.delay = walk, namespace, delay
        self.struck, self.before = None, None

    def __call__(self, *_):
        return None

    def begin(self):
        self.before = state.objects(self.walk.world.api, self.walk.world.kinds, self.namespace)
        self.struck = f"{self.delay * 1000:.0f} ms after the change"
        threading.Timer(self.delay, kill, [self.walk.operator]).start()

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
        self.proxy.before = getattr(disturbance, "refuse", lambda _: None)
        began = time.monotonic()
        if isinstance(disturbance, Death):
            disturbance.begin()
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
                self.proxy.before = lambda _: None
                return state.objects(self.world.api, self.world.kinds, namespace)
            if time.monotonic() - began > REST_SECONDS:
                raise AssertionError(f"{namespace}: not at rest after {REST_SECONDS} s: " +
                                     str((self.world.tenant(namespace) or {}).get("status")))
            time.sleep(0.03)

    def undisturbed(self, scenario, namespace="walk-u00"):
        found = self.go(scenario, namespace)
        return state.normalized(found, namespace), len(self.proxy.writes)

    def one(self, scenario, disturbance, wanted, row):
        """False when the scenario was over before its k-th write."""
        what, namespace = f"{scenario.name}, {disturbance.way}", disturbance.namespace
        self.prepare(scenario, namespace)
        try:
            found = self.go(scenario, namespace, disturbance)
            lines = state.differences(wanted, state.normalized(found, namespace))
            if disturbance.happened:
                lines += state.continuity(meant_to_stay(scenario, disturbance.before), found)
        except AssertionError as error:
            lines = [str(error)]
            if self.operator.child.poll() is not None:
                self.start()
        row.problems += [f"{what} after {disturbance.struck}: {line}" for line in lines]
        row.points += disturbance.happened
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
        for way in ("kill", "drop", "refuse"):
            row = Row(scenario.name, way, writes)
            self.rows.append(row)
            began = time.monotonic()
            for k in range(1, MOST_WRITES):
                namespace = f"walk-{way[0]}{k:02d}"
                disturbance = (Refusal(self, namespace, k) if way == "refuse"
                               else Disturbance(self, namespace, way, k))
                if not self.one(scenario, disturbance, wanted, row) and k > writes:
                    break
            for delay in DEATHS if scenario.deletes and way == "kill" else ():
                k += 1
                self.one(scenario, Death(self, f"walk-{way[0]}{k:02d}", delay), wanted, row)
            self.late(scenario, way, k, row)
            row.seconds = time.monotonic() - began
            print(f"{scenario.name:24} {way:6} {writes:3} writes, {row.points:3} disturbed, "
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
                    self.world.api.send(
                        "DELETE", f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets/{key[1]}")
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
        print(f"\n{'scenario':24} {'fault':5} {'writes':>6} {'points':>6} {'problems':>8} "
              f"{'seconds':>8}")
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
