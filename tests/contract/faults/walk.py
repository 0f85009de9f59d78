#!/usr/bin/env python3
"""Disturbs the operator at every single write of a tenant's life, and looks where it ends.

    walk.py kill|drop|refuse

For each scenario one tenant is left undisturbed. Then, for k = 1, 2, ... until a run needs fewer than
k writes, another tenant goes through the same: in the walk `kill` the operator dies by SIGKILL once
the server has answered its k-th write and before it hears of it, and is started again; in the walk
`drop` only the answer is lost; in the walk `refuse` the k-th write never reaches the server, and the
answer is a conflict, a request to wait, or an error, in turn. A deletion needs no write of the
operator: there it dies at some moments.
What the namespace holds in the end must be what the undisturbed one holds, nothing that was there may
be lost or replaced, and keys keep their values. Whoever is at rest is written to no more, also not by
an operator that was started again.

A kill strikes everybody: one tenant at a time is on its way then. A lost or refused answer strikes the
one tenant whose it is, and so several go through a scenario side by side.
"""
import dataclasses
import json
import sys
import time

import state
from lives import LIVES
from strikes import Course, Death, Refusal, Strike, Strikes
from world import OPERATOR_NAMESPACE, TENANTS, Api, World, eventually, kill

QUIET_SECONDS = 0.4
QUIET_LOOKS = 4  # or as long as so many looks take, on a machine that is slow
REST_SECONDS = 240
SLOW_SECONDS = 0.5
DEATHS = (0.0, 0.01, 0.03, 0.06, 0.1, 0.2)  # seconds after a deletion, which needs no write
SIDE_BY_SIDE = {"kill": 1, "drop": 8, "refuse": 8}
MOST_WRITES = 200  # an operator that writes without end must not walk without end


def written_object(request):
    """Collection and name; a POST has its name in the body."""
    if request.method != "POST":
        return request.path
    return f"{request.path}/{json.loads(request.body)['metadata']['name']}"


@dataclasses.dataclass
class Row:
    life: str
    scenario: str
    way: str
    began: float
    writes: int = 0
    points: int = 0
    seconds: float = 0.0
    problems: list = dataclasses.field(default_factory=list)

    def __str__(self):
        return (f"{self.life:8} {self.scenario:24} {self.way:6} {self.writes:3} writes, "
                f"{self.points:3} disturbed, {len(self.problems)} problems, {self.seconds:.0f} s")


