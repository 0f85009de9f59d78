"""A headless Chromium, driven through its own WebDriver; it trusts one more authority and nothing else."""

import base64
import os
import pathlib
import shutil
import subprocess
import tempfile

import requests

from support import beside
from support.waiting import wait_until

PATIENCE = 30
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_ENTER = "\ue007"


class Browsers:
    """Chromium's driver, and the browsers that it opened. Each has a profile of its own."""

    def __init__(self, ca_file):
        self._home = pathlib.Path(tempfile.mkdtemp(prefix="alphorn-browser-"))
        self._trust(ca_file)
        port = beside.free_port("127.0.0.1")
        self._driver = beside.start(
            ["chromedriver", f"--port={port}", f"--log-path={self._home}/driver.log"],
            env={**os.environ, "HOME": str(self._home)}, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self._url = f"http://127.0.0.1:{port}"
        self._wire = requests.Session()
        self._wire.trust_env = False
        self._open = []
        wait_until("chromedriver is ready", self._assert_ready, PATIENCE, every=0.2)

    def _trust(self, ca_file):
        """Chromium reads the authorities that a person added from the database in their home."""
        database = self._home / ".pki" / "nssdb"
        database.mkdir(parents=True)
        for arguments in (["-N", "--empty-password"],
                          ["-A", "-n", "company", "-t", "C,,", "-i", ca_file]):
            subprocess.run(["certutil", "-d", f"sql:{database}", *arguments], check=True,
                           capture_output=True)

    def _assert_ready(self):
        try:
            ready = self.call("GET", "/status")["ready"]
        except requests.ConnectionError as error:
            raise AssertionError(str(error)) from None
        assert ready, "the driver is not ready"

    def call(self, method, path, body=None):
        answer = self._wire.request(method, self._url + path, json=body, timeout=240)
        value = answer.json()["value"]
        if answer.ok:
            return value
        # What is not (yet) there or not (yet) usable may be waited for.
        raise AssertionError(f"the browser says {value['error']}: {value['message'][:300]}")

    def open(self, language="en"):
        profile = self._home / f"profile-{len(self._open)}"
        arguments = ["--headless=new", "--no-sandbox", "--no-proxy-server", "--disable-gpu",
                     "--disable-dev-shm-usage", "--window-size=1200,760", f"--lang={language}",
                     f"--user-data-dir={profile}"]
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": arguments},
                  "goog:loggingPrefs": {"browser": "ALL"}}
        made = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        browser = Browser(self, "/session/" + made["sessionId"])
        self._open.append(browser)
        return browser

    def close(self):
        for browser in self._open:
            browser.close()
        self._driver.terminate()
        self._driver.wait(timeout=2 * PATIENCE)
        shutil.rmtree(self._home, ignore_errors=True)


class Browser:
    """One window. What it is asked to touch is waited for."""

    def __init__(self, browsers, path):
        self._browsers = browsers
        self._path = path

    def _call(self, method, path, body=None):
        return self._browsers.call(method, self._path + path, body)

    def close(self):
        self._call("DELETE", "")

    def go(self, url):
        self._call("POST", "/url", {"url": url})

    def title(self):
        return self._call("GET", "/title")

    def run(self, script, *arguments):
        """What a script in the page returns."""
        return self._call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def text(self, selector="body"):
        return self._call("GET", f"/element/{self._find(selector)}/text")

    def _find(self, selector):
        found = self._call("POST", "/element", {"using": "css selector", "value": selector})
        return found[_ELEMENT]

    def _do(self, what, action, selector):
        wait_until(f"{what} {selector}", lambda: action(self._find(selector)), PATIENCE, every=0.2)

    def click(self, selector):
        self._do("to click", lambda it: self._call("POST", f"/element/{it}/click", {}), selector)

    def click_text(self, selector, text):
        """Clicks the first of the selector's elements whose text holds this one."""
        def click():
            for found in self._call("POST", "/elements",
                                    {"using": "css selector", "value": selector}):
                element = found[_ELEMENT]
                if text in self._call("GET", f"/element/{element}/text"):
                    self._call("POST", f"/element/{element}/click", {})
                    return
            raise AssertionError(f"nothing says {text!r}")
        wait_until(f"to click {selector} that says {text!r}", click, PATIENCE, every=0.2)

    def type(self, selector, text):
        """Types into a field. The text may be a password: no failure shows it."""
        self._do("to type into",
                 lambda it: self._call("POST", f"/element/{it}/value", {"text": text}), selector)

    def enter(self, selector):
        self.type(selector, _ENTER)

    def wait_for_text(self, text, selector="body", limit=PATIENCE):
        def shown():
            shows = self.text(selector)
            assert text in shows, f"{selector} shows {shows[-400:]!r}"
        wait_until(f"{text!r} is shown", shown, limit, every=0.3)

    def complaints(self):
        """What the console holds of warnings and errors since it was last asked."""
        return [entry["message"] for entry in self._call("POST", "/se/log", {"type": "browser"})
                if entry["level"] in ("SEVERE", "WARNING")]

    def picture(self, file):
        pathlib.Path(file).write_bytes(base64.b64decode(self._call("GET", "/screenshot")))
