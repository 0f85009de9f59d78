"""Somebody who asks a company without pause, to see whether a change lets anybody down."""

import threading

from support import matrix


class Caller(threading.Thread):
    """Asks while the block lasts, each time over a new connection; counts what fails."""

    def __init__(self, address, ca_file):
        super().__init__(daemon=True)
        self._address, self._ca_file = address, ca_file
        self._over = threading.Event()
        self.asked, self.failures = 0, []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join()

    def run(self):
        while not self._over.wait(0.05):
            self.asked += 1
            try:
                answer = matrix.Client(self._address, self._ca_file).send(
                    "GET", "/_matrix/client/versions")
                if not answer.ok:
                    self.failures.append(str(answer.status_code))
            except OSError as error:
                self.failures.append(str(error))
