"""Azurite as Azure storage: AZURITE names its program (make test-azure)."""

import base64
import datetime
import hashlib
import hmac
import http.client
import http.server
import os
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree

from stores import Cut

ACCOUNT = "devstoreaccount1"
# Azurite's own, as its documentation has it.
SECRET = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Azurite:
    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}/{ACCOUNT}"
        self.process = subprocess.Popen(
            [os.environ["AZURITE"], "--blobPort", str(self.port), "--blobHost", "127.0.0.1", "--location", folder,
             "--silent", "--skipApiVersionCheck", "--disableTelemetry"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def request(self, method, path, query):
        """A request that is signed with the account's key."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = f"x-ms-date:{now}\nx-ms-version:2021-08-06\n"
        resource = f"/{ACCOUNT}/{ACCOUNT}/{path}" + "".join(f"\n{name}:{value}" for name, value in sorted(query.items()))
        text = method + "\n" * 12 + headers + resource
        signed = base64.b64encode(hmac.new(base64.b64decode(SECRET), text.encode(), hashlib.sha256).digest()).decode()
        url = f"{self.endpoint}/{path}" + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")
        asked = urllib.request.Request(url, method=method, headers={
            "x-ms-date": now, "x-ms-version": "2021-08-06", "Authorization": f"SharedKey {ACCOUNT}:{signed}",
        })
        return urllib.request.urlopen(asked, timeout=60).read()

    def wait(self):
        for _ in range(300):
            try:
                return self.request("PUT", "claims", {"restype": "container"})
            except urllib.error.HTTPError:
                raise
            except OSError:
                time.sleep(0.1)
        raise AssertionError("azurite does not answer")

    def keys(self, prefix):
        found = self.request("GET", "claims", {"comp": "list", "prefix": prefix, "restype": "container"})
        return [name.text for name in xml.etree.ElementTree.fromstring(found).iter("Name")]

    def read(self, key):
        return self.request("GET", f"claims/{key}", {})


def url(path):
    return f"abfss://claims@{ACCOUNT}.dfs.core.windows.net/{path}"


class Request:
    """One request as `stores.Request` has it."""

    def __init__(self, who, method, target):
        parts = urllib.parse.urlsplit(target)
        self.who, self.method, self.query = who, method, parts.query
        self.path = urllib.parse.unquote(parts.path).removeprefix(f"/{ACCOUNT}/claims").removeprefix("/")
        self.lists = method == "GET" and "comp=list" in parts.query


class AzureStore:
    """Azurite behind a proxy for each who asks, with the hook of `stores.Store`."""

    def __init__(self):
        self.before = None
        self.folder = tempfile.TemporaryDirectory()
        self.azurite = Azurite(self.folder.name)
        self.proxies = {}

    def __enter__(self):
        self.azurite.wait()
        return self

    def __exit__(self, *error):
        for proxy in self.proxies.values():
            proxy.shutdown()
        self.azurite.process.kill()
        self.azurite.process.wait()
        self.folder.cleanup()

    def url(self, prefix):
        return url(prefix)

    def keys(self, prefix):
        return self.azurite.keys(prefix)

    def read(self, key):
        return self.azurite.read(key)

    def environment(self, who="testing"):
        if who not in self.proxies:
            self.proxies[who] = self.proxy(who)
        endpoint = f"http://127.0.0.1:{self.proxies[who].server_port}/{ACCOUNT}"
        return {"AZURE_STORAGE_ENDPOINT": endpoint, "AZURE_STORAGE_KEY": SECRET}

    def proxy(self, who):
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                try:
                    if store.before:
                        store.before(Request(who, self.command, self.path))
                except Cut:
                    self.close_connection = True
                    return
                connection = http.client.HTTPConnection("127.0.0.1", store.azurite.port, timeout=120)
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                self.send_response_only(answer.status, answer.reason)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "keep-alive", "content-length"):
                        self.send_header(name, value)
                if self.command == "HEAD":
                    self.send_header("Content-Length", answer.getheader("Content-Length") or "0")
                elif answer.status not in (204, 304):
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_one

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server
