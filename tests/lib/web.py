"""tests/lib/web.py: the HTTP door from outside: Python's http.client and plain sockets.

Shares no code with the door. Every answer can be held against the OpenAPI document that the
server itself serves: path, method, status, headers, content (Web.request, check=True)."""

import http.client
import json
import re
import socket
import ssl
import threading

import jsonschema


def tls(directory, with_certificate=True):
    context = ssl.create_default_context(cafile=directory / "ca.crt")
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if with_certificate:
        context.load_cert_chain(directory / "tls.crt", directory / "tls.key")
    return context


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def index(self):
        return int(self.headers["weft-index"])


class Document:
    """The OpenAPI document, and whether an answer is what it says."""

    def __init__(self, document):
        self.document = document
        self.seen = set()  # (path, method, status) that were held against it
        self.paths = [(re.compile("^" + re.sub(r"\\{\w+\\}", "(.+)", re.escape(path)) + "$"), path)
                      for path in sorted(document["paths"], key=lambda p: (p.count("{"), -len(p)))]

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            at = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                at = at[part]
            node = at
        return node

    def path_of(self, target):
        path = target.split("?")[0]
        return next((name for pattern, name in self.paths if pattern.match(path)), None)

    def validate(self, schema, instance):
        whole = {**self.resolve(schema), "components": self.document["components"]}
        jsonschema.Draft202012Validator(
            whole, format_checker=jsonschema.FormatChecker()).validate(instance)

    def check(self, method, target, answer):
        path = self.path_of(target)
        if path is None or answer.status == 405:
            return
        operation = self.document["paths"][path].get("get" if method == "HEAD" else method.lower())
        said = operation["responses"].get(str(answer.status))
        if said is None:
            raise AssertionError(f"{method} {path}: {answer.status} is not in the document: "
                                 f"{answer.body[:300]}")
        said = self.resolve(said)
        for name, header in said.get("headers", {}).items():
            header = self.resolve(header)
            value = answer.headers.get(name.lower())
            if value is None:
                if header.get("required"):
                    raise AssertionError(f"{method} {path}: no {name}")
                continue
            schema = self.resolve(header["schema"])
            self.validate(schema, int(value) if schema.get("type") == "integer" else value)
        if method != "HEAD" and "content" in said:
            media = answer.headers["content-type"].split(";")[0]
            schema = said["content"][media]["schema"]
            is_json = media.endswith("json")
            self.validate(schema, answer.json if is_json else answer.body.decode())
        self.seen.add((path, method.lower(), str(answer.status)))


class Web:
    """One address. Each request has its own connection unless `keep` is given."""

    def __init__(self, address, context, document=None, timeout_s=10):
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)
        self.context, self.document, self.timeout_s = context, document, timeout_s

    def connection(self, timeout_s=None):
        """Certificates of the tests say localhost, whatever address of loopback a plant has."""
        connection = http.client.HTTPSConnection("localhost", self.port, context=self.context,
                                                 timeout=timeout_s or self.timeout_s)
        connection._create_connection = lambda address, *rest: socket.create_connection(
            (self.host, self.port), *rest)
        return connection

    def request(self, method, target, body=None, headers=None, keep=None, chunked=False,
                check=True):
        connection = keep or self.connection()
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        try:
            try:
                connection.request(method, target, body=body, headers=headers,
                                   encode_chunked=chunked)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError):
                pass  # It answered and hung up before it had read everything.
            got = connection.getresponse()
            answer = Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
        finally:
            if keep is None:
                connection.close()
        if check and self.document is not None:
            self.document.check(method, target, answer)
        return answer

    def get(self, target, **options):
        return self.request("GET", target, **options)

    def commit(self, records, request_id=None, **options):
        body = {"records": records}
        if request_id:
            body["request_id"] = request_id
        return self.request("POST", "/v1/commits", body=body, **options)

    def socket(self):
        """TLS and nothing else."""
        raw = socket.create_connection((self.host, self.port), self.timeout_s)
        return self.context.wrap_socket(raw, server_hostname="localhost")

    def raw(self, data, timeout_s=5):
        """Send bytes, read until the other end hangs up or is silent."""
        with self.socket() as s:
            s.settimeout(timeout_s)
            try:
                s.sendall(data)
            except OSError:
                pass
            got = b""
            try:
                while True:
                    block = s.recv(65536)
                    if not block:
                        break
                    got += block
            except OSError:
                pass
        return got


class Stream(threading.Thread):
    """Reads events until it is stopped; comes back with Last-Event-ID, to the next address, like a
    browser's EventSource. `events` are (id, record)."""

    def __init__(self, addresses, context, start=None, glob=None):
        super().__init__(daemon=True)
        self.addresses, self.context = list(addresses), context
        self.events, self.connects, self.beats = [], 0, 0
        self.last_id = None
        self.query = "&".join(([f"from={start}"] if start else [])
                              + ([f"asset={glob}"] if glob else []))
        self.stopping = threading.Event()
        self.connected = threading.Event()
        self.socket = None
        self.refused = None

    def run(self):
        turn = 0
        while not self.stopping.is_set():
            address = self.addresses[turn % len(self.addresses)]
            turn += 1
            try:
                self.read(address)
            except (OSError, http.client.HTTPException):
                pass
            self.stopping.wait(0.1)

    def read(self, address):
        connection = Web(address, self.context, timeout_s=20).connection()
        headers = {"Accept": "text/event-stream"}
        if self.last_id:
            headers["Last-Event-ID"] = self.last_id
        try:
            connection.request("GET", f"/v1/commits?{self.query}", headers=headers)
            answer = connection.getresponse()
            if answer.status != 200:
                self.refused = answer.status
                return
            self.connects += 1
            self.connected.set()
            event = {}
            while not self.stopping.is_set():
                line = answer.readline()
                if not line:
                    return
                self.take(line.decode().rstrip("\n"), event)
        finally:
            connection.close()

    def take(self, line, event):
        if line.startswith(":"):
            self.beats += 1
        elif line:
            name, _, value = line.partition(": ")
            event[name] = value
        elif "data" in event:
            self.last_id = event["id"]
            self.events.append((event["id"], json.loads(event["data"])))
            event.clear()
        else:
            event.clear()

    def stop(self):
        self.stopping.set()
