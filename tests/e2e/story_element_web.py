"""Element Web itself, whose image is in no package registry: told when somebody put it into
playground/images.d before ./dev up."""

import json

import pytest

from support import kubectl as k
from support import matrix
from support.archive import image_in
from support.browser import Browsers
from support.waiting import wait_until

ARCHIVE = k.ROOT / "playground" / "images.d" / "element-web.tar"
UNTIL_LOGGED_IN = 60
UNTIL_UPGRADED = 180

pytestmark = [pytest.mark.skipif(not ARCHIVE.is_file(), reason=f"there is no {ARCHIVE.name}"),
              pytest.mark.usefixtures("alone")]


def serve(image):
    k.dev("helm", "upgrade", "alphorn", str(k.ROOT / "charts" / "alphorn"), "--namespace", k.SYSTEM,
          "--reuse-values", "--set", f"images.web={image}", "--wait", timeout=UNTIL_UPGRADED)


@pytest.fixture(scope="module")
def company(offices):
    values = json.loads(k.dev("helm", "get", "values", "alphorn", "--namespace", k.SYSTEM,
                              "--output", "json"))
    serve(image_in(ARCHIVE))
    company = offices.company("element")
    company.found()
    company.wait_ready()
    yield company
    serve(values["images"]["web"])


@pytest.fixture(scope="module")
def window(company):
    browsers = Browsers(company.contact()["caFile"])
    yield browsers.open()
    browsers.close()


def test_it_serves_under_our_rules(company):
    company.expect("WebReady", "True")
    contact = company.contact()
    page = matrix.Client(contact["webAddress"], contact["caFile"]).send("GET", "/")
    assert page.status_code == 200 and "Element" in page.text


def test_people_log_in(company, window):
    contact = company.contact()
    password = company.secret("administrator")["password"].decode()
    window.go(contact["webAddress"] + "/#/login")
    window.type("#mx_LoginForm_username", "admin")
    window.type("#mx_LoginForm_password", password)
    window.click(".mx_Login_submit")

    def logged_in():
        user = window.run("return localStorage.getItem('mx_user_id')")
        assert user == contact["adminUser"], f"the page knows {user}"
    wait_until("Element Web has logged in", logged_in, UNTIL_LOGGED_IN)


def test_phones_find_its_guide(company, window):
    window.go(company.contact()["webAddress"] + "/mobile_guide/")
    window.wait_for_text("Element")


def test_it_wants_nothing_that_it_may_not_do(window):
    refused = [line for line in window.complaints() if "Content Security Policy" in line]
    assert not refused, refused
