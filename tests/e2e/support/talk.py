"""Somebody who talks with bots and strangers: accepts invitations, says something, waits for answers."""

import secrets
import time

UNTIL_ANSWERED = 240
EACH_SYNC_MS = 2000


class Talker:
    """Follows one client's sync. What arrived is kept, so that an answer that was quick is not missed."""

    def __init__(self, client):
        self.client = client
        self._since = None
        self.messages = []  # (room, sender, text), oldest first
        self.invitations = {}  # room -> who invited
        self._follow(0)

    def _follow(self, patience):
        parameters = {"timeout": patience}
        if self._since:
            parameters["since"] = self._since
        answer = self.client.sync(**parameters)
        self._since = answer["next_batch"]
        rooms = answer.get("rooms", {})
        for room, invited in rooms.get("invite", {}).items():
            for event in invited["invite_state"]["events"]:
                if event["type"] == "m.room.member" and event["state_key"] == self.client.user:
                    self.invitations[room] = event["sender"]
        for room, joined in rooms.get("join", {}).items():
            for event in joined["timeline"]["events"]:
                if event["type"] == "m.room.message":
                    self.messages.append((room, event["sender"], event["content"].get("body", "")))

    def _until(self, what, found, limit):
        end = time.monotonic() + limit
        while True:
            result = found()
            if result is not None:
                return result
            assert time.monotonic() < end, f"{what}: not within {limit} s; heard {self.messages[-5:]}"
            self._follow(EACH_SYNC_MS)

    def accept(self, sender, limit=UNTIL_ANSWERED):
        """Joins the next room that `sender` invites to; returns it."""
        def invited():
            return next((room for room, who in self.invitations.items() if who == sender), None)
        room = self._until(f"{sender} invites {self.client.user}", invited, limit)
        self._insist("POST", f"/_matrix/client/v3/join/{room}", {})
        del self.invitations[room]
        return room

    def create_room(self, **options):
        return self._insist("POST", "/_matrix/client/v3/createRoom", options)["room_id"]

    def say(self, room, text):
        path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/{secrets.token_hex(8)}"
        return self._insist("PUT", path, {"msgtype": "m.text", "body": text})["event_id"]

    def _insist(self, method, path, body):
        """Who asks for more than the server likes waits and asks again, as apps do."""
        while True:
            answer = self.client.send(method, path, json=body)
            if answer.status_code != 429:
                assert answer.ok, f"{method} {path} answers {answer.status_code}: {answer.text[:300]}"
                return answer.json()
            time.sleep(answer.json().get("retry_after_ms", 1000) / 1000)

    def wait_to_hear(self, room, text, sender=None, limit=UNTIL_ANSWERED, after=0):
        """The first message in the room with the text in it, of those after the first `after`."""
        def heard():
            for where, who, said in self.messages[after:]:
                if where == room and text in said and who != self.client.user and sender in (None, who):
                    return who, said
            return None
        return self._until(f"{self.client.user} hears {text!r}", heard, limit)
