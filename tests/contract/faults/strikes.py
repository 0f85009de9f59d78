"""The faults of the walk: each strikes one tenant at its k-th write, and remembers what there was."""
import re
import threading

import state

ANSWERS = ((409, "Conflict"), (429, "TooManyRequests", [("Retry-After", "1")]),
           (500, "InternalError"), (503, "ServiceUnavailable", [("Retry-After", "1")]))


class Strike:
    """Once the server has answered the k-th write and before the operator hears of it: what the
    server held then is remembered, then `how` is called and the answer is lost."""

    def __init__(self, number, how=lambda: None):
        self.number, self.how = number, how
        self.struck = None  # the write at which it happened
        self.before = None  # set last: then it has happened

    def answered(self, number, request, snapshot):
        if self.struck is not None or number != self.number:
            return None
        self.struck = f"write {number}: {request.method} {request.path}"
        self.how()
        self.before = snapshot()
        return "drop"

    def arrived(self, _number, _request, _snapshot):
        return None

    def begin(self, snapshot):
        """The change is about to be made."""


class Refusal(Strike):
    """The k-th write is answered without the server: nothing was changed by it."""

    def answered(self, number, request, snapshot):
        return None

    def arrived(self, number, request, snapshot):
        if self.struck is not None or number != self.number:
            return None
        answer = ANSWERS[number % len(ANSWERS)]
        self.struck = f"write {number}: {request.method} {request.path}: {answer[0]}"
        self.before = snapshot()
        return answer


class Death(Strike):
    """Some moments after a change: for what needs no write of the operator, as deletion does."""

    def __init__(self, delay, how):
        super().__init__(0, how)
        self.delay = delay

    def begin(self, snapshot):
        self.before = snapshot()
        self.struck = f"{self.delay * 1000:.0f} ms after the change"
        threading.Timer(self.delay, self.how).start()


class Course:
    """One tenant on its way through a scenario, with what strikes it."""

    def __init__(self, namespace, strike=None):
        self.namespace, self.strike = namespace, strike
        self.arrived, self.written = 0, 0

    @property
    def is_struck(self):
        return self.strike is not None and self.strike.before is not None


class Strikes:
    """What the proxy is told: every tenant on its way counts its own writes, and is struck at its own.
    Writes to any other are noted, for at rest nobody is written to."""

    def __init__(self, proxy, snapshots, kinds):
        self.snapshots, self.kinds = snapshots, kinds
        self.on_their_way = {}
        self.unasked = []
        proxy.before, proxy.after_write = self.before, self.after_write

    def course_of(self, request):
        found = re.search(r"/namespaces/([^/]+)/", request.path)
        return self.on_their_way.get(found.group(1)) if found else None

    def snapshot_of(self, course):
        return lambda: state.objects(self.snapshots, self.kinds, course.namespace)

    def before(self, request):
        course = self.course_of(request) if request.is_write else None
        if course is None:
            return None
        course.arrived += 1
        return course.strike and course.strike.arrived(course.arrived, request,
                                                       self.snapshot_of(course))

    def after_write(self, _, request):
        course = self.course_of(request)
        if course is None:
            self.unasked.append(f"{request.method} {request.path} although nothing had happened")
            return None
        course.written += 1
        return course.strike and course.strike.answered(course.written, request,
                                                        self.snapshot_of(course))

    def take_unasked(self):
        taken, self.unasked = self.unasked, []
        return taken
