"""While no node takes pods, a company whose database went says so; afterwards it is back alone."""

import pytest

from support import kubectl as k
from support.waiting import Stopwatch, figure

pytestmark = pytest.mark.usefixtures("alone")

# A condition that names the trouble should be there about as soon as Kubernetes knows of it.
UNTIL_SAID = 90


@pytest.fixture(scope="module")
def golf(offices):
    company = offices.company("golf")
    company.found()
    company.wait_ready()
    return company


@pytest.fixture
def no_node_takes_pods():
    nodes = [k.name_of(node) for node in k.listed("nodes")]
    try:
        for node in nodes:
            k.kubectl("cordon", node)
        yield
    finally:
        for node in nodes:
            k.kubectl("uncordon", node)


def test_a_database_that_is_down_is_named(golf, no_node_takes_pods):
    watch = Stopwatch()
    k.delete("pod", f"{golf.name}-database-0", golf.namespace)
    golf.wait_for("Ready", "False", "DatabaseNotReady", limit=UNTIL_SAID)
    figure("outage of the database told", f"{watch.seconds:.0f} s")
    # Kubernetes says why as soon as it has tried to place the new pod.
    golf.wait_for("DatabaseReady", "False", "PodNotScheduled", "unschedulable", UNTIL_SAID)
    golf.wait_for_event("DatabaseNotReady", "unschedulable")


def test_and_when_it_is_back_so_is_the_company(golf):
    watch = Stopwatch()
    golf.wait_ready()
    figure("Ready after the outage", f"{watch.seconds:.0f} s")
