"""Reads the API server's audit log: who asked what, when it came in and when it was answered."""
import collections
import datetime
import json

WRITES = ("create", "update", "patch", "delete", "deletecollection")


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Audit:
    def __init__(self, path):
        self.path = path
        self.offset = 0

    def skip(self):
        """What is written from now on counts."""
        self.offset = self.path.stat().st_size if self.path.exists() else 0

    def entries(self, user=None):
        """Requests since skip(), those about leases and of watches under way left out."""
        if not self.path.exists():
            return []
        with open(self.path, encoding="utf-8") as file:
            file.seek(self.offset)
            found = []
            for line in file:
                if not line.endswith("\n"):
                    break
                entry = json.loads(line)
                if user is not None and entry["user"]["username"] != user:
                    continue
                if entry.get("objectRef", {}).get("resource") != "leases":
                    found.append(entry)
        return found

    def writes(self, user):
        """Writes to anything but events."""
        return [entry for entry in self.entries(user) if is_write(entry)]


def is_write(entry):
    return entry["verb"] in WRITES and not is_event(entry)


def is_event(entry):
    return entry.get("objectRef", {}).get("resource") == "events"


def by_verb(entries, tenants):
    """Requests per tenant: each verb, status writes and events apart, lists and watches too."""
    counts = collections.Counter()
    for entry in entries:
        reference = entry.get("objectRef", {})
        verb = entry["verb"]
        if is_event(entry):
            verb = "event"
        elif reference.get("subresource") == "status":
            verb = "status"
        elif entry.get("responseStatus", {}).get("code", 200) >= 400:
            verb += "_refused"
        counts[verb] += 1
    return {verb: round(count / tenants, 3) for verb, count in sorted(counts.items())}


def write_times_ms(entries):
    """How long the server took for each write to a child."""
    return sorted((moment(entry["stageTimestamp"]) - moment(entry["requestReceivedTimestamp"])) * 1000
                  for entry in entries if is_write(entry) and
                  entry.get("objectRef", {}).get("subresource") != "status")


def reactions_ms(entries, operator, heard):
    """For each edit of a tenant, three times: from when the server had answered it until it was asked
    to write the homeserver's ConfigMap that shows it; the same from when a plain watcher had `heard` of
    the edit (tenant -> time), which the server delivers when it can; and from when the edit came in
    until that write was answered. All clocks are this machine's."""
    pending, own, after_delivery, whole = {}, [], [], []
    for entry in sorted(entries, key=lambda one: one["requestReceivedTimestamp"]):
        reference = entry.get("objectRef", {})
        user = entry["user"]["username"]
        if user == "editor" and reference.get("resource") == "companyhomeservers" and is_write(entry):
            pending[reference["name"]] = entry
        elif (user == operator and reference.get("resource") == "configmaps" and is_write(entry)
              and reference.get("name", "").endswith("-homeserver")):
            edit = pending.pop(reference["name"].removesuffix("-homeserver"), None)
            if edit is not None:
                came = moment(entry["requestReceivedTimestamp"])
                answered = moment(edit["stageTimestamp"])
                own.append((came - answered) * 1000)
                delivered = max(answered, heard.get(edit["objectRef"]["name"], answered))
                after_delivery.append((came - delivered) * 1000)
                whole.append((moment(entry["stageTimestamp"]) -
                              moment(edit["requestReceivedTimestamp"])) * 1000)
    return {"reaction": sorted(own), "reaction_after_delivery": sorted(after_delivery),
            "reaction_whole": sorted(whole)}


def percentile(ordered, share):
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2)
