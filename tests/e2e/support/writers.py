"""People who write without pause while something breaks, and keep what they were told was accepted."""

import secrets
import threading
import time

import requests

PAUSE = 1.0
UNTIL_ACCEPTED = 480


class Writers:
    """Each of [(client, room)] writes while the block lasts. A message that is not accepted is sent
    again under the same transaction, as apps do, until it is.

    accepted: {event id: (room, text)}; retries: how often something was sent again.
    """

    def __init__(self, people):
        self._threads = [threading.Thread(target=self._write, args=person, daemon=True)
                         for person in people]
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.accepted, self.retries, self.trouble = {}, 0, []

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()
        assert not self.trouble, self.trouble

    def _write(self, client, room):
        while not self._over.is_set():
            text = f"{client.user} says {secrets.token_hex(8)}"
            event = self._insist(client, room, secrets.token_hex(8), text)
            if event is None:
                return
            with self._lock:
                self.accepted[event] = (room, text)
            self._over.wait(PAUSE)

    def _insist(self, client, room, transaction, text):
        path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/{transaction}"
        began = time.monotonic()
        while True:
            try:
                answer = client.send("PUT", path, json={"msgtype": "m.text", "body": text})
                said = f"{answer.status_code} {answer.text[:200]}"
                if answer.ok:
                    return answer.json()["event_id"]
                if answer.status_code == 429:  # it writes faster than people do: nothing is wrong
                    time.sleep(answer.json().get("retry_after_ms", 1000) / 1000)
                    continue
            except requests.RequestException as error:
                said = type(error).__name__
            with self._lock:
                self.retries += 1
            if time.monotonic() - began > UNTIL_ACCEPTED:
                self.trouble.append(f"{client.user}: not accepted in {UNTIL_ACCEPTED} s: {said}")
                return None
            time.sleep(0.5)


def texts_of(client, room, limit=1000):
    """[(event id, text)] of all that was ever said in a room, oldest first."""
    found, place = [], None
    while True:
        page = client.call("GET", f"/_matrix/client/v3/rooms/{room}/messages",
                           params={"dir": "f", "limit": limit, **({"from": place} if place else {})})
        found += [(event["event_id"], event["content"].get("body"))
                  for event in page["chunk"] if event["type"] == "m.room.message"]
        place = page.get("end")
        if not page["chunk"] or place is None:
            return found
