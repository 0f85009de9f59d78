"""The operator is restarted where all is well; what it does from then on, the story rest_is_silent tells."""

import pytest

from support import kubectl as k
from support import operator
from support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("alone")


def all_are_ready():
    waiting = []
    for tenant in k.listed(k.CHS):
        conditions = tenant.get("status", {}).get("conditions", [])
        if ("Ready", "True") not in [(entry["type"], entry["status"]) for entry in conditions]:
            waiting.append(f"{tenant['metadata']['namespace']}/{k.name_of(tenant)}")
    assert not waiting, f"not Ready: {waiting}"


def test_a_restarted_operator_leads(acme):
    acme.wait_ready()
    wait_until("every company is Ready", all_are_ready, 120)
    before = {k.uid_of(pod) for pod in operator.pods()}
    operator.restart()

    def a_new_one_leads():
        assert k.uid_of(operator.leader()) not in before, "an old pod still leads"
    wait_until("a new pod of the operator leads", a_new_one_leads, operator.UNTIL_LED)
