"""Of all companies that stories made none is left: told after every other."""

from support.leftovers import wait_until_nothing_is_left
from support.waiting import Stopwatch, figure


def test_no_namespace_is_left():
    watch = Stopwatch()
    wait_until_nothing_is_left()
    figure("the last namespace gone", f"{watch.seconds:.0f} s")
