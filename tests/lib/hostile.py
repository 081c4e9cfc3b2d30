"""tests/lib/hostile.py: a partner that is not honest: supplier.example/west with an organization,
certificates and node keys of its own, and no plant. What it says is made by hostile_supplier
(tests/cluster/partners) and carried here, over connections of Python's making."""

import hashlib
import pathlib
import subprocess
import time

import cluster
import pki
import plant
import wire

HELLO, HEAD, BATCH, RECEIPT, NOTICE, REFUSAL, OFFER, EVIDENCE, FORK, SET, DISCLOSURE = range(
    128, 139)
QUESTION, ANSWER = 139, 140
FAULTS = {2: "unknown-agreement", 8: "rolled-back", 10: "flood", 14: "held", 15: "frozen",
          16: "behind", 17: "forked"}
NAME = "box-2026"


def decode(kind, body):
    """What the tests look at, of a partner's message."""
    table = {HELLO: "StreamHello", HEAD: "StreamHead", BATCH: "StreamBatch",
             RECEIPT: "StreamReceipt", NOTICE: "StreamNotice"}.get(
                 kind, "StreamText" if kind in (REFUSAL, OFFER, EVIDENCE) else "StreamBody")
    module = getattr(wire.tables, table)
    m = getattr(module, table).GetRootAs(body, 0)
    said = {"kind": kind, "provider": m.Stream().Provider().decode()}
    for field in ("Next", "HeadSize", "StatementsUntil", "Session", "Fault", "First", "Count"):
        if hasattr(m, field):
            said[field] = getattr(m, field)()
    for field in ("Note", "Reason"):
        if hasattr(m, field):
            said[field] = (getattr(m, field)() or b"").decode()
    return said


def encode(table, stream, **fields):
    """A message's table by the schema's own field names (CamelCase)."""
    import flatbuffers  # pylint: disable=import-outside-toplevel
    builder = flatbuffers.Builder(1024)
    module, name = getattr(wire.tables, table), wire.tables.StreamName
    made = {}
    for key, value in fields.items():
        made[key] = (builder.CreateString(value) if isinstance(value, str) else
                     builder.CreateByteVector(value) if isinstance(value, bytes) else value)
    agreement, provider = (builder.CreateString(text) for text in stream)
    name.StreamNameStart(builder)
    name.StreamNameAddAgreement(builder, agreement)
    name.StreamNameAddProvider(builder, provider)
    of = name.StreamNameEnd(builder)
    getattr(module, f"{table}Start")(builder)
    getattr(module, f"{table}AddStream")(builder, of)
    for key, value in made.items():
        getattr(module, f"{table}Add{key}")(builder, value)
    builder.Finish(getattr(module, f"{table}End")(builder))
    return bytes(builder.Output())


def message(kind, table, provider, fields):
    body = encode(table, (NAME, provider), **fields)
    return wire.ENVELOPE.pack(len(body) + wire.ENVELOPE.size, kind, 1, 0) + body


class Supplier:
    """supplier.example/west, as far as others see it."""
    site = "supplier.example/west"

    def __init__(self, home, other):
        self.home, self.other = home, other
        home.mkdir(parents=True)
        pki.site(cluster.options.bin, home / "org", ("eve",), "supplier.example", "west")
        self.authority = pki.Authority(home / "pki", "supplier.example", is_bound=True)
        self.tls = self.authority.issue("west", "partner", "n1", home / "n1",
                                        usages="serverAuth,clientAuth")
        self.tool = None
        self.keys = ""  # vkeys of its nodes.
        self.conn = None
        self.heard = []

    def roots(self):
        return [self.home / "org/roots/a.key", self.home / "org/roots/b.key"]

    def org_note(self):
        return (self.home / "org/org.note").read_text(encoding="utf-8")

    def pin(self):
        return hashlib.sha256((self.org_note().split("\n\n", 1)[0] + "\n").encode()).hexdigest()

    def start(self, note):
        """Begins to make messages, under that agreement."""
        path = self.home / "note"
        path.write_text(note, encoding="utf-8")
        self.tool = subprocess.Popen(  # pylint: disable=consider-using-with
            [str(pathlib.Path(cluster.options.bin) / "hostile_supplier"), str(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.tell("keys")
        self.keys = "".join(iter(lambda: self.tool.stdout.readline().decode(), "\n"))

    def close(self):
        self.hang_up()
        if self.tool:
            self.tool.kill()
            self.tool.communicate()

    # --- what it makes ---------------------------------------------------------------------------

    def tell(self, *words):
        self.tool.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self.tool.stdin.flush()

    def make(self, *words):
        """A whole message."""
        self.tell(*words)
        head = self.tool.stdout.read(wire.ENVELOPE.size)
        size = wire.ENVELOPE.unpack(head)[0]
        return head + self.tool.stdout.read(size - len(head))

    # --- its connection --------------------------------------------------------------------------

    def connect(self, door):
        return wire.Client(door, wire.tls_context(
            self.tls / "tls.crt", self.tls / "tls.key", self.other.plant.authority.ca))

    def call(self, door):
        self.hang_up()
        self.conn = self.connect(door)
        self.heard = []

    def hang_up(self):
        if self.conn:
            self.conn.close()
            self.conn = None

    def send(self, message):
        self.conn.socket.settimeout(30)
        self.conn.socket.sendall(message)

    def say(self, kind, table, stream=None, **fields):
        self.send(message(kind, table, stream or self.site, fields))

    def hear(self, wanted, seconds=plant.WAIT_S):
        """The next message that wanted(message) says yes to; what else comes is in `heard`."""
        deadline = time.monotonic() + seconds
        while True:
            kind, _, body = self.conn.receive(deadline)
            message = decode(kind, body)
            self.heard.append(message)
            if wanted(message):
                return message

    def greeted(self, seconds=plant.WAIT_S):
        """The other side says where it stands in this one's stream."""
        return self.hear(lambda m: m["kind"] == HELLO and m["provider"] == self.site, seconds)


class Caller:
    """A connection of the supplier's that talks and does not listen for long."""

    def __init__(self, supplier, door):
        self.conn = supplier.connect(door)
        self.conn.socket.settimeout(0.5)

    def close(self):
        self.conn.close()

    def say_all(self, said):
        """All at once; what the other side said meanwhile is thrown away."""
        self.conn.socket.settimeout(0.5)
        self.conn.socket.sendall(b"".join(message(*one) for one in said))
        self.conn.socket.settimeout(0.001)
        try:
            while self.conn.socket.recv(1 << 20):
                pass
        except TimeoutError:
            pass
