"""Containers as the node's kernel sees them: what is enforced, not what was asked for."""

import dataclasses
import pathlib

PROC = pathlib.Path("/proc")
TOKENS = "/secrets/kubernetes.io/serviceaccount"


@dataclasses.dataclass(frozen=True)
class Process:
    pid: int

    def _read(self, file):
        return (PROC / str(self.pid) / file).read_bytes().decode(errors="replace")

    def status(self):
        """The lines of /proc/PID/status as a dictionary."""
        lines = (line.split(":", 1) for line in self._read("status").splitlines() if ":" in line)
        return {name: value.strip() for name, value in lines}

    def mounts(self):
        """[(mount point, options)] of its own view of the file system."""
        rows = (line.split() for line in self._read("mountinfo").splitlines())
        return [(row[4], row[5].split(",")) for row in rows]

    def network(self, table):
        """The rows of /proc/PID/net/TABLE, split into words, without the heading."""
        return [line.split() for line in self._read(f"net/{table}").splitlines()[1:]]

    def command_line(self):
        return self._read("cmdline").replace("\0", " ").strip()

    def environment(self):
        return self._read("environ").replace("\0", "\n")


def of_container(container_id):
    """The processes of one running container, by the long id after "containerd://"."""
    found = []
    for folder in PROC.glob("[0-9]*"):
        try:
            if container_id in (folder / "cgroup").read_text():
                found.append(Process(int(folder.name)))
        except (FileNotFoundError, ProcessLookupError):
            continue  # It ended while we looked.
    return found


def program_of(container_id):
    """The process that a running container lives as long as; what probes start comes and goes."""
    for process in of_container(container_id):
        try:
            if process.status()["NSpid"].split()[-1] == "1":
                return process
        except (FileNotFoundError, ProcessLookupError):
            continue  # It ended while we looked.
    return None


def containers_of(pod):
    """[(name, container id)] of the containers of a pod that run now."""
    statuses = pod["status"].get("containerStatuses", [])
    return [(entry["name"], entry["containerID"].split("://")[1])
            for entry in statuses if "running" in entry["state"]]
