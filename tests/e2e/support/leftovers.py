"""What stories made and are to leave nothing of: their namespaces."""

from support import kubectl as k
from support.waiting import wait_until

PREFIX = "e2e-"
UNTIL_GONE = 120


def _nothing_is_left():
    left = [item for item in k.listed("namespaces") if k.name_of(item).startswith(PREFIX)]
    said = [f"{k.name_of(item)} is {item['status']['phase']}: " + "; ".join(
        entry["message"] for entry in item["status"].get("conditions", [])
        if entry["status"] == "True") for item in left]
    assert not left, "\n".join(said)


def wait_until_nothing_is_left():
    wait_until("the namespaces of stories are gone", _nothing_is_left, UNTIL_GONE)
