"""A sandbox for clients that are not ours: started, asked and stopped over its own door only."""

import contextlib
import html
import json
import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from conftest import binary


class Sandbox:
    """A running `claimlake sandbox`, as its first line describes it."""

    def __init__(self, listening):
        self.url = listening["url"]
        self.client_id = listening["client_id"]
        self.client_secret = listening["client_secret"]

    def admin(self, route, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/_sandbox/{route}", data) as answer:
            return json.load(answer)


@contextlib.contextmanager
def sandbox(home, *arguments):
    """Starts a sandbox on a free port and ends it by its own process id."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLAIMLAKE_")}
    environment |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    process = subprocess.Popen(
        [binary(), "--json", "--data", str(home / "data"), "sandbox", "--listen", "127.0.0.1:0", *arguments],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    try:
        listening = json.loads(process.stdout.readline())
        assert listening["event"] == "listening", listening
        yield Sandbox(listening)
    finally:
        process.terminate()
        process.wait(timeout=600)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def visit(url, form=None):
    """One step of a browser: the status, the next location, the page."""
    data = None if form is None else urllib.parse.urlencode(form).encode()
    opener = urllib.request.build_opener(NoRedirect)
    try:
        answer = opener.open(url, data)
    except urllib.error.HTTPError as error:
        answer = error
    location = answer.headers.get("location")
    where = urllib.parse.urljoin(url, location) if location else None
    return answer.status, where, answer.read().decode()


def consent(authorize_url, login, **ticks):
    """Logs in and agrees, page by page; the URL that the app is called back with."""
    url, page = authorize_url, ""
    for _ in range(4):
        status, where, page = visit(url)
        if status == 200:
            break
        assert where, f"{status}: {page[:300]}"
        url = where
    relay = re.search(r'name="relay" value="(\d+)"', page).group(1)
    form = {"relay": relay, "username": login, "password": "x"}
    _, url, _ = visit(urllib.parse.urljoin(url, "/sso/login"), form)
    _, url, _ = visit(url)
    status, _, page = visit(url)
    assert status == 200, page[:300]
    action = html.unescape(re.search(r'action="([^"]+)"', page).group(1))
    _, callback, _ = visit(urllib.parse.urljoin(url, action), {"allow": "Connect", **ticks})
    return callback
