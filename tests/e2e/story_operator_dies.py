"""Killing the operator delays a company, no more."""

import pytest

from support import audit, matrix, operator
from support import kubectl as k
from support.company import UNTIL_READY
from support.waiting import Stopwatch, figure, wait_until

pytestmark = pytest.mark.usefixtures("alone")


@pytest.fixture(scope="module")
def lima(offices):
    return offices.company("lima")


def exists(company, *children):
    def check():
        missing = {child for child in children} - set(company.children())
        assert not missing, f"not made yet: {sorted(missing)}"
    return check


def test_a_company_comes_up_although_the_operator_is_killed_again_and_again(lima):
    name = lima.name
    # At each of these moments the leader dies, by turns without warning and by the API.
    moments = [("Secret", f"{name}-homeserver-keys"), ("StatefulSet", f"{name}-database"),
               ("Service", f"{name}-homeserver"), ("StatefulSet", f"{name}-homeserver"),
               ("Deployment", f"{name}-gateway")]
    began = audit.now()
    watch = Stopwatch()
    lima.found()
    for turn, moment in enumerate(moments):
        wait_until(f"{moment} is made", exists(lima, moment), UNTIL_READY, every=0.2)
        (operator.kill_leader, operator.remove_leader)[turn % 2]()
    lima.wait_ready()
    figure(f"Ready although the leader was killed {len(moments)} times", f"{watch.seconds:.0f} s")
    operator.wait_until_whole()
    assert set(lima.children()) == lima.expected_children()
    replica_sets = k.listed("replicasets", lima.namespace, "app.kubernetes.io/name=gateway")
    wanted = [k.name_of(item) for item in replica_sets if item["spec"]["replicas"]]
    assert len(wanted) == 1, f"the gateway runs in {wanted}"
    drawn = [write for write in audit.writes_by(audit.operator_account(), began)
             if write.verb == "create" and write.resource == "secrets" and write.code == 201
             and write.namespace == lima.namespace]
    names = sorted(write.name for write in drawn)
    keys = [f"{name}-administrator", f"{name}-database-keys", f"{name}-homeserver-keys"]
    assert names == keys, f"keys were drawn for {names}; expected each once: {keys}"


def test_its_administrator_can_log_in_all_the_same(lima):
    assert matrix.administrator_of(lima).user == lima.status()["administrator"]["userId"]
