"""What is done in the repository once a set is safe: holds, retention, room, the client's own key.

None of it can unmake the set of this run; what fails is told and tried again the next time. So is what another
program's lock forbids: nobody waits for it.
"""

import contextlib
import datetime
import json

from outcome import Failure, log
from repository import MANIFEST, NoRepository

HOLD = "hold"
CLIENT = "client"
# What has no manifest may be a set that another run is making.
UNFINISHED = datetime.timedelta(days=1)
TIMES = ("daily", "weekly", "monthly", "yearly")


def apply_holds(repository, sets, holds):
    """Whether anything had to be changed."""
    changes = 0
    for wanted, option in ((True, "--add"), (False, "--remove")):
        changed = [entry.id for name, entry in sets.committed.items()
                   if (name in holds) is wanted and (HOLD in entry.tags) is not wanted]
        if changed:
            repository.call("tag", option, HOLD, *changed, patient=False)
        changes += len(changed)
    return changes > 0


def forget_old_sets(repository, sets, host, retention):
    """Whether anything may have gone. Whatever the policy says, sets that are held are kept, and all of the last day
    before the newest: who makes one by hand before a risky evening still has it in the night."""
    policy = [f"--keep-{time}={int(retention[time])}" for time in TIMES if int(retention.get(time) or 0) > 0]
    # To look costs a second each night; so few are kept in any case.
    if not policy or len(sets.committed) <= int(retention.get("daily") or 0):
        return False
    repository.call("forget", "--host", host, "--tag", MANIFEST, "--group-by", "host", "--keep-tag", HOLD,
                    "--keep-within=1d", *policy, patient=False)
    return True


def forget_leftovers(repository, before, after, name):
    """Parts of sets that were let go just now, of runs that never came to an end, and second manifests."""
    oldest = datetime.datetime.now(datetime.timezone.utc) - UNFINISHED
    leftovers = [entry.id for entry in after.surplus]
    for entry in after.parts:
        of = entry.value_of("set")
        if MANIFEST in entry.tags or of == name:
            continue
        if of not in after.committed and (of in before.committed or entry.time < oldest):
            leftovers.append(entry.id)
    if leftovers:
        repository.call("forget", *leftovers, patient=False)
        log("removed what belongs to no set", snapshots=len(leftovers))


def prune(repository, sets, now, days):
    """Nothing can be given back before the oldest set is that old, either."""
    last = sets.last("pruned")
    since = datetime.datetime.fromisoformat(last) if last else min(entry.time for entry in sets.parts)
    if now - since < datetime.timedelta(days=days):
        return
    repository.call("prune", patient=False)
    record(repository, sets, "pruned", now)
    log("gave room back")


def record(repository, sets, what, now):
    """Effect: the repository knows when it was last pruned or checked. One tiny snapshot bears it in its tags."""
    times = {name: sets.last(name) for name in ("pruned", "checked")} | {what: now.strftime("%Y-%m-%dT%H:%M:%SZ")}
    tags = ["upkeep=1", *(f"{name}={time}" for name, time in times.items() if time)]
    repository.backup(["--stdin", "--stdin-filename", "upkeep"], tags, "upkeep", text="\n")
    if sets.records:
        repository.call("forget", *(entry.id for entry in sets.records), patient=False)


def keep_client_key(repository, path, host):
    """Effect: the key in that file opens the repository too, and no former one of the client's. Without a file,
    none does."""
    if path and _is_in_use(repository, path):
        return
    former = [key["id"] for key in json.loads(repository.call("key", "list", "--json")) if key["userName"] == CLIENT]
    if path:
        repository.call("key", "add", "--new-password-file", path, "--user", CLIENT, "--host", host)
        log("let the client's key in")
    for key in former:
        repository.call("key", "remove", key, patient=False)
        log("took a client's key away")


def _is_in_use(repository, path):
    try:
        keys = json.loads(repository.call("key", "list", "--json", password_file=path))
    except Failure as failure:
        if failure.reason == "RepositoryWrongPassword":
            return False
        raise
    return sum(key["userName"] == CLIENT for key in keys) == 1


def keep_up(repository, request, sets, name):
    """Does what is due: (the sets that there are then, what did not go well or "")."""
    host, now = request["company"]["serverName"], datetime.datetime.now(datetime.timezone.utc)
    try:
        keep_client_key(repository, request.get("clientKeyFile"), host)
        before, changed = sets, apply_holds(repository, sets, set(request.get("holds") or ()))
        changed |= forget_old_sets(repository, sets, host, request.get("retention") or {})
        sets = repository.sets() if changed else sets
        forget_leftovers(repository, before, sets, name)
        prune(repository, sets, now, request.get("pruneEveryDays", 7))
    except (Failure, NoRepository) as failure:
        log("upkeep did not come to its end", error=str(failure))
        with contextlib.suppress(Failure, NoRepository):
            sets = repository.sets()
        return sets, str(failure)[:300]
    return sets, ""
