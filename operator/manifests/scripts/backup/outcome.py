"""How a backup program ends, and how it ends what it has started.

Its last words are one JSON object, in the file that its request names; what happens meanwhile is JSON lines
on the standard output. Exit codes: 0 done, 1 failed and worth another try, 3 futile until somebody acts.
"""

import contextlib
import ctypes
import datetime
import json
import os
import signal
import subprocess
import sys
import traceback

LONGEST = 4096
UNTIL_KILLED = 20
PR_SET_PDEATHSIG = 1

_children = []
_farewells = []
_prctl = ctypes.CDLL(None).prctl


class Failure(Exception):
    """`message` is one sentence that says what to do; `futile`: another try alone cannot help."""

    def __init__(self, reason, message, futile=False):
        super().__init__(message)
        self.reason, self.futile = reason, futile


class Interrupted(Exception):
    pass


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def log(message, **what):
    print(json.dumps({"time": now(), "message": message, **what}), flush=True)


def _die_with_parent():
    # Nothing goes on alone: what it wrote would be nobody's.
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(command, **options):
    """A child that never outlives this program."""
    child = subprocess.Popen(command, preexec_fn=_die_with_parent, **options)
    _children.append(child)
    return child


def stop(child):
    """Kindly first: restic takes its lock away when it is interrupted, and only then."""
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGINT)
    try:
        child.wait(UNTIL_KILLED)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def stop_children():
    for child in _children:
        stop(child)


def before_leaving(work):
    """work() is done when the program was interrupted, once its last words are written."""
    _farewells.append(work)


def _short(words):
    """Fits the room that Kubernetes gives: the longest list is cut, then the longest text."""
    text = json.dumps(words, ensure_ascii=False)
    while len(text.encode()) > LONGEST:
        lists = [key for key, value in words.items() if isinstance(value, list) and value]
        if lists:
            key = max(lists, key=lambda name: len(json.dumps(words[name])))
            words[key] = words[key][: len(words[key]) // 2]
        else:
            words["error"] = words.get("error", "")[:1000]
        shorter = json.dumps(words, ensure_ascii=False)
        if shorter == text:
            break
        text = shorter
    return text


def _end_of(work, request):
    try:
        return 0, {"result": "done", **work(request)}
    except Failure as failure:
        words = {"result": "failed", "reason": failure.reason, "error": str(failure)}
        return 3 if failure.futile else 1, words
    except Interrupted:
        return 1, {"result": "failed", "reason": "Interrupted", "error": "interrupted; it is safe to run it again"}
    except Exception as error:  # the last words must name what nobody foresaw, too
        traceback.print_exc()
        said = str(error).strip().split("\n", maxsplit=1)[0][:300]
        return 1, {"result": "failed", "reason": "Failed", "error": f"{type(error).__name__}: {said}"}


def _interrupt(*_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise Interrupted()


def run(work, arguments):
    """work(request) -> what the last words hold. The program's whole life."""
    with open(arguments[1], encoding="utf-8") as file:
        request = json.load(file)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    code, words = _end_of(work, request)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    stop_children()
    text = _short(words)
    print(text, flush=True)
    with open(request.get("lastWords", "/dev/termination-log"), "w", encoding="utf-8") as file:
        file.write(text)
    if words.get("reason") == "Interrupted":
        for farewell in _farewells:
            with contextlib.suppress(Exception):
                farewell()
    sys.stdout.flush()
    os._exit(code)  # threads that still read from a dead child hold nothing up
