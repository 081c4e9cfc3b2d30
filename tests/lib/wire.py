"""tests/lib/wire.py: the client door spoken by an independent implementation.

TLS from Python's standard library, FlatBuffers from its own runtime with modules that flatc makes
from the public schemas, the envelope from its description (proto/envelope.h). Shares no code with
the product, so it can judge it; it is also the shape of a client in another language."""

import atexit
import importlib
import itertools
import os
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

import flatbuffers

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENVELOPE = struct.Struct("<IHHQ")  # size of all, kind, version, request id
MESSAGE_MAX = 8 << 20
ALPN = "weft/1"

HEARTBEAT = 1
PING, FETCH = 22, 26  # of the peer door
COMMIT, COMMIT_RESULT, QUERY, PAGE, STATUS, STATUS_RESULT = range(64, 70)
MEMBER, MEMBER_RESULT, DIGEST, DIGEST_RESULT = range(70, 74)
CHECKPOINT, CHECKPOINT_RESULT, FILE, FILE_RESULT, ERROR = range(74, 79)
TRACE_RESULT, DOCUMENT, AUDIT_RESULT = 80, 82, 90

OUTCOMES = ("fine busy not_leader unavailable timed_out refused conflict not_found wrong_state "
            "malformed invalid version_unknown wrong_peer bad_signature too_big no_memory no_space "
            "corrupt input_output closed").split()
# After these it is not known whether the commit happened, or known that it did not: ask again,
# with the same request id.
RETRY = {"busy", "not_leader", "unavailable", "timed_out", "closed"}
HEARTBEAT_MS = 20000  # who waits for its turn, or is busy, does not lose its connection
ROLES = ("standby", "voter", "spare")
VALUE_TYPES = ("null", "bool", "int", "real", "text", "empty_object", "empty_array")


