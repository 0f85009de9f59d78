"""The operator's own pods, and violence against them."""

import datetime
import os
import signal

from support import kubectl as k
from support import processes
from support.waiting import wait_until

UNTIL_LED = 90
_RESTARTED = "kubectl.kubernetes.io/restartedAt"


def deployment():
    found = k.listed("deployments", k.SYSTEM)
    names = [k.name_of(item) for item in found]
    assert len(found) == 1, f"expected the operator alone in {k.SYSTEM}, found {names}"
    return found[0]


def pods():
    """The operator's pods that are not on their way out."""
    labels = deployment()["spec"]["selector"]["matchLabels"]
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    return [pod for pod in k.listed("pods", k.SYSTEM, selector)
            if "deletionTimestamp" not in pod["metadata"]]


def restart():
    """As a person would; returns when all replicas are new."""
    name = k.name_of(deployment())
    k.kubectl("rollout", "restart", f"deployment/{name}", "-n", k.SYSTEM)
    k.kubectl("rollout", "status", f"deployment/{name}", "-n", k.SYSTEM, "--timeout=540s")


def restarted_at():
    """When restart() was asked for last, to the second; None when never."""
    told = deployment()["spec"]["template"]["metadata"].get("annotations", {}).get(_RESTARTED)
    return told and moment(told)


def began(pod):
    return moment(pod["metadata"]["creationTimestamp"])


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def leader():
    """The pod that holds the lease; an assertion fails while none that lives does."""
    leases = k.listed("leases.coordination.k8s.io", k.SYSTEM)
    holders = [lease["spec"].get("holderIdentity", "") for lease in leases]
    led = [pod for pod in pods() if k.name_of(pod) in holders]
    assert led, f"no living pod of the operator leads; the lease is held by {holders}"
    return led[0]


def kill_leader():
    """SIGKILL to the program itself: no signal handler, no clean release of the lease."""
    def running():
        pod = leader()
        found = [process for _, container in processes.containers_of(pod)
                 for process in processes.of_container(container)]
        assert found, f"the program of {k.name_of(pod)} does not run at present"
        return found

    for process in wait_until("the operator leads", running, UNTIL_LED, every=0.2):
        os.kill(process.pid, signal.SIGKILL)


def remove_leader():
    """The pod is gone from the API at once; its replacement is another one."""
    pod = wait_until("the operator leads", leader, UNTIL_LED, every=0.2)
    k.kubectl("delete", "pod", k.name_of(pod), "-n", k.SYSTEM, "--force", "--grace-period=0")


def wait_until_whole():
    """All replicas are there again and ready."""
    def whole():
        status, wanted = deployment()["status"], deployment()["spec"]["replicas"]
        ready = status.get("readyReplicas", 0)
        assert ready == wanted and status.get("updatedReplicas") == wanted == status["replicas"], \
            f"{ready} of {wanted} replicas are ready"
    # A program that was killed often is started again only after a back-off.
    wait_until("all replicas of the operator are ready", whole, 180)
