"""moto as an S3 server that can refuse, cut and stop what is asked of it.

Every process that asks has an access key of its own, so that the server knows whose request it is.
"""

import re
import threading
import urllib.request

import boto3
import moto.server
from werkzeug.serving import WSGIRequestHandler, make_server

BUCKET = "claims"
KEY = re.compile(r"Credential=([^/]+)/")


class Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *arguments):
        pass


class Request:
    """One request: who asks, how, for what, with which query."""

    def __init__(self, environ):
        found = KEY.search(environ.get("HTTP_AUTHORIZATION", ""))
        self.who = found.group(1) if found else ""
        self.method = environ["REQUEST_METHOD"]
        self.path = environ["PATH_INFO"].removeprefix(f"/{BUCKET}/")
        self.query = environ.get("QUERY_STRING", "")
        self.environ = environ

    @property
    def writes(self):
        return self.method == "PUT" or (self.method == "POST" and "uploadId=" in self.query)

    @property
    def lists(self):
        return self.method == "GET" and "list-type=2" in self.query


class Cut(Exception):
    """The connection ends without an answer."""


def answer(status, code):
    """An answer as S3 gives it."""
    return status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>".encode()


class Store:
    """The server. `before` is asked before a request is handled and `after` it: it may give an answer instead, or
    raise Cut."""

    def __init__(self):
        self.before = self.after = None
        moto_app = moto.server.DomainDispatcherApplication(moto.server.create_backend_app)

        def app(environ, start_response):
            request = Request(environ)
            given = self.before(request) if self.before else None
            if given is None:
                # Bodies are read to their ends, as connections stay open.
                result = moto_app(environ, start_response)
                if self.after:
                    self.after(request)
                return result
            status, body = given
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
            return [body]

        class Handler(Quiet):
            def run_wsgi(self):
                try:
                    super().run_wsgi()
                except Cut:
                    self.close_connection = True
                    self.connection.close()

        self.server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler, passthrough_errors=[Cut])
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        # moto keeps one state for the whole process.
        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/moto-api/reset", method="POST"), timeout=60)
        self.client = boto3.client(
            "s3", endpoint_url=self.endpoint, region_name="us-east-1",
            aws_access_key_id="test", aws_secret_access_key="test",
        )
        self.client.create_bucket(Bucket=BUCKET)
        return self

    def __exit__(self, *error):
        self.before = self.after = None
        self.server.shutdown()

    def url(self, prefix):
        return f"s3://{BUCKET}/{prefix}"

    def environment(self, who="testing"):
        return {
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": who, "AWS_SECRET_ACCESS_KEY": "testing",
        }

    def keys(self, prefix):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def read(self, key):
        return self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
