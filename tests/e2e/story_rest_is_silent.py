"""A restarted operator finds all well and writes nothing, nor in ten minutes of rest."""

import os
import time

import pytest

from support import audit, operator
from support import kubectl as k
from support.waiting import figure, wait_until

pytestmark = pytest.mark.usefixtures("alone")

# The promise is about ten minutes; a shorter rest is for whoever works on this story.
REST_SECONDS = int(os.environ.get("REST_SECONDS", "600"))
LEASES = ("coordination.k8s.io", "leases")


def all_are_ready():
    waiting = []
    for tenant in k.listed(k.CHS):
        conditions = tenant.get("status", {}).get("conditions", [])
        if ("Ready", "True") not in [(entry["type"], entry["status"]) for entry in conditions]:
            waiting.append(f"{tenant['metadata']['namespace']}/{k.name_of(tenant)}")
    assert not waiting, f"not Ready: {waiting}"


def test_a_restart_and_ten_minutes_of_rest_write_nothing(acme):
    acme.wait_ready()
    wait_until("every company is Ready", all_are_ready, 120)
    account = audit.operator_account()
    before = {k.uid_of(pod) for pod in operator.pods()}
    events = {k.uid_of(event) for event in k.listed("events", "acme")}

    began = audit.now()
    name = k.name_of(operator.deployment())
    k.kubectl("rollout", "restart", f"deployment/{name}", "-n", k.SYSTEM)
    k.kubectl("rollout", "status", f"deployment/{name}", "-n", k.SYSTEM, "--timeout=180s",
              timeout=200)

    def a_new_one_leads():
        assert k.uid_of(operator.leader()) not in before, "an old pod still leads"

    wait_until("a new pod of the operator leads", a_new_one_leads, operator.UNTIL_LED)
    # The one place where time itself is the condition.
    time.sleep(REST_SECONDS)

    writes = audit.writes_by(account, began)
    leases = [write for write in writes if (write.group, write.resource) == LEASES]
    others = [write for write in writes if write not in leases]
    said = [event for event in k.listed("events", "acme") if k.uid_of(event) not in events]
    figure(f"restart and {REST_SECONDS} s of rest over {len(k.listed(k.CHS))} companies",
           f"{len(others)} writes, {len(said)} events, {len(leases)} renewals of the lease")
    shown = "\n".join(map(str, others[:20]))
    assert not others, f"{len(others)} writes at rest:\n{shown}"
    assert leases, "the lease is not renewed: the record is not of the operator that runs"
    assert not said, f"events at rest: {[event.get('message') for event in said]}"
    all_are_ready()
