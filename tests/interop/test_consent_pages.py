"""The login and consent pages in a real browser: headless Chromium, driven over its debugging pipe.

Skipped visibly where there is no Chromium (Debian: `apt-get install chromium`). With SCREENSHOTS set
to a folder, what a person sees is kept there.
"""

import base64
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import threading
import urllib.parse

import pytest

from bluebutton import sandbox

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium: the consent pages are not driven")

STATE = "a-state-of-some-length"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
SCOPES = "openid profile patient/Patient.rs patient/Coverage.rs patient/ExplanationOfBenefit.rs"


class Browser:
    """One tab; commands of the DevTools protocol over file descriptors 3 and 4."""

    def __init__(self, profile):
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()

        def place():
            # Both ends first move out of the way: one may sit where the other is to go.
            inward, outward = os.dup(to_browser), os.dup(from_browser)
            os.dup2(inward, 3)
            os.dup2(outward, 4)

        self._process = subprocess.Popen(
            [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-extensions", "--remote-debugging-pipe",
             f"--user-data-dir={profile}", "--window-size=1000,900", "about:blank"],
            preexec_fn=place, close_fds=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._number, self._buffer, self._events, self._session = 0, b"", [], None
        targets = self.command("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attached = self.command("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        self.command("Page.enable")

    def _receive(self):
        while b"\0" not in self._buffer:
            read = os.read(self._read, 1 << 20)
            assert read, "the browser has gone"
            self._buffer += read
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def command(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._events.append(answer["method"])

    def loaded(self):
        """Waits until the page that is on its way has been loaded."""
        while "Page.loadEventFired" not in self._events:
            message = self._receive()
            self._events.append(message.get("method"))
        self._events.clear()

    def go(self, url):
        self._events.clear()
        self.command("Page.navigate", url=url)
        self.loaded()

    def run(self, script):
        answer = self.command("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def click(self, selector):
        """Clicks with the mouse where the element is; waits for the page after it."""
        box = self.run(
            f"(e => {{const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]}})"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.command("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def submit(self, selector):
        self._events.clear()
        self.click(selector)
        self.loaded()

    def screenshot(self, name):
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            image = self.command("Page.captureScreenshot", format="png")["data"]
            pathlib.Path(folder, f"{name}.png").write_bytes(base64.b64decode(image))

    def close(self):
        with contextlib.suppress(Exception):
            self.command("Browser.close")
        self._process.terminate()
        self._process.wait(timeout=600)
        os.close(self._write)
        os.close(self._read)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with sandbox(tmp_path_factory.mktemp("pages"), "--patients", "3") as started:
        yield started


@pytest.fixture
def browser(tmp_path):
    started = Browser(tmp_path / "profile")
    yield started
    started.close()


@pytest.fixture
def callback():
    """A listener in the app's place; what it was called back with."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            split = urllib.parse.urlsplit(self.path)
            if split.path == "/callback":
                seen.append(dict(urllib.parse.parse_qsl(split.query)))
            body = b"<!doctype html><title>app</title><p>back at the app"
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listener.server_port}/callback", seen
    listener.shutdown()


def authorize(server, version, redirect):
    query = urllib.parse.urlencode({
        "response_type": "code", "client_id": server.client_id, "redirect_uri": redirect, "state": STATE,
        "code_challenge": CHALLENGE, "code_challenge_method": "S256", "scope": SCOPES,
    })
    return f"{server.url}/v{version}/o/authorize/?{query}"


def exchange(server, version, redirect, code):
    import urllib.request

    form = urllib.parse.urlencode({
        "grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "code_verifier": VERIFIER,
        "client_id": server.client_id, "client_secret": server.client_secret,
    }).encode()
    with urllib.request.urlopen(f"{server.url}/v{version}/o/token/", form) as answer:
        return json.load(answer)


def log_in(browser, server, version, redirect, login):
    browser.go(authorize(server, version, redirect))
    assert "synthetic people" in browser.run("document.body.innerText")
    browser.screenshot(f"v{version}-login")
    browser.run(f"document.querySelector('#username').value = {json.dumps(login)}")
    browser.submit("#login")
    text = browser.run("document.body.innerText")
    assert login in text and "Sandbox App" in text
    assert "not Medicare.gov" in text
    browser.screenshot(f"v{version}-consent")


def test_a_person_connects_in_v2_without_personal_information(browser, server, callback):
    redirect, seen = callback
    log_in(browser, server, 2, redirect, "BBUser00001")
    assert browser.run("document.querySelector('#demographics').checked") is True
    browser.click("#demographics")
    browser.submit("#approve")
    (answer,) = seen
    assert answer["state"] == STATE
    scopes = exchange(server, 2, redirect, answer["code"])["scope"].split()
    assert "openid" in scopes and "patient/ExplanationOfBenefit.rs" in scopes
    assert "profile" not in scopes and "patient/Patient.rs" not in scopes


def test_a_person_shares_in_v3_with_the_optional_box_left_empty(browser, server, callback):
    redirect, seen = callback
    log_in(browser, server, 3, redirect, "BBUser00002")
    assert browser.run("document.querySelector('#samhsa').checked") is False
    browser.submit("#approve")
    (answer,) = seen
    assert exchange(server, 3, redirect, answer["code"])["expires_in"] == 3600


def test_a_person_cancels(browser, server, callback):
    redirect, seen = callback
    log_in(browser, server, 2, redirect, "BBUser00000")
    browser.submit("#deny")
    assert seen == [{"error": "access_denied", "state": STATE}]


def test_the_pages_can_be_used_by_keyboard_and_are_labelled(browser, server, callback):
    redirect, _ = callback
    browser.go(authorize(server, 2, redirect))
    unlabelled = "[...document.querySelectorAll('input:not([type=hidden])')].filter(i => !i.labels.length).length"
    assert browser.run(unlabelled) == 0
    assert browser.run("document.documentElement.lang") == "en"
    assert browser.run("document.activeElement.id") == "username"
    for kind in ("keyDown", "keyUp"):
        browser.command("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    browser.loaded()
    assert "asks for" in browser.run("document.body.innerText")
    assert browser.run(unlabelled) == 0


def test_an_unknown_person_gets_a_page_and_the_app_a_background_call_without_state(browser, server, callback):
    redirect, seen = callback
    browser.go(authorize(server, 2, redirect))
    browser.run("document.querySelector('#username').value = 'BBUser99999'")
    browser.submit("#login")
    assert "No records found" in browser.run("document.body.innerText")
    browser.screenshot("not-found")
    for _ in range(50):
        if seen:
            break
        browser.run("new Promise(r => setTimeout(r, 50))")
        threading.Event().wait(0.05)
    assert seen == [{"error": "not_found"}]
