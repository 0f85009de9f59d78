"""A Matrix client: what an employee's app does, over TLS, trusting only the tenant's authority."""

import secrets
import time
import urllib.parse

import requests

PATIENCE = 240


class Client:
    def __init__(self, address, ca_file):
        self.address = address.rstrip("/")
        self.token = None
        self.user = None
        self._session = requests.Session()
        # Neither a proxy nor another trust store of this machine has a say.
        self._session.trust_env = False
        self._session.verify = ca_file

    def send(self, method, path, **options):
        """The raw answer, whatever its status."""
        headers = options.pop("headers", {})
        if self.token:
            headers = {"Authorization": f"Bearer {self.token}", **headers}
        return self._session.request(method, self.address + path, headers=headers,
                                     timeout=PATIENCE, allow_redirects=False, **options)

    def call(self, method, path, **options):
        """The JSON of an answer that must be a success."""
        answer = self.send(method, path, **options)
        # Never what was sent: it may be a password.
        assert answer.ok, f"{method} {path} answers {answer.status_code}: {answer.text[:300]}"
        return answer.json()

    def login(self, user, password):
        """Logs in once. Servers allow a hundred logins per address and twenty per account, then
        one in a while: a developer who repeats a story waits here, as any client would."""
        request = {"type": "m.login.password", "password": password,
                   "identifier": {"type": "m.id.user", "user": user},
                   "initial_device_display_name": "Alphorn's stories"}
        answer = self.send("POST", "/_matrix/client/v3/login", json=request)
        if answer.status_code == 429:
            wait = answer.json().get("retry_after_ms", 1000) / 1000
            print(f"\n    too many logins before; the server asks to wait {wait:.0f} s", flush=True)
            time.sleep(wait)
            answer = self.send("POST", "/_matrix/client/v3/login", json=request)
        assert answer.ok, f"login of {user} answers {answer.status_code}: {answer.text[:300]}"
        self.token = answer.json()["access_token"]
        self.user = answer.json()["user_id"]

    def create_room(self, **options):
        return self.call("POST", "/_matrix/client/v3/createRoom", json=options)["room_id"]

    def state(self, room, event_type):
        return self.call("GET", f"/_matrix/client/v3/rooms/{_quoted(room)}/state/{event_type}/")

    def send_event(self, room, event_type, transaction, content):
        path = f"/_matrix/client/v3/rooms/{_quoted(room)}/send/{event_type}/{transaction}"
        return self.call("PUT", path, json=content)["event_id"]

    def upload(self, data, content_type):
        return self.call("POST", "/_matrix/media/v3/upload", data=data,
                         headers={"Content-Type": content_type})["content_uri"]

    def download(self, uri):
        """The answer to the authenticated download of mxc://server/id."""
        return self.send("GET", "/_matrix/client/v1/media/download/" + uri.removeprefix("mxc://"))

    def sync(self, **parameters):
        return self.call("GET", "/_matrix/client/v3/sync", params=parameters)


def heard(listener, room, event):
    """The event as the listener's server has it."""
    answer = listener.send("GET", f"/_matrix/client/v3/rooms/{room}/event/{event}")
    assert answer.ok, f"{listener.user} does not have {event}: {answer.status_code} {answer.text}"
    return answer.json()


def say(speaker, room, text):
    return speaker.send_event(room, "m.room.message", secrets.token_hex(8),
                              {"msgtype": "m.text", "body": text})


def _quoted(text):
    return urllib.parse.quote(text, safe="")


def new_person(company, administrator, name):
    """(id, password) of an account that the administrator makes."""
    user, password = f"@{name}:{administrator.user.partition(':')[2]}", secrets.token_urlsafe(16)
    status, body = company.from_inside("PUT", f"/_synapse/admin/v2/users/{user}", administrator.token,
                                       {"password": password})
    assert status == 201, f"making {user} answers {status}: {body}"
    return user, password


def administrator_of(company):
    """A client of the company's administrator, logged in with the password of its Secret."""
    contact = company.contact()
    client = Client(contact["address"], contact["caFile"])
    password = company.secret(contact["adminSecret"].removeprefix(company.name + "-"))["password"]
    client.login(contact["adminUser"], password.decode())
    return client
