"""What a person would look up first when a story fails."""

import subprocess

from support import kubectl as k

_TAIL = 40


def _said(title, *arguments):
    try:
        text = k.kubectl(*arguments, timeout=120)
    except (k.CommandFailed, subprocess.TimeoutExpired) as error:
        text = f"({error})"  # Evidence that cannot be had must not hide the failure itself.
    lines = text.rstrip().splitlines()
    return f"--- {title}\n" + "\n".join(lines[-120:])


def _is_well(pod):
    conditions = pod.get("status", {}).get("conditions", [])
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def _logs_of(pod, namespace):
    names = [entry["name"] for part in ("initContainers", "containers")
             for entry in pod["spec"].get(part, [])]
    return [_said(f"log of {namespace}/{k.name_of(pod)} {name}", "logs", "-n", namespace,
                  k.name_of(pod), "-c", name, f"--tail={_TAIL}") for name in names]


def of_namespace(namespace):
    parts = [_said(f"CompanyHomeservers of {namespace}", "describe", k.CHS, "-n", namespace),
             _said(f"objects of {namespace}", "get", "-n", namespace, "-o", "wide",
                   "statefulsets,deployments,pods,services,persistentvolumeclaims,configmaps"),
             _said(f"events of {namespace}", "get", "events", "-n", namespace,
                   "--sort-by=.lastTimestamp")]
    try:
        pods = k.listed("pods", namespace)
    except k.CommandFailed:
        pods = []  # The parts above have met the same trouble and say it.
    for pod in pods:
        if not _is_well(pod):
            parts += _logs_of(pod, namespace)
    return "\n".join(parts)


def gather(namespaces):
    parts = [of_namespace(namespace) for namespace in namespaces]
    parts.append(_said("operator's pods", "get", "pods", "-n", k.SYSTEM, "-o", "wide"))
    parts.append(_said("operator's log", "logs", "-n", k.SYSTEM, "deployment/alphorn",
                       "--all-pods=true", "--prefix", "--tail=60"))
    return "\n".join(parts)