def _generate():
    """Python modules of the schemas, in a directory of this process alone."""
    directory = tempfile.mkdtemp(prefix="weft-wire-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    schemas = ROOT / "proto/schema"
    subprocess.run(["flatc", "--python", "-o", directory]
                   + [str(schemas / f"{name}.fbs")
                      for name in ("record", "checkpoint", "client", "partner", "peer")],
                   check=True, stdout=subprocess.DEVNULL)
    sys.path.insert(0, directory)
    importlib.invalidate_caches()


class _Tables:
    """tables.Record is the generated module weft.wire.Record."""

    def __init__(self):
        self.is_made = False

    def __getattr__(self, name):
        if not self.__dict__["is_made"]:
            self.is_made = True
            _generate()
        module = importlib.import_module(f"weft.wire.{name}")
        setattr(self, name, module)
        return module


tables = _Tables()


class Refusal(Exception):
    """An ERROR answer."""

    def __init__(self, outcome, detail, pointer="", leader="", present_rev=0):
        super().__init__(f"{outcome}: {detail}" + (f" (at {pointer})" if pointer else ""))
        self.outcome, self.detail, self.pointer = outcome, detail, pointer
        self.leader, self.present_rev = leader, present_rev


def _text(value):
    return value.decode("utf-8") if value is not None else ""


def _octets(table, place):
    """The bytes of a [ubyte] field, by its place in the schema's table, from 0. The generated
    accessors give one byte at a time, too slow for pages of a thousand records."""
    tab = table._tab
    offset = tab.Offset(4 + 2 * place)
    if offset == 0:
        return b""
    start = tab.Vector(offset)
    return bytes(tab.Bytes[start:start + tab.VectorLen(offset)])


def _vector(builder, start, offsets):
    start(builder, len(offsets))
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _write_fields(builder, fields):
    """fields: {path: (type, text)} or {path: text}."""
    made = []
    for path, value in fields.items():
        kind, text = value if isinstance(value, tuple) else ("text", value)
        p, v = builder.CreateString(path), builder.CreateString(text)
        table = tables.Field
        table.FieldStart(builder)
        table.FieldAddPath(builder, p)
        table.FieldAddValue(builder, v)
        table.FieldAddValueType(builder, VALUE_TYPES.index(kind))
        made.append(table.FieldEnd(builder))
    return made


def _write_record(builder, record):
    table = tables.Record
    fields = _write_fields(builder, record.get("attrs", {}))
    links = []
    for rel, target in record.get("links", ()):
        r, t = builder.CreateString(rel), builder.CreateString(target)
        tables.Link.LinkStart(builder)
        tables.Link.LinkAddRel(builder, r)
        tables.Link.LinkAddTarget(builder, t)
        links.append(tables.Link.LinkEnd(builder))
    fields = _vector(builder, table.RecordStartFieldsVector, fields) if fields else None
    links = _vector(builder, table.RecordStartLinksVector, links) if links else None
    kind, asset = builder.CreateString(record["kind"]), builder.CreateString(record["asset"])
    source = builder.CreateString(record["source"]) if "source" in record else None
    table.RecordStart(builder)
    table.RecordAddKind(builder, kind)
    table.RecordAddAsset(builder, asset)
    if source is not None:
        table.RecordAddSource(builder, source)
    if "at_ns" in record:
        table.RecordAddAtNs(builder, record["at_ns"])
        table.RecordAddHasAt(builder, True)
    if "expect_rev" in record:
        table.RecordAddExpectRev(builder, record["expect_rev"])
        table.RecordAddHasExpect(builder, True)
    if fields is not None:
        table.RecordAddFields(builder, fields)
    if links is not None:
        table.RecordAddLinks(builder, links)
    return table.RecordEnd(builder)


def encode_commit(records, request_id):
    builder = flatbuffers.Builder(1024)
    made = [_write_record(builder, record) for record in records]
    table = tables.CommitRequest
    vector = _vector(builder, table.CommitRequestStartRecordsVector, made)
    ident = builder.CreateByteVector(request_id)
    table.CommitRequestStart(builder)
    table.CommitRequestAddRequestId(builder, ident)
    table.CommitRequestAddRecords(builder, vector)
    builder.Finish(table.CommitRequestEnd(builder))
    return bytes(builder.Output())


def encode_table(name, texts=None, numbers=None, octets=None):
    """A table of scalars and strings alone, by the schema's own field names (CamelCase)."""
    builder = flatbuffers.Builder(256)
    module = getattr(tables, name)
    offsets = {k: builder.CreateString(v) for k, v in (texts or {}).items()}
    offsets.update({k: builder.CreateByteVector(v) for k, v in (octets or {}).items()})
    getattr(module, f"{name}Start")(builder)
    for field, value in {**offsets, **(numbers or {})}.items():
        getattr(module, f"{name}Add{field}")(builder, value)
    builder.Finish(getattr(module, f"{name}End")(builder))
    return bytes(builder.Output())


def encode_ping(cluster, sender):
    """What a member says to see whether another one lives, in the name of `sender`."""
    builder = flatbuffers.Builder(256)
    header, ping = tables.PeerHeader, tables.Ping
    header.PeerHeaderStart(builder)
    header.PeerHeaderAddCluster(builder, cluster)
    header.PeerHeaderAddSender(builder, sender)
    header.PeerHeaderAddIncarnation(builder, 1)
    header.PeerHeaderAddSequence(builder, 1)
    place = header.PeerHeaderEnd(builder)
    ping.PingStart(builder)
    ping.PingAddHeader(builder, place)
    builder.Finish(ping.PingEnd(builder))
    return bytes(builder.Output())


def decode_record(data):
    record = tables.Record.Record.GetRootAs(data, 0)
    fields = {}
    for i in range(record.FieldsLength()):
        field = record.Fields(i)
        fields[_text(field.Path())] = (VALUE_TYPES[field.ValueType()], _text(field.Value()))
    links = [(_text(record.Links(i).Rel()), _text(record.Links(i).Target()))
             for i in range(record.LinksLength())]
    return {"kind": _text(record.Kind()), "asset": _text(record.Asset()),
            "source": _text(record.Source()), "author": _text(record.Author()),
            "at_ns": record.AtNs(), "attrs": fields, "links": links}


def decode_page(body):
    page = tables.Page.Page.GetRootAs(body, 0)
    records = []
    for i in range(page.RecordsLength()):
        stored = page.Records(i)
        record = decode_record(_octets(stored, 4))
        record.update(index=stored.Index(), ordinal=stored.Ordinal(), time_ns=stored.TimeNs(),
                      digest=_octets(stored, 3))
        records.append(record)
    return {"index": page.Index(), "next_index": page.NextIndex(), "rev": page.AssetRev(),
            "cursor": _octets(page, 3), "records": records}


def decode_document(body):
    """The JSON object of a DOCUMENT; numbers as Python's."""
    document = tables.Document.Document.GetRootAs(body, 0)
    root = {}
    for i in range(document.ContentLength()):
        field = document.Content(i)
        text = _text(field.Value())
        value = {"null": lambda: None, "bool": lambda: text == "true", "int": lambda: int(text),
                 "real": lambda: float(text), "text": lambda: text, "empty_object": dict,
                 "empty_array": list}[VALUE_TYPES[field.ValueType()]]()
        _place(root, _text(field.Path()).split("/"), value)
    return root


def _place(into, path, value):
    """Elements of an array come in order."""
    for here, below in zip(path, path[1:] + [None]):
        made = value if below is None else [] if below.startswith("[") else {}
        if isinstance(into, list):
            if int(here[1:-1]) == len(into):
                into.append(made)
            into = into[-1]
        else:
            into = into.setdefault(here.replace("~1", "/").replace("~0", "~"), made)


def _member(m):
    return {"id": m.MemberId(), "name": _text(m.Name()), "peer": _text(m.PeerAddress()),
            "client": _text(m.ClientAddress()), "role": ROLES[m.Role()],
            "is_leader": bool(m.IsLeader()), "is_connected": bool(m.IsConnected()),
            "match_index": m.MatchIndex()}


def decode_status(body):
    s = tables.Status.Status.GetRootAs(body, 0)
    return {"site": _text(s.Site()), "org": _text(s.Org()), "node": _text(s.Node()),
            "software": _text(s.Software()), "state": _text(s.State()), "id": s.NodeId(),
            "cluster": s.Cluster(), "leader_id": s.LeaderId(), "term": s.Term(),
            "commit_index": s.CommitIndex(), "applied_index": s.AppliedIndex(),
            "first_log_index": s.FirstLogIndex(), "last_log_index": s.LastLogIndex(),
            "checkpoint_index": s.CheckpointIndex(), "chain": _octets(s, 14).hex(),
            "members": [_member(s.Members(i)) for i in range(s.MembersLength())],
            "gauges": {_text(s.Gauges(i).Name()): s.Gauges(i).Value()
                       for i in range(s.GaugesLength())},
            "policy": _text(s.Policy())}


def decode_error(body):
    e = tables.ErrorAnswer.ErrorAnswer.GetRootAs(body, 0)
    outcome = OUTCOMES[e.Outcome()] if e.Outcome() < len(OUTCOMES) else str(e.Outcome())
    return Refusal(outcome, _text(e.Detail()), _text(e.Pointer()), _text(e.Leader()),
                   e.PresentRev())


def tls_context(cert, key, ca):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the name that counts is the URI SAN, checked in Client
    context.set_alpn_protocols([ALPN])
    context.load_verify_locations(ca)
    context.load_cert_chain(cert, key)
    return context


class Client:
    """One connection, one request at a time. Raises OSError when the connection is of no use,
    Refusal when the node says no. `address` is "host:port"."""

    def __init__(self, address, context, timeout_s=30, expect_uri=None):
        host, port = address.rsplit(":", 1)
        self.timeout_s = timeout_s
        self.numbers = itertools.count(1)
        self.buffer = bytearray()
        self.places = {}  # of gauges in a status, where they were found last
        plain = socket.create_connection((host, int(port)), timeout=timeout_s)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket = context.wrap_socket(plain)
        except BaseException:
            plain.close()
            raise
        names = [v for k, v in self.socket.getpeercert().get("subjectAltName", ()) if k == "URI"]
        self.uri = names[0] if len(names) == 1 else None
        if self.uri is None or (expect_uri and self.uri != expect_uri):
            self.close()
            raise OSError(f"{address} is {names}, not {expect_uri or 'a principal'}")
        # The dialling end speaks first: its hello is a heartbeat, and says how often to expect one.
        try:
            self.socket.sendall(ENVELOPE.pack(ENVELOPE.size, HEARTBEAT, 1, HEARTBEAT_MS))
        except OSError:
            self.close()
            raise

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, kind, body, number=None):
        number = next(self.numbers) if number is None else number
        self.socket.settimeout(self.timeout_s)
        self.socket.sendall(ENVELOPE.pack(len(body) + ENVELOPE.size, kind, 1, number) + body)
        return number

    def receive(self, deadline):
        """The next message that is not a heartbeat: (kind, number, body)."""
        while True:
            if len(self.buffer) >= ENVELOPE.size:
                size, kind, version, number = ENVELOPE.unpack_from(self.buffer)
                if size < ENVELOPE.size or size > MESSAGE_MAX or version != 1:
                    raise OSError(f"a frame of {size} bytes, version {version}")
                if len(self.buffer) >= size:
                    body = bytes(self.buffer[ENVELOPE.size:size])
                    del self.buffer[:size]
                    if kind == HEARTBEAT:
                        continue
                    return kind, number, body
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("no answer in time")
            self.socket.settimeout(min(left, 0.2))
            try:
                data = self.socket.recv(1 << 16)
            except TimeoutError:
                # The link drops whoever is silent; an idle client says that it lives.
                self.socket.sendall(ENVELOPE.pack(ENVELOPE.size, HEARTBEAT, 1, 0))
                continue
            if not data:
                raise ConnectionResetError("closed by the node")
            self.buffer += data

    def call(self, kind, body, timeout_s=None):
        number = self.send(kind, body)
        deadline = time.monotonic() + (timeout_s or self.timeout_s)
        while True:
            answer, of, data = self.receive(deadline)
            if of == number:
                break
        if answer == ERROR:
            raise decode_error(data)
        return answer, data

    def expect(self, kind, body, wanted, timeout_s=None):
        answer, data = self.call(kind, body, timeout_s)
        if answer != wanted:
            raise OSError(f"answer of kind {answer} instead of {wanted}")
        return data

    def commit(self, records, request_id=None, timeout_s=None):
        body = encode_commit(records, request_id or os.urandom(16))
        data = self.expect(COMMIT, body, COMMIT_RESULT, timeout_s)
        result = tables.CommitResult.CommitResult.GetRootAs(data, 0)
        receipts = [result.Receipts(i) for i in range(result.ReceiptsLength())]
        return {"index": result.Index(), "time_ns": result.TimeNs(),
                "repeated": bool(result.RepeatedRequest()),
                "receipts": [(_text(r.Asset()), r.Rev(), _octets(r, 2)) for r in receipts]}

    def query(self, query_type, timeout_s=None, **fields):
        """query_type: asset, story, find, commits. Fields as in the schema, snake_case."""
        return decode_page(self._ask(query_type, PAGE, timeout_s, fields))

    def document(self, query_type, timeout_s=None, **fields):
        """query_type: twin, diff."""
        return decode_document(self._ask(query_type, DOCUMENT, timeout_s, fields))

    def file(self, path, timeout_s=None, **fields):
        """A file beside the audit log's, as text: cells/..., partner/..."""
        data = self._ask("audit", AUDIT_RESULT, timeout_s, {"asset": path, **fields})
        return _octets(tables.AuditResult.AuditResult.GetRootAs(data, 0), 4).decode()

    def _ask(self, query_type, kind, timeout_s, fields):
        types = {"asset": 1, "story": 2, "find": 3, "commits": 4, "twin": 8, "diff": 9,
                 "audit": 10}
        texts, numbers, octets = {}, {"QueryType": types[query_type]}, {}
        for name, value in fields.items():
            camel = "".join(word.capitalize() for word in name.split("_"))
            target = texts if isinstance(value, str) else octets if isinstance(value, bytes) \
                else numbers
            target[camel] = value
        return self.expect(QUERY, encode_table("Query", texts, numbers, octets), kind, timeout_s)

    def pages(self, query_type, **fields):
        """Every record of a query, over all its pages."""
        cursor = b""
        while True:
            page = self.query(query_type, **fields, **({"cursor": cursor} if cursor else {}))
            yield from page["records"]
            cursor = page["cursor"]
            if not cursor:
                return

    def commits(self, from_index=1, **fields):
        """Every record from an index on, up to what is there now. An index can be cut by the end
        of a page; then the cursor goes on, not the index."""
        cursor = b""
        while True:
            page = self.query("commits", from_index=from_index, limit_records=1000, **fields,
                              **({"cursor": cursor} if cursor else {}))
            yield from page["records"]
            cursor = page["cursor"]
            if not cursor and page["next_index"] > page["index"]:
                return
            from_index = page["next_index"]

    def status(self, timeout_s=None):
        return decode_status(self.expect(STATUS, encode_table("StatusRequest"), STATUS_RESULT,
                                         timeout_s))

    def gauge(self, name, timeout_s=None):
        """A figure of the status, 0 if it has none of that name. Others are not decoded: for who
        looks often."""
        s = tables.Status.Status.GetRootAs(
            self.expect(STATUS, encode_table("StatusRequest"), STATUS_RESULT, timeout_s), 0)
        count = s.GaugesLength()
        for i in itertools.chain((self.places.get(name, count),), range(count)):
            if i < count and _text(s.Gauges(i).Name()) == name:
                self.places[name] = i
                return s.Gauges(i).Value()
        return 0

    def member(self, action, name="", force=False, timeout_s=None, **texts):
        """action: add, promote, demote, remove, transfer."""
        actions = {"join": 1, "add": 2, "promote": 3, "demote": 4, "remove": 5, "transfer": 6}
        camel = {"".join(word.capitalize() for word in k.split("_")): v for k, v in texts.items()}
        data = self.expect(
            MEMBER, encode_table("MemberRequest", {"Name": name, **camel},
                                 {"Action": actions[action], "Force": force,
                                  "WantsVote": action == "add"}), MEMBER_RESULT, timeout_s)
        result = tables.MemberResult.MemberResult.GetRootAs(data, 0)
        return {"index": result.Index(),
                "members": [_member(result.Members(i)) for i in range(result.MembersLength())]}

    def digest(self, index=0):
        data = self.expect(DIGEST, encode_table("DigestRequest", numbers={"Index": index}),
                           DIGEST_RESULT)
        result = tables.DigestResult.DigestResult.GetRootAs(data, 0)
        return {"index": result.Index(), "is_done": bool(result.IsDone()), "keys": result.Keys(),
                "digest": _octets(result, 3).hex()}
