"""Which ports pods listen on, and who reaches them: seen from inside the pods' own networks."""

import json
import subprocess

from support import kubectl as k
from support import processes
from support.waiting import wait_until

PATIENCE = 2
UNTIL_RUNNING = 60
LISTENING = "0A"

# Tries every door at once; what is dropped would take its whole patience one by one.
_KNOCK = """
import concurrent.futures, json, socket, sys
patience, doors = json.load(sys.stdin)
def is_open(door):
    try:
        socket.create_connection(tuple(door), timeout=patience).close()
        return True
    except OSError:
        return False
with concurrent.futures.ThreadPoolExecutor(64) as pool:
    print(json.dumps(list(pool.map(is_open, doors))))
"""


def address_of(pod):
    return pod["status"]["podIP"]


def _process_of(pod):
    found = [processes.program_of(container) for _, container in processes.containers_of(pod)]
    assert any(found), f"no process of {k.name_of(pod)} runs"
    return next(filter(None, found))


def open_from(pod, doors):
    """Those of the doors, [(address, port)], to which a TCP connection comes about from the pod."""
    doors = sorted(doors)
    command = ["nsenter", f"--net=/proc/{_process_of(pod).pid}/ns/net", "/usr/bin/python3", "-c",
               _KNOCK]
    done = subprocess.run(command, input=json.dumps([PATIENCE, doors]), capture_output=True,
                          text=True, check=True)
    return {door for door, is_open in zip(doors, json.loads(done.stdout)) if is_open}


def declared(pod):
    return {port["containerPort"] for container in pod["spec"]["containers"]
            for port in container.get("ports", [])}


def listening(pod):
    """The TCP ports on which a pod listens for others, as its kernel says."""
    ports = set()
    for table in ("tcp", "tcp6"):
        rows = _process_of(pod).network(table)
        for local, state in ((row[1], row[3]) for row in rows):
            host, port = local.split(":")
            loopback = host in ("0100007F", "00000000000000000000000001000000")
            if state == LISTENING and not loopback:
                ports.add(int(port, 16))
    return ports


def idle_pod(name, namespace, labels, model):
    """A pod of the restricted standard that does nothing, made like another one; once it runs."""
    container = model["spec"]["containers"][0]
    k.create({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"securityContext": model["spec"]["securityContext"],
                 "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 1,
                 "containers": [{"name": "idle", "image": container["image"],
                                 "imagePullPolicy": "IfNotPresent", "command": ["sleep", "3600"],
                                 "securityContext": container["securityContext"]}]}})

    def running():
        pod = k.get("pod", name, namespace)
        assert processes.containers_of(pod), f"pod {name} is {pod['status']['phase']}"
        return pod
    return wait_until(f"pod {name} runs", running, UNTIL_RUNNING)
