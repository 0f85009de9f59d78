"""What Matrix Authentication Service is to a homeserver and to its administrators, as far as a run of
the provisioner goes. The real program is in no package registry: this was written from its API's
description (docs/api/spec.json there) and proves what the provisioner and Synapse do, not what the real
one does.
"""
import base64
import http.server
import json
import re
import secrets
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

CLIENT, CLIENT_SECRET = "01K9000000ZD266HHW2BRBEYSH", "client secret"
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TOKEN_SECONDS = 31  # the real one's live for 300: these have to be renewed in every run
USERS, ONE = "/api/admin/v1/users", "/api/admin/v1/users/([0-9A-Z]{26})"


class Refusal(Exception):
    def __init__(self, status, title):
        super().__init__(title)
        self.status = status


class MasStandIn:
    """Answers when it is entered. `homeserver` is told where Synapse is once that is known."""

    def __init__(self):
        self.homeserver = None
        self.secret = secrets.token_urlsafe(24)
        self.passwords = True
        self.lock = threading.RLock()
        self.users, self.emails, self.links, self.sessions = {}, {}, {}, {}
        self.tokens = {}
        self.asked = []

    def __enter__(self):
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                try:
                    status, value = stand_in.answer(self.command, self.path, self.headers, body)
                except Refusal as refusal:
                    status, value = refusal.status, {"errors": [{"title": str(refusal)}]}
                text = b"" if value is None else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, method, path, headers, body):
        url = urllib.parse.urlsplit(path)
        query = dict(urllib.parse.parse_qsl(url.query))
        authorization = headers.get("Authorization", "")
        if url.path == "/.well-known/openid-configuration":
            return 200, {"issuer": self.url + "/", "account_management_uri": self.url + "/account/"}
        if url.path == "/oauth2/introspect":
            assert authorization == f"Bearer {self.secret}"
            return 200, self.introspect(dict(urllib.parse.parse_qsl(body.decode()))["token"])
        if url.path == "/oauth2/token":
            known = base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()
            if authorization != f"Basic {known}":
                return 401, {"error": "invalid_client", "error_description": "no such secret"}
            token = "mat_" + secrets.token_urlsafe(12)
            self.tokens[token] = time.time() + TOKEN_SECONDS
            return 200, {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
        if self.tokens.get(authorization.removeprefix("Bearer "), 0) < time.time():
            raise Refusal(401, "Unknown access token")
        with self.lock:
            self.asked.append(f"{method} {url.path}")
            return self.administer(method, url.path, query, json.loads(body or b"{}"))

    def introspect(self, token):
        for session in self.sessions.values():
            user = self.users[session["actor_user_id"]]
            if session["token"] == token and not session["revoked"] and not user["deactivated_at"]:
                return {"active": True, "scope": session["scope"], "username": user["username"],
                        "sub": session["actor_user_id"], "expires_in": session["expires_in"]}
        return {"active": False}

    def tell(self, endpoint, body):
        """The homeserver, as only the service may."""
        request = urllib.request.Request(
            f"{self.homeserver}/_synapse/mas/{endpoint}", method="POST",
            data=json.dumps(body).encode(), headers={"Authorization": f"Bearer {self.secret}",
                                                     "Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=60).close()

    def is_free(self, localpart):
        request = urllib.request.Request(
            f"{self.homeserver}/_synapse/mas/is_localpart_available?localpart={localpart}",
            headers={"Authorization": f"Bearer {self.secret}"})
        try:
            urllib.request.urlopen(request, timeout=60).close()
        except urllib.error.HTTPError:
            return False
        return True

    def administer(self, method, path, query, body):
        def matches(verb, pattern):
            return re.fullmatch(pattern, path) if verb == method else None

        if matches("GET", "/api/admin/v1/site-config"):
            return 200, {"password_login_enabled": self.passwords}
        if matches("GET", USERS):
            return 200, self.page(self.users, query)
        if found := matches("GET", f"{USERS}/by-username/(.+)"):
            return 200, self.single(self.users, self.named(urllib.parse.unquote(found[1])))
        if matches("POST", USERS):
            return 201, self.single(self.users, self.make(body))
        if found := matches("POST", f"{ONE}/(.+)"):
            return self.act(found[1], found[2], body)
        for name, entries in (("user-emails", self.emails), ("upstream-oauth-links", self.links)):
            if matches("GET", f"/api/admin/v1/{name}"):
                return 200, self.page(entries, query)
            if matches("POST", f"/api/admin/v1/{name}"):
                return 201, self.single(entries, self.keep(entries, body))
            if found := matches("DELETE", f"/api/admin/v1/{name}/(.+)"):
                del entries[found[1]]
                return 204, None
        if matches("GET", "/api/admin/v1/(user|oauth2|compat)-sessions"):
            return 200, self.page({}, query)
        if matches("POST", "/api/admin/v1/personal-sessions"):
            token = "mpt_" + secrets.token_urlsafe(12)
            made = self.keep(self.sessions, {**body, "token": token, "revoked": False})
            answer = self.single(self.sessions, made)
            answer["data"]["attributes"]["access_token"] = token
            return 201, answer
        if found := matches("POST", "/api/admin/v1/personal-sessions/(.+)/revoke"):
            self.sessions[found[1]]["revoked"] = True
            return 200, self.single(self.sessions, found[1])
        raise Refusal(404, f"{method} {path} is nothing that this stands in for")

    def named(self, username):
        for id, user in self.users.items():
            if user["username"] == username:
                return id
        raise Refusal(404, "User not found")

    def make(self, body):
        if any(user["username"] == body["username"] for user in self.users.values()):
            raise Refusal(409, "User already exists")
        if not body.get("skip_homeserver_check") and not self.is_free(body["username"]):
            raise Refusal(409, "Username is reserved by the homeserver")
        shown = {"set_displayname": body["displayname"]} if body.get("displayname") else {}
        self.tell("provision_user", {"localpart": body["username"], **shown})
        return self.keep(self.users, {"username": body["username"], "locked_at": None,
                                      "deactivated_at": None, "admin": False, "password": None})

    def act(self, id, action, body):
        user = self.users[id]
        if action == "set-password":
            if not self.passwords:
                raise Refusal(403, "Password auth is disabled")
            user["password"] = body["password"]
            return 204, None
        if action == "set-admin":
            user["admin"] = body["admin"]
        elif action == "lock":
            user["locked_at"] = "2026-01-01T00:00:00Z"
        elif action == "unlock":
            user["locked_at"] = None
        elif action == "deactivate":
            user["locked_at"] = user["deactivated_at"] = "2026-01-01T00:00:00Z"
            user["erased"] = not body.get("skip_erase", False)
            self.tell("delete_user", {"localpart": user["username"], "erase": user["erased"]})
        else:
            raise Refusal(404, action)
        return 200, self.single(self.users, id)

    @staticmethod
    def keep(entries, attributes):
        id = "01K9" + "".join(secrets.choice(LETTERS) for _ in range(22))
        entries[id] = attributes
        return id

    @staticmethod
    def resource(entries, id):
        hidden = ("password", "token")
        return {"id": id, "attributes": {name: value for name, value in entries[id].items()
                                         if name not in hidden}}

    def single(self, entries, id):
        return {"data": self.resource(entries, id)}

    def page(self, entries, query):
        wanted = {"filter[user]": "user_id", "filter[provider]": "provider_id"}
        ids = sorted(id for id, entry in entries.items()
                     if all(entry[field] == query[name]
                            for name, field in wanted.items() if name in query))
        ids = [id for id in ids if id > query.get("page[after]", "")]
        first = int(query["page[first]"])
        links = {"next": "more"} if len(ids) > first else {}
        return {"data": [self.resource(entries, id) for id in ids[:first]], "links": links}
