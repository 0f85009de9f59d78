"""The cluster and the front door, as a person uses them: through ./dev."""

import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
DEV = ROOT / "dev"
SYSTEM = "alphorn-system"
TENANT_LABEL = "alphorn.dev/tenant"
CHS = "companyhomeservers.alphorn.dev"

PATIENCE = 600


class CommandFailed(Exception):
    """A command ended with an error; `text` is what it said."""

    def __init__(self, command, code, text):
        super().__init__(f"{' '.join(command)}: ended with {code}: {text}")
        self.text = text


def dev(*arguments, stdin=None, timeout=PATIENCE):
    """What `./dev ARGUMENTS` prints. Raises CommandFailed with what it said on its way down."""
    command = [str(DEV), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout,
                          check=False)
    if done.returncode != 0:
        shown = ["./dev", *(word if len(word) < 80 else word[:77] + "..." for word in arguments)]
        raise CommandFailed(shown, done.returncode, (done.stderr + done.stdout).strip())
    return done.stdout


def kubectl(*arguments, stdin=None, timeout=PATIENCE):
    return dev("kubectl", *arguments, stdin=stdin, timeout=timeout)


def refusal(*arguments):
    """What kubectl says when it refuses. An assertion fails when it does not refuse."""
    try:
        kubectl(*arguments)
    except CommandFailed as refused:
        return refused.text
    raise AssertionError(f"kubectl {' '.join(arguments)} was not refused")


def _in(namespace):
    return ["-n", namespace] if namespace else []


def get(kind, name, namespace=None):
    """One object, or None when it does not exist."""
    text = kubectl("get", kind, name, *_in(namespace), "--ignore-not-found", "-o", "json")
    return json.loads(text) if text.strip() else None


def listed(kinds, namespace=None, selector=None):
    """All objects of some kinds ("pods,secrets"); of all namespaces when none is given."""
    where = _in(namespace) or ["-A"]
    which = ["-l", selector] if selector else []
    return json.loads(kubectl("get", kinds, *where, *which, "-o", "json"))["items"]


def create(manifest):
    kubectl("create", "-f", "-", stdin=json.dumps(manifest))


def patch(kind, name, namespace, change):
    """A merge patch, as `kubectl edit` makes one."""
    kubectl("patch", kind, name, *_in(namespace), "--type=merge", "-p", json.dumps(change))


def delete(kind, name, namespace=None, wait=False):
    kubectl("delete", kind, name, *_in(namespace), "--ignore-not-found",
            f"--wait={'true' if wait else 'false'}")


def status():
    """`./dev status --json`; it also makes the tenants' host names known to this machine."""
    return json.loads(dev("status", "--json"))


def name_of(item):
    return item["metadata"]["name"]


def uid_of(item):
    return item["metadata"]["uid"]
