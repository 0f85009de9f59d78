"""Somebody whose app encrypts end to end: the server cannot read along."""

import json
import os
import pathlib
import subprocess
import sys
import time

from support import beside
from support.waiting import wait_until

APP = pathlib.Path(__file__).with_name("encrypted_app.py")
UNTIL_JOINED = 30
UNTIL_ANSWERED = 30


class Person:
    """With one device, whose keys are drawn now and gone when it is closed. Every method fails an assertion
    while the server does not answer or refuses, so that it can be waited for."""

    def __init__(self, address, ca_file, user, password):
        folder = os.environ.get("ALPHORN_NIO")
        assert folder, "ALPHORN_NIO names no folder: run the stories by ./dev test e2e"
        self.user = user
        # -P: the names of files beside it are not those of Python's own modules.
        self._process = beside.start(
            [sys.executable, "-P", str(APP)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": folder})
        self._tell({"address": address, "caFile": ca_file, "user": user})
        try:
            self._do("log_in", password=password)
        except BaseException:
            self.close()
            raise

    def _tell(self, told):
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()

    def _do(self, what, **given):
        self._tell({"do": what, **given})
        line = self._process.stdout.readline()
        # Not an assertion: what has ended will not come back.
        if not line:
            raise RuntimeError(f"the app of {self.user} has ended at {what}")
        answer = json.loads(line)
        assert "failed" not in answer, f"{what} of {self.user}: {answer['failed']}"
        return answer["result"]

    def look(self, wait=0):
        """(heard, not readable yet) of all that was said to them so far, each with room and sender."""
        seen = self._do("look", wait=wait)
        return seen["heard"], seen["unread"]

    def invite(self, other):
        """A room for the two, encrypted from its first event. Whether the other comes is another thing."""
        room = self._do("invite", other=other)

        def there():
            self.look(1000)
            assert self.user in self.members(room), "the room is not there, or not encrypted"
        wait_until(f"{self.user} sees the room", there, UNTIL_JOINED, every=0.1)
        return room

    def members(self, room):
        """Who is in it now; who is only invited is not."""
        return set(self._do("members", room=room))

    def direct_chat(self, other, limit=UNTIL_JOINED):
        """As invite; the other is in it when this returns."""
        room = self.invite(other)

        def joined():
            self.look(1000)
            assert other in self.members(room), f"{other} has not joined"
        wait_until(f"{other} joins {self.user}", joined, limit, every=0.1)
        return room

    def accept(self, limit=UNTIL_JOINED):
        """Joins the one room that somebody invited them to."""
        def invited():
            self.look(1000)
            rooms = self._do("invitations")
            assert len(rooms) == 1, f"{self.user} is invited to {rooms}"
            return self._do("accept", room=rooms[0])
        room = wait_until(f"{self.user} is invited", invited, limit, every=0.1)
        self.look()
        return room

    def say(self, room, text):
        """Encrypted, never in the clear."""
        return self._do("say", room=room, text=text)

    def wait_for_answer(self, room, sender, text, limit=UNTIL_ANSWERED, after=0):
        """The first encrypted message that holds the text, of those that follow the first `after`."""
        def answered():
            heard, unread = self.look(1000)
            mine = [one for one in heard if (one["room"], one["sender"]) == (room, sender)]
            said = [one["text"] for one in mine if one["encrypted"]][after:]
            found = [answer for answer in said if text.lower() in answer.lower()]
            plain = [one["text"] for one in mine if not one["encrypted"]]
            assert found, (f"{sender} said encrypted: {[one[:200] for one in said]}, in the clear: "
                           f"{plain}, and {len(unread)} messages cannot be read")
            return found[0]
        return wait_until(f"{sender} answers {self.user}", answered, limit, every=0.1)

    def ask(self, room, sender, question, text, limit=UNTIL_ANSWERED):
        """Says the question, and returns the answer that holds the text."""
        heard, _ = self.look()
        before = [one for one in heard
                  if (one["room"], one["sender"], one["encrypted"]) == (room, sender, True)]
        self.say(room, question)
        return self.wait_for_answer(room, sender, text, limit, after=len(before))

    def stays_silent(self, room, sender, seconds):
        """An assertion fails when the sender says anything there, encrypted or not, for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            heard, unread = self.look(500)
            said = [one for one in heard + unread if (one["room"], one["sender"]) == (room, sender)]
            assert not said, f"{sender} said {said}"

    def close(self):
        """The app ends when nothing more can be told to it."""
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()
