"""A provider of OpenID Connect that runs beside the cluster, and a browser that logs in through it."""

import html
import os
import re
import subprocess
import tempfile
import pathlib
import urllib.parse

import requests

from support import beside
from support.waiting import wait_until

ADDRESS = "10.250.0.1"  # the node's own: nothing outside this machine reaches it
PORT = 19990
ISSUER = f"https://{ADDRESS}:{PORT}"
CLIENT = "matrix"
# The two people that it knows.
PEOPLE = {"test-user": f"test-user@{ADDRESS}", "test-user2": "test-user2"}
PASSWORD = "verysecure"
UNTIL_UP = 30


class Provider:
    def __init__(self, secret, redirect):
        program = os.environ.get("ALPHORN_PROVIDER")
        assert program, "ALPHORN_PROVIDER names no program: run the stories by ./dev test e2e"
        self._folder = tempfile.TemporaryDirectory(prefix="alphorn-provider-")
        self.ca_file = pathlib.Path(self._folder.name) / "ca.crt"
        key = self.ca_file.with_suffix(".key")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=provider",
             "-addext", f"subjectAltName=IP:{ADDRESS}", "-keyout", str(key),
             "-out", str(self.ca_file)], check=True, capture_output=True)
        self._log = open(self.ca_file.with_suffix(".log"), "w", encoding="utf-8")
        self._process = beside.start(
            [program, f"{ADDRESS}:{PORT}", str(self.ca_file), str(key), ISSUER, CLIENT, redirect],
            stdin=subprocess.PIPE, stdout=self._log, stderr=self._log, text=True)
        self._process.stdin.write(secret)
        self._process.stdin.close()
        wait_until("the identity provider answers", self._answers, UNTIL_UP)

    def _answers(self):
        assert self._process.poll() is None, "the identity provider has ended: " + self.log()
        try:
            answer = requests.Session()
            answer.trust_env = False
            answer.get(ISSUER + "/.well-known/openid-configuration", verify=str(self.ca_file),
                       timeout=30).raise_for_status()
        except requests.RequestException as error:
            raise AssertionError(str(error)) from None

    def log(self):
        return self.ca_file.with_suffix(".log").read_text(encoding="utf-8")[-2000:]

    def close(self):
        self._process.terminate()
        self._process.wait(60)
        self._log.close()
        self._folder.cleanup()


class Browser:
    """Follows redirects as a person's browser does; trusts the company's and the provider's CA."""

    def __init__(self, address, company_ca, provider_ca):
        self._address = address
        self._session = requests.Session()
        self._session.trust_env = False
        self._trust = {urllib.parse.urlsplit(address).netloc: str(company_ca),
                       f"{ADDRESS}:{PORT}": str(provider_ca)}

    def _open(self, method, url, **options):
        for _ in range(12):
            place = urllib.parse.urlsplit(url).netloc
            answer = self._session.request(method, url, verify=self._trust[place], timeout=120,
                                           allow_redirects=False, **options)
            if not answer.is_redirect:
                return answer
            url = urllib.parse.urljoin(url, answer.headers["Location"])
            method, options = "GET", {}
        raise AssertionError(f"redirected without end, at last to {url}")

    def login_page(self, provider_id):
        """What is shown to who chooses the provider: its own page."""
        return self._open("GET", f"{self._address}/_matrix/client/v3/login/sso/redirect/oidc-"
                          f"{provider_id}?redirectUrl=https://app.example/done")

    def log_in(self, provider_id, user):
        """The page of the homeserver after a person has typed their password at the provider."""
        page = self.login_page(provider_id)
        found = re.search(r'name="id" value="([^"]+)"', page.text)
        assert found, f"{page.url} answers {page.status_code} without a form: {page.text[:300]}"
        return self._open("POST", ISSUER + "/login/username", data={
            "id": html.unescape(found[1]), "username": PEOPLE[user], "password": PASSWORD})


def login_token(page):
    """The token in the link that leads back to the app."""
    found = re.search(r"loginToken=([A-Za-z0-9_.~%-]+)", page.text)
    assert found, f"answers {page.status_code} without a token: {page.text[:400]}"
    return urllib.parse.unquote(found[1])
