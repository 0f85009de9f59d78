"""Waiting for something to become so, instead of sleeping and hoping."""

import time

# Limits are for a machine that has two cores to itself. One that is several times slower gets several
# times as long, which costs nothing when all is well; how long it took, the figures tell.
PATIENCE = 4


def wait_until(what, condition, limit, every=1.0):
    """Calls condition until it asserts no more, and returns what it returned.

    condition says what is still missing by failing an assertion: the last one is the message when
    `limit` seconds, and PATIENCE, are over. Any other exception is a fault and passes through at once.
    """
    began, limit = time.monotonic(), limit * PATIENCE
    while True:
        try:
            return condition()
        except AssertionError as missing:
            waited = time.monotonic() - began
            if waited >= limit:
                late = f"{what}: not within {limit} s; last seen: {missing}"
                raise AssertionError(late) from None
        time.sleep(every)


class Stopwatch:
    """Seconds since it was made; the stories print their figures with it."""

    def __init__(self):
        self._began = time.monotonic()

    @property
    def seconds(self):
        return time.monotonic() - self._began


def figure(what, value):
    """A measured number, on a line of its own in the log of the test."""
    print(f"\n    figure: {what}: {value}", flush=True)
