"""tests/lib/hostile.py: a partner that is not honest: supplier.example/west with an organization,
certificates and node keys of its own, and no plant. What it says is made by hostile_supplier
(tests/cluster/partners) and carried here, over connections of Python's making. And the frame of
tests on what others do then."""

import hashlib
import os
import pathlib
import re
import subprocess
import time

import cluster
import pki
import plant
import sites
import wire
from partners import PROVIDER, sign

HELLO, HEAD, BATCH, RECEIPT, NOTICE, REFUSAL, OFFER, EVIDENCE, FORK, SET, DISCLOSURE = range(
    128, 139)
QUESTION, ANSWER = 139, 140
FAULTS = {2: "unknown-agreement", 8: "rolled-back", 10: "flood", 14: "held", 15: "frozen",
          16: "behind", 17: "forked"}
NAME = "box-2026"
QUARANTINE = 8
QUEUE = 100


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + seconds))


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
    if table == "StreamBody":
        said["Content"] = bytes(m.Content(i) for i in range(m.ContentLength()))
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


def message(kind, table, provider, fields, name=NAME):
    body = encode(table, (name, provider), **fields)
    return wire.ENVELOPE.pack(len(body) + wire.ENVELOPE.size, kind, 1, 0) + body


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def text(value):
    return varint(len(value)) + value.encode()


def question(number, key, wait_ms=5000, query=None, depth=4, template="inside", kind="epc"):
    """What a question says (federation/cells/ask.h); by itself each is another one."""
    subject = hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part.encode()
                                      for part in ("", kind, key))).digest()
    return (varint(number) + varint(wait_ms) + text("") + text(kind) + text(key) + text(template)
            + (query or os.urandom(32)) + subject + varint(depth))


def answer(content):
    """(number, fault, index, ms since 1970, parts)"""
    numbers, at = [], 0
    while len(numbers) < 5:
        number = shift = 0
        while True:
            number |= (content[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if content[at - 1] < 128:
                break
        numbers.append(number)
    return (*numbers[:4], content[at:at + numbers[4]])


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

    def say(self, kind, table, stream=None, name=NAME, **fields):
        self.send(message(kind, table, stream or self.site, fields, name))

    def ask(self, *arguments, **options):
        self.say(QUESTION, "StreamBody", self.other.site, Content=question(*arguments, **options))

    def greet(self):
        """It says, of what the other states, that it has nothing, and that it knows questions."""
        self.say(HELLO, "StreamHello", self.other.site, Next=0, Root=hashlib.sha256().digest(),
                 KnowsQuestions=True)

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


class HostileCase(sites.SitesCase):
    """An OEM with two partners: a vendor, who is honest, and that one."""
    kinds = ("inspection",)
    templates = ()
    eve = None

    @classmethod
    def begin(cls):
        for program in ("weft", "hostile_supplier"):
            cluster.need(program)
        cls.oem = cls.site("oem", "oem.example", "plant1",
                           "supplier.example partner vendor.example")
        cls.vendor = cls.site("vendor", "vendor.example", "east", "oem.example")
        cls.start()
        cls.eve = Supplier(cls.directory / "eve", cls.oem)
        cls.agree()

    @classmethod
    def agree(cls):
        """An honest agreement, and one with whoever is not."""
        cls.oem.pin_partner(cls.vendor)
        cls.vendor.pin_partner(cls.oem)
        note = sign(cls.text("fair", cls.vendor), *cls.oem.roots(), *cls.vendor.roots())
        for site in cls.sites:
            site.commit({"kind": "agreement", "asset": "agreement:fair", "attrs": {"note": note}})
        cls.base = cls.text(NAME, cls.eve)
        note = sign(cls.base, *cls.oem.roots(), *cls.eve.roots())
        cls.eve.start(note)
        cls.oem.commit({"kind": "partner", "asset": f"partner:{cls.eve.site}",
                        "attrs": {"keys": cls.eve.keys, "endpoints": "",
                                  "org": cls.eve.org_note(),
                                  "ca": cls.eve.authority.ca.read_text()}})
        cls.oem.commit({"kind": "agreement", "asset": f"agreement:{NAME}",
                        "attrs": {"note": note}})
        cls.door = cls.oem.doors[0]
        cls.fair = 1
        cls.has = 0  # Leaves of the other's that the OEM has.

    @classmethod
    def tearDownClass(cls):
        if cls.eve:
            cls.eve.close()
        super().tearDownClass()

    # --- agreements -------------------------------------------------------------------------------

    @classmethod
    def text(cls, name, other, version=1, prev="none", issued=-60, expires=86400, more=""):
        sides = "".join(PROVIDER.format(site=site, threshold=threshold)
                        .replace("quarantine 100\n", f"quarantine {QUARANTINE}\n")
                        .replace("queue 100000\n", f"queue {QUEUE}\n")
                        for site, threshold in ((cls.oem.site, 1), (
                            other.site, 2 if other is cls.eve else 1)))
        sides = sides.replace("kind inspection disclosed\n", "".join(
            f"kind {kind} disclosed\n" for kind in sorted(cls.kinds)))
        return (f"weft-agreement/v1\nagreement {name}\nversion {version}\nprev {prev}\n"
                f"issued {utc(issued)}\nexpires {utc(expires)}\n"
                f"party {cls.oem.site} sha256:{cls.oem.pin()}\n"
                f"party {other.site} sha256:{other.pin()}\n"
                f"{more}authority inspection {other.site} *\n"
                + "".join(f"template {template}\n" for template in cls.templates) + sides)

    # --- what is looked at ------------------------------------------------------------------------

    def figure(self, name, agreement=NAME, site=None):
        status = (site or self.oem).plant.leader_status() or {"gauges": {}}
        return status["gauges"].get(f"partner/{agreement}/{name}")

    def log(self):
        return next(iter(self.oem.plant)).log.read_text(errors="replace")

    def wait_said(self, event, fault, count=1):
        pattern = re.compile(rf"event={event} .*fault={fault} ")
        plant.wait_for(f"{event} {fault}", lambda: len(pattern.findall(self.log())) >= count)

    def wait_taken(self, leaves):
        try:
            plant.wait_for(f"{leaves} leaves", lambda: self.figure("received/leaves") == leaves)
        except TimeoutError as error:
            self.fail(f"{error}: {self.figure('received/leaves')}")
        type(self).has = leaves

    def assert_unharmed(self):
        """The plant commits, and the honest partner's statements come and go."""
        self.vendor.inspect(f"fair-{self.fair}", 3)
        self.oem.inspect(f"own-{self.fair}", 1)
        type(self).fair += 3
        plant.wait_for("the honest stream flows", lambda: self.figure(
            "received/leaves", "fair") == self.fair and self.figure(
                "sent/lag_statements", "fair", self.vendor) == 0)

    def transfer(self, count, taken=None):
        """So many leaves more, as an honest supplier sends them; of which `taken` are taken."""
        self.eve.call(self.door)
        said = self.eve.greeted()
        self.assertEqual(self.has, said["Next"])
        self.eve.send(self.eve.make("head", said["Session"], said["HeadSize"], 3))
        self.eve.send(self.eve.make("batch", said["Session"], self.has, count))
        self.wait_taken(self.has + (count if taken is None else taken))

    def weft(self, *arguments, code=0):
        done = self.oem.plant.weft(*map(str, arguments))
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr
