"""People chat in a browser: the company's own page, which talks to the company's server alone."""

import os
import pathlib
import re
import secrets
import socket
import ssl
import urllib.parse

import pytest
import requests

from support import kubectl as k
from support import matrix
from support.browser import Browsers
from support.waiting import Stopwatch, figure, wait_until

UNTIL_LOGGED_IN = 60
UNTIL_READ = 30
UNTIL_CHANGED = 60
BRAND = "Alphorn & Söhne"
# Where pictures of the page are left to be looked at.
PICTURES = os.environ.get("ALPHORN_PICTURES")
MEGOLM = "m.megolm.v1.aes-sha2"


@pytest.fixture(scope="module")
def company(offices):
    company = offices.company("web")
    company.found(webClient={"brand": BRAND})
    company.wait_ready()
    return company


@pytest.fixture(scope="module")
def contact(company):
    return company.contact()


@pytest.fixture(scope="module")
def people(company, contact):
    """{name: (localpart, password, API client)} of the administrator and of Jo."""
    admin = matrix.administrator_of(company)
    domain = admin.user.partition(":")[2]
    password = secrets.token_urlsafe(16)
    status, body = company.from_inside("PUT", f"/_synapse/admin/v2/users/@jo:{domain}", admin.token,
                                       {"password": password, "displayname": "Jo"})
    assert status == 201, f"making Jo's account answers {status}: {body}"
    jo = matrix.Client(contact["address"], contact["caFile"])
    own = company.secret("administrator")["password"].decode()
    return {"admin": (admin.user[1:].partition(":")[0], own, admin), "jo": ("jo", password, jo)}


@pytest.fixture(scope="module")
def windows(contact):
    browsers = Browsers(contact["caFile"])
    yield {"admin": browsers.open(), "jo": browsers.open()}
    browsers.close()


@pytest.fixture(scope="module")
def memory():
    return {}


def fetch(contact, path, method="GET", **options):
    session = requests.Session()
    session.trust_env = False
    return session.request(method, contact["webAddress"] + path, verify=contact["caFile"],
                           timeout=30, allow_redirects=False, **options)


def is_greeted(address, name, authorities):
    """Whether the gateway at `address` answers by that name, which may be in no host file any more."""
    there = urllib.parse.urlsplit(address)
    context = ssl.create_default_context(cafile=authorities)
    with socket.create_connection((there.hostname, there.port), timeout=30) as plain:
        try:
            context.wrap_socket(plain, server_hostname=urllib.parse.urlsplit(name).hostname).close()
            return True
        except ssl.SSLError:
            return False


def picture(window, name):
    if PICTURES:
        window.picture(pathlib.Path(PICTURES) / f"{name}.png")


def test_its_address_is_told(company, contact):
    host = f"chat.{company.name}.{company.namespace}.example"
    status = company.status()
    assert status["webAddress"] == contact["webAddress"]
    assert re.fullmatch(rf"https://{re.escape(host)}:\d+", status["webAddress"])
    assert host in status["hosts"]
    assert contact["webAddress"] in k.dev("status")


