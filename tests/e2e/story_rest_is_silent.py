"""A restarted operator finds all well and writes nothing about a company at rest, nor in ten minutes or
more, whatever it does for others meanwhile. The rest began with the story rest_begins."""

import datetime
import os
import time

from support import audit, operator
from support import kubectl as k
from support.leftovers import PREFIX
from support.waiting import figure

# The promise is about ten minutes; a shorter rest is for whoever works on this story.
REST_SECONDS = int(os.environ.get("REST_SECONDS", "600"))
# How long the operator may take to tell what happened to a company.
UNTIL_TOLD = datetime.timedelta(seconds=60)
LEASES = ("coordination.k8s.io", "leases")


def is_of_a_story(write):
    """Of a company that a story makes, changes and takes away. Whatever is not in such a namespace counts."""
    return write.namespace.startswith(PREFIX)


def rest_of(company, restarted):
    """Since when nothing happens to it. A probe that a busy machine answers too late is no rest, for then the
    operator tells of it: ten minutes begin anew."""
    changed = max(operator.moment(entry["lastTransitionTime"]) for pod in company.pods()
                  for entry in pod["status"]["conditions"])
    return restarted if changed < restarted else changed + UNTIL_TOLD


def test_a_restart_and_ten_minutes_of_rest_write_nothing(acme):
    restarted = operator.restarted_at()
    assert restarted, "tell the story rest_begins first"
    since = rest_of(acme, restarted)
    rested = (datetime.datetime.now(datetime.timezone.utc) - since).total_seconds()
    # The one place where time itself is the condition.
    time.sleep(max(0.0, REST_SECONDS - rested))

    writes = audit.writes_by(audit.operator_account(), audit.stamp(since))
    leases = [write for write in writes if (write.group, write.resource) == LEASES]
    others = [write for write in writes if write not in leases and not is_of_a_story(write)]
    figure(f"{'restart and ' if since == restarted else ''}{max(rested, REST_SECONDS):.0f} s of rest",
           f"{len(others)} writes, {len(leases)} renewals of the lease, "
           f"{len(writes) - len(leases) - len(others)} writes for companies of stories")
    shown = "\n".join(map(str, others[:20]))
    assert not others, f"{len(others)} writes at rest:\n{shown}"
    assert leases, "the lease is not renewed: the record is not of the operator that runs"
    assert len([pod for pod in operator.pods() if operator.began(pod) >= restarted]) == len(operator.pods()), \
        "a pod of before the restart still runs"
    acme.expect("Ready", "True")
