"""`claimlake authorize` from its URL to the stored grant, with a person at a headless Chromium.

Skipped visibly where there is no Chromium (Debian: `apt-get install chromium`). With SCREENSHOTS set
to a folder, the page that the person ends on is kept there.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import threading

import pytest

from bluebutton import sandbox
from conftest import ROOT, binary
from test_consent_pages import CHROMIUM, Browser

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium: authorize is not driven")

class App:
    """A data directory and the app that its pipeline names."""

    def __init__(self, home, server, api):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home = home
        self.pipeline = home / "browser.toml"
        text = (ROOT / "pipelines" / "blue_button.toml").read_text()
        for key, value in {
            "base_url": server.url,
            "api": api,
            "redirect_uri": f"http://127.0.0.1:{self.port}/callback",
        }.items():
            text, count = re.subn(rf'(?m)^{key} = "[^"]*"', f'{key} = "{value}"', text)
            assert count == 1, key
        for glob in ("views/*.json", "sql/*.sql", "ccw.toml"):
            text = text.replace(f'"{glob}"', f'"{ROOT}/pipelines/{glob}"')
        self.pipeline.write_text(text)
        self.secrets = {
            "BLUE_BUTTON_CLIENT_ID": server.client_id,
            "BLUE_BUTTON_CLIENT_SECRET": server.client_secret,
        }
        self.arguments = ["--pipeline", str(self.pipeline), "--data", str(home / "data")]

    def begin(self, *arguments):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CLAIMLAKE_")}
        environment |= {"HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / "config"), **self.secrets}
        return subprocess.Popen(
            [binary(), "--json", *self.arguments, *arguments],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )

    def authorize(self, *arguments):
        """Begins to wait for a person; gives the URL that the person must open."""
        process = self.begin("authorize", "--no-browser", *arguments)
        event = json.loads(process.stdout.readline())
        assert event["event"] == "authorize_url", event
        return process, event["url"]

    def run(self, *arguments):
        """Runs a command to its end: the exit code, the lines of its output, its words."""
        process = self.begin(*arguments)
        output, words = process.communicate(timeout=600)
        return process.returncode, [json.loads(line) for line in output.splitlines()], words

    def grants(self):
        _, lines, _ = self.run("grants", "list")
        return [line for line in lines if "handle" in line]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with sandbox(tmp_path_factory.mktemp("authorize"), "--patients", "3") as started:
        yield started


@pytest.fixture
def browser(tmp_path):
    started = Browser(tmp_path / "profile")
    yield started
    started.close()


def log_in(browser, url, login):
    browser.go(url)
    browser.run(f"document.querySelector('#username').value = {json.dumps(login)}")
    browser.submit("#login")


@pytest.mark.parametrize("api", ["v2", "v3"])
def test_a_person_agrees_and_the_grant_is_stored(browser, server, tmp_path, api):
    app = App(tmp_path, server, api)
    process, url = app.authorize("--external-id", "member-7")
    log_in(browser, url, "BBUser00001")
    browser.submit("#approve")
    assert "Your Medicare data is connected" in browser.run("document.body.innerText")
    browser.screenshot(f"authorize-connected-{api}")
    output, words = process.communicate(timeout=600)
    assert process.returncode == 0, words
    events = [json.loads(line) for line in output.splitlines()]
    authorized = next(event for event in events if event["event"] == "authorized")
    assert authorized["expires"] and authorized["patient"]
    (grant,) = app.grants()
    assert (grant["state"], grant["external_id"]) == ("active", "member-7")
    for secret in (server.client_secret, authorized["patient"]):
        assert secret not in words


def test_a_person_declines_and_nothing_is_stored(browser, server, tmp_path):
    app = App(tmp_path, server, "v2")
    process, url = app.authorize()
    log_in(browser, url, "BBUser00002")
    browser.submit("#deny")
    assert "Nothing is shared" in browser.run("document.body.innerText")
    browser.screenshot("authorize-declined")
    _, words = process.communicate(timeout=600)
    assert process.returncode != 0 and "did not agree" in words
    assert app.grants() == []


def test_a_person_agrees_in_two_steps(browser, server, tmp_path):
    app = App(tmp_path, server, "v2")
    exit, events, words = app.run("authorize", "--start")
    assert exit == 0, words
    log_in(browser, events[0]["url"], "BBUser00000")
    # Nobody listens at the app's address: the browser is left with the address alone.
    browser.click("#approve")
    callback = address_below(browser, f"http://127.0.0.1:{app.port}/callback?")
    exit, events, words = app.run("authorize", "--finish", callback)
    assert exit == 0 and events[-1]["event"] == "authorized", words
    assert [grant["state"] for grant in app.grants()] == ["active"]
    exit, _, words = app.run("authorize", "--finish", callback)
    assert exit != 0 and "finished before" in words


def address_below(browser, prefix):
    """The address in the browser's history once it begins with `prefix`."""
    for _ in range(200):
        # Between two pages the browser has none to ask.
        with contextlib.suppress(AssertionError):
            address = browser.command("Page.getNavigationHistory")["entries"][-1]["url"]
            if address.startswith(prefix):
                return address
        threading.Event().wait(0.05)
    raise AssertionError("the browser was not sent back")