def test_browsers_are_told_what_the_page_may_do(contact):
    answer = fetch(contact, "/")
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html")
    said = answer.headers
    assert said["Strict-Transport-Security"] == "max-age=31536000"
    assert said["X-Content-Type-Options"] == "nosniff"
    assert said["X-Frame-Options"] == "SAMEORIGIN"
    assert said["Referrer-Policy"] == "no-referrer"
    assert "geolocation=()" in said["Permissions-Policy"]
    assert said["Cache-Control"] == "no-cache"
    assert said["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    rules = dict(rule.strip().split(" ", 1)
                 for rule in said["Content-Security-Policy"].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == "'self'"
    assert contact["address"] in rules["connect-src"] and "*" not in rules["connect-src"]
    assert "Access-Control-Allow-Origin" not in said
    assert "nginx/" not in said.get("Server", "")


def test_what_is_missing_carries_them_too(contact):
    answer = fetch(contact, "/nothing-here")
    assert answer.status_code == 404
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_the_page_is_only_read(contact):
    assert fetch(contact, "/", "POST", data="x").status_code in (403, 405)
    for path in ("/_matrix/client/versions", "/_synapse/admin/v1/server_version", "/etc/passwd",
                 "/..%2fetc/passwd"):
        assert fetch(contact, path).status_code in (400, 404), path


def test_its_configuration_is_the_companys(company, contact):
    config = fetch(contact, "/config.json").json()
    domain = f"{company.name}.{company.namespace}.example"
    server = {"base_url": contact["address"], "server_name": domain}
    assert config["default_server_config"] == {"m.homeserver": server}
    assert config["brand"] == BRAND
    assert config["disable_custom_urls"] is True and config["disable_guests"] is True
    # Element asks for the one with its host's name first.
    assert fetch(contact, f"/config.chat.{domain}.json").json() == config


def test_phones_find_a_guide_to_the_app(contact, windows):
    assert fetch(contact, "/mobile_guide").headers["Location"] == "/mobile_guide/"
    windows["jo"].go(contact["webAddress"] + "/mobile_guide/")
    windows["jo"].wait_for_text(contact["address"])
    picture(windows["jo"], "guide")


@pytest.mark.parametrize("name", ["admin", "jo"])
def test_people_log_in(contact, people, windows, name):
    window, (localpart, password, _) = windows[name], people[name]
    watch = Stopwatch()
    window.go(contact["webAddress"])
    window.type("#username", localpart)
    shown = window.run("return document.querySelector('#homeserver').value")
    assert shown == contact["address"], f"the page would log in at {shown}"
    if name == "admin":
        picture(window, "login")
    window.type("#password", password)
    window.click("form.PasswordLoginView button[type=submit], .PasswordLoginView button[type=submit]")
    wait_until(f"{name} sees their rooms", lambda: window.text(".LeftPanel"), UNTIL_LOGGED_IN)
    figure(f"{name}: from an empty window to the rooms", f"{watch.seconds:.1f} s")


def test_jo_is_invited_to_an_encrypted_room(people, windows, memory):
    admin = people["admin"][2]
    jo = f"@jo:{admin.user.partition(':')[2]}"
    memory["room"] = admin.create_room(name="Alphorn", preset="private_chat", invite=[jo])
    assert admin.state(memory["room"], "m.room.encryption")["algorithm"] == MEGOLM
    windows["jo"].click_text(".LeftPanel li a", "Alphorn")
    windows["jo"].click_text("button", "Accept")
    windows["admin"].click_text(".LeftPanel li a", "Alphorn")
    windows["admin"].wait_for_text("Jo", ".Timeline")


@pytest.mark.parametrize("writer, reader", [("admin", "jo"), ("jo", "admin")])
def test_what_one_writes_the_other_reads(people, windows, memory, writer, reader):
    text = f"Grüezi from {writer}, {secrets.token_hex(4)}"
    watch = Stopwatch()
    windows[writer].type(".MessageComposer textarea", text)
    windows[writer].enter(".MessageComposer textarea")
    windows[reader].wait_for_text(text, ".Timeline", UNTIL_READ)
    figure(f"from {writer}'s Enter to {reader}'s screen", f"{watch.seconds:.1f} s")
    picture(windows[reader], f"read-by-{reader}")
    memory[writer] = text


def test_the_server_saw_only_ciphertext(people, memory):
    admin = people["admin"][2]
    room = admin.call("GET", f"/_matrix/client/v3/rooms/{memory['room']}/messages",
                      params={"dir": "b", "limit": "50"})
    assert sum(event["type"] == "m.room.encrypted" for event in room["chunk"]) == 2
    assert not any(event["type"] == "m.room.message" for event in room["chunk"])
    assert memory["admin"] not in str(room) and memory["jo"] not in str(room)


def test_the_browser_found_nothing_that_the_page_may_not_do(windows):
    refused = [line for window in windows.values() for line in window.complaints()
               if "Content Security Policy" in line or "Permissions policy" in line]
    assert not refused, refused


def test_without_a_web_client_its_host_is_gone(company, contact):
    company.change(webClient={"enabled": False})

    def gone():
        company.expect("Ready", "True")
        company.expect("WebReady", "True", "NotServed")
        status = company.status()
        assert "webAddress" not in status and len(status["hosts"]) == 2, status["hosts"]
        left = [name for kind, name in company.children() if name.endswith("-web")]
        assert not left, f"still there: {left}"
        # A gateway of before may still be there while its successor takes over.
        assert not is_greeted(contact["address"], contact["webAddress"], contact["caFile"]), \
            "the gateway still has a certificate for it"
    wait_until("the web client is gone", gone, UNTIL_CHANGED)
