"""What every story shares: companies made for it, and removed after it also when it fails."""

import signal

import pytest

from support import evidence
from support import kubectl as k
from support import matrix
from support.company import RUN, Company
from support.leftovers import PREFIX, wait_until_nothing_is_left
from support.talk import Talker


class Offices:
    """Makes namespaces and companies with names of this run, and removes them."""

    # Namespaces that exist now, for the evidence of a failure.
    standing = []

    def __init__(self, story):
        self._story = story
        self._mine = []

    def namespace(self, suffix=""):
        name = f"{PREFIX}{self._story}{suffix}-{RUN}"
        k.create({"apiVersion": "v1", "kind": "Namespace",
                  "metadata": {"name": name,
                               "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
        self._mine.append(name)
        Offices.standing.append(name)
        return name

    def company(self, name, namespace=None):
        """A company that may be founded; in a namespace of its own unless one is given."""
        return Company(name, namespace or self.namespace("-" + name))

    def close(self):
        """They go while the next story is told; story_nothing_is_left sees to it that they do."""
        for name in self._mine:
            k.delete("namespace", name)
            Offices.standing.remove(name)
        self._mine.clear()


@pytest.fixture(scope="session")
def alone():
    """For a story that others would disturb: what they left has gone before it begins."""
    wait_until_nothing_is_left()


@pytest.fixture(scope="module")
def offices(request):
    story = request.module.__name__.removeprefix("story_").replace("_", "-")
    offices = Offices(story)
    yield offices
    offices.close()


@pytest.fixture(scope="session")
def acme():
    """The sample company that ./dev up makes."""
    return Company("acme", "acme")


@pytest.fixture(scope="module")
def admin(company):
    """Who administers the story's company, and talks with its bots."""
    return Talker(matrix.administrator_of(company))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed and call.when in ("setup", "call"):
        namespaces = Offices.standing or ["acme"]
        report.sections.append(("what the cluster says", evidence.gather(namespaces)))


def pytest_configure(config):
    def stop(signum, frame):
        raise KeyboardInterrupt("asked to end")  # Fixtures then clean up as after Ctrl-C.
    signal.signal(signal.SIGTERM, stop)