class Walk:
    def __init__(self, world, way):
        self.world, self.way = world, way
        self.proxy = world.proxy("walk")
        world.kinds = state.collections(world.api)
        self.strikes = Strikes(self.proxy, Api(world.servers), world.kinds)
        self.rows = []

    def start(self):
        self.operator = self.world.operator("walk")
        # Those that it has to look at before it can be said to be at rest.
        self.tenants = self.count_tenants()

    def count_tenants(self):
        found = self.world.api.send("GET", f"{TENANTS}?limit=1")
        return len(found["items"]) + found["metadata"].get("remainingItemCount", 0)

    def kill(self):
        kill(self.operator)

    def strike(self, number):
        if self.way == "refuse":
            return Refusal(number)
        return Strike(number, self.kill) if self.way == "kill" else Strike(number)

    def go(self, life, scenario, courses):
        """Takes all of them through it; {namespace: its objects} once that is over. Says who died or
        never rested."""
        self.proxy.reset()
        self.strikes.on_their_way = {course.namespace: course for course in courses}
        for course in courses:
            if course.strike:
                course.strike.begin(self.strikes.snapshot_of(course))
            scenario.change(self.world, course.namespace, life.spec)
        self.rest(scenario, courses)
        # Whatever is written from now on has no reason.
        self.strikes.on_their_way = {}
        return {course.namespace: state.objects(self.world.api, self.world.kinds, course.namespace)
                for course in courses}

    def rest(self, scenario, courses):
        """Done, every tenant looked at, and nothing to do or to write for a while."""
        began, since, killed, quiet = time.monotonic(), None, False, QUIET_SECONDS
        while since is None or time.monotonic() - max(since, self.last_write()) < quiet:
            looked = time.monotonic()
            if self.operator.child.poll() is not None:
                struck = [course for course in courses if course.strike and course.strike.struck]
                if killed or self.way != "kill" or not struck:
                    raise AssertionError(f"{courses[0].namespace}: the operator ended by itself")
                eventually("the snapshot", lambda: struck[0].is_struck)
                killed = True
                self.start()
            dies = self.way == "kill" and not killed and any(course.is_struck for course in courses)
            undone = ["the operator is dying"] if dies else self.undone(scenario, courses)
            since = None if undone else since or time.monotonic()
            quiet = max(QUIET_SECONDS, QUIET_LOOKS * (time.monotonic() - looked))
            if time.monotonic() - began > REST_SECONDS:
                raise AssertionError(f"not at rest after {REST_SECONDS} s: {undone}")
            time.sleep(0.03)

    def last_write(self):
        return self.proxy.writes[-1][0] if self.proxy.writes else 0.0

    def undone(self, scenario, courses):
        """What is still to do, as words."""
        found = self.operator.metrics("controller_runtime_reconcile_total", "workqueue_depth",
                                      "controller_runtime_active_workers")
        if found and found[0] < self.tenants:
            # One that was going when the operator was started may have gone unseen.
            self.tenants = min(self.tenants, self.count_tenants())
        if found is None or found[0] < self.tenants or found[1:] != [0, 0]:
            return [f"passes, keys that wait, and workers: {found}"]
        return [f"{course.namespace}: {(self.world.tenant(course.namespace) or {}).get('status')}"
                for course in courses if not scenario.done(self.world, course.namespace)]

    def first_start(self):
        """The operator's own authority, drawn at its first start, survives every kill."""
        row = self.row("-", "first start")
        for k in range(1, MOST_WRITES):
            for key in state.objects(self.world.api, self.world.kinds, OPERATOR_NAMESPACE):
                if key[0] == "secrets":
                    self.world.api.send(
                        "DELETE", f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets/{key[1]}")
            self.proxy.reset()
            course = Course(OPERATOR_NAMESPACE, self.strike(k))
            self.strikes.on_their_way = {OPERATOR_NAMESPACE: course}
            self.start()
            eventually("has drawn it or is killed",
                       lambda: self.has_drawn() or self.operator.child.poll() is not None)
            if self.operator.child.poll() is not None:
                # It died before what there was then was written down.
                eventually("the snapshot", lambda: course.is_struck)
            if not course.is_struck:
                break
            row.points += 1
            self.start()
            eventually("has drawn it", self.has_drawn)
            after = state.objects(self.world.api, self.world.kinds, OPERATOR_NAMESPACE)
            row.problems += state.continuity(course.strike.before, after)
            self.kill()
        row.writes = row.points
        self.end(row)

    def has_drawn(self):
        """Idle is no sign by itself: nobody works either before the first key has come in."""
        kept = [key for key in state.objects(self.world.api, self.world.kinds, OPERATOR_NAMESPACE)
                if key[0] == "secrets"]
        # The server has the Secret a moment before the write counts here.
        return (kept and self.proxy.writes and self.operator.idle()
                and time.monotonic() - self.last_write() > QUIET_SECONDS)

    def slow_cache(self, life):
        """A cache that lags behind: everything is made all the same, and nothing twice."""
        scenario, row = life.scenarios[0], self.row(life.name, "create, slow cache", "delay")
        wanted, _ = self.undisturbed(life, scenario, f"{life.name}-u01")
        self.proxy.delay = SLOW_SECONDS
        try:
            found, row.writes = self.undisturbed(life, scenario, f"{life.name}-s00")
        finally:
            self.proxy.delay = 0.0
        row.points = 1
        row.problems += state.differences(wanted, found)
        written = [written_object(request) for _, request in self.proxy.writes
                   if not request.path.endswith("/status")]
        row.problems += [f"{one} was written {written.count(one)} times"
                         for one in sorted(set(written)) if written.count(one) > 1]
        self.end(row)

    def undisturbed(self, life, scenario, namespace):
        """What it looks like in the end, and how many writes that took."""
        course = Course(namespace)
        found = self.go(life, scenario, [course])[namespace]
        return state.normalized(found, namespace), course.written

    def live(self, life):
        living = []
        for scenario in life.scenarios:
            row = self.row(life.name, scenario.name)
            wanted, row.writes = self.undisturbed(life, scenario, f"{life.name}-u00")
            strikes = self.numbered(row.writes)
            used = 0
            while used < MOST_WRITES:
                batch = [Course(f"{life.name}-{self.way[0]}{used + place:02d}", strike)
                         for place, strike in enumerate(next(strikes), 1)]
                used += len(batch)
                self.prepare(life, scenario, batch, living)
                self.some(life, scenario, batch, wanted, row)
                if not batch[-1].is_struck and batch[-1].strike.number > row.writes:
                    break
            for delay in DEATHS if scenario.deletes and self.way == "kill" else ():
                used += 1
                course = Course(f"{life.name}-{self.way[0]}{used:02d}", Death(delay, self.kill))
                self.prepare(life, scenario, [course], living)
                self.some(life, scenario, [course], wanted, row)
            self.late(life, scenario, living[used:], row)
            self.end(row)

    def numbered(self, writes):
        """Strikes in groups that go side by side: all that an undisturbed run has writes for, one
        more, and then one by one."""
        number = 1
        while True:
            size = min(SIDE_BY_SIDE[self.way], max(1, writes + 2 - number))
            yield [self.strike(number + place) for place in range(size)]
            number += size

    def prepare(self, life, scenario, batch, living):
        """Brings those that have not been through it all to where the scenario begins."""
        new = [course.namespace for course in batch if course.namespace not in living]
        living += new
        for earlier in life.scenarios[:life.scenarios.index(scenario)] if new else ():
            self.go(life, earlier, [Course(namespace) for namespace in new])

    def some(self, life, scenario, batch, wanted, row):
        try:
            found = self.go(life, scenario, batch)
        except AssertionError as error:
            struck = ", ".join(str(course.strike.struck) for course in batch)
            row.problems.append(f"after {struck}: {error}")
            if self.operator.child.poll() is not None:
                self.start()
            return
        for course in batch:
            objects = found[course.namespace]
            lines = state.differences(wanted, state.normalized(objects, course.namespace))
            if course.is_struck:
                stays = scenario.meant_to_stay(course.strike.before)
                lines += state.continuity(stays, objects)
            row.problems += [f"after {course.strike.struck}: {line}" for line in lines]
            row.points += course.is_struck

    def late(self, life, scenario, namespaces, row):
        """Those that this scenario did not need go through it all the same, for the next one."""
        try:
            if namespaces:
                self.go(life, scenario, [Course(namespace) for namespace in namespaces])
        except AssertionError as error:
            row.problems.append(f"undisturbed: {error}")

    def row(self, life, scenario, way=None):
        self.rows.append(Row(life, scenario, way or self.way, began=time.monotonic()))
        return self.rows[-1]

    def end(self, row):
        row.problems += self.strikes.take_unasked()
        row.seconds = time.monotonic() - row.began
        print(row, flush=True)
        for line in row.problems[:20]:
            print("    " + line, flush=True)

    def run(self):
        if self.way == "kill":
            self.first_start()
        else:
            course = Course(OPERATOR_NAMESPACE)
            self.strikes.on_their_way = {OPERATOR_NAMESPACE: course}
            self.start()
            eventually("the operator has drawn its authority", lambda: course.written)
        for life in LIVES:
            if self.way == "drop":
                self.slow_cache(life)
            self.live(life)
        print(f"{sum(row.points for row in self.rows)} points, "
              f"{sum(len(row.problems) for row in self.rows)} problems, "
              f"{sum(row.seconds for row in self.rows):.0f} s", flush=True)


def main(way):
    with World() as world:
        walk = Walk(world, way)
        try:
            walk.run()
        except BaseException:
            print(world.log_of("one")[-3000:], file=sys.stderr)
            raise
    problems = [f"{row.scenario}, {row.way} {line}" for row in walk.rows for line in row.problems]
    for line in problems:
        print(line, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    if sys.argv[1:] not in (["kill"], ["drop"], ["refuse"]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
