#!/usr/bin/python3
"""Another implementation of FlatBuffers reads what ours writes, and writes what ours reads.

    foreign_reader.py FLATC SCHEMA_DIRECTORY MESSAGE_PRINT

Readers and writers are those that flatc makes from the public schemas for Python, on Python's own
runtime. Every field of every message is compared with what message_print says is in it, and the
fields that the schemas have are exactly those that it names.
"""
import importlib
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import flatbuffers

ROUNDS = 25
# The public table of kinds, once more by hand: proto/envelope.h and the schemas must agree.
TABLES = {
    16: 'RequestVote', 17: 'RequestVoteResult', 18: 'AppendEntries', 19: 'AppendEntriesResult',
    20: 'InstallSnapshot', 21: 'TimeoutNow', 22: 'Ping', 23: 'Ping', 24: 'ReadIndex',
    25: 'ReadIndexResult', 26: 'Fetch', 27: 'Chunk', 28: 'AuditLine',
    64: 'CommitRequest', 65: 'CommitResult', 66: 'Query', 67: 'Page', 68: 'StatusRequest',
    69: 'Status', 70: 'MemberRequest', 71: 'MemberResult', 72: 'DigestRequest',
    73: 'DigestResult', 74: 'CheckpointRequest', 75: 'CheckpointResult', 76: 'FileRequest',
    77: 'FileResult', 78: 'ErrorAnswer', 80: 'TraceResult', 82: 'Document', 84: 'Block',
    85: 'BlockPutResult', 86: 'BlockGet', 87: 'Block', 88: 'ForwardRequest', 90: 'AuditResult',
    94: 'AuthorizedRequest', 96: 'CarryRequest',
}
ENVELOPE = struct.Struct('<IHHQ')
compared = 0
seen_kinds = set()
seen_fields = {}


def generated(name):
    return importlib.import_module(f'weft.wire.{name}')


def camel(name):
    return ''.join(part.capitalize() for part in name.split('_'))


def fields_of(table):
    """Names of the accessors that the generated class has for its fields."""
    cls = type(table)
    names = {n for n in vars(cls) if not n.startswith('_') and n != 'Init'
             and not n.startswith('GetRootAs') and not n.endswith('BufferHasIdentifier')}
    return {n for n in names if not any(
        n.endswith(tail) and n[:-len(tail)] in names
        for tail in ('Length', 'AsNumpy', 'IsNone', 'NestedRoot'))}


def check(condition, place, expected, actual):
    if not condition:
        sys.exit(f'{place}: expected {expected!r}, read {actual!r}')


def compare_value(table, accessor, expected, place):
    global compared
    compared += 1
    get = getattr(table, accessor)
    if isinstance(expected, list):
        length = getattr(table, accessor + 'Length')()
        check(length == len(expected), place + ' length', len(expected), length)
        for i, item in enumerate(expected):
            compare(get(i), item, f'{place}/{i}')
    elif isinstance(expected, dict) and 'hex' in expected:
        actual = bytes(get(i) for i in range(getattr(table, accessor + 'Length')()))
        check(actual.hex() == expected['hex'], place, expected['hex'], actual.hex())
    elif isinstance(expected, dict) and 'nested' in expected:
        compare(getattr(table, accessor + 'NestedRoot')(), expected['nested'], place)
    elif isinstance(expected, dict):
        compare(get(), expected, place)
    elif isinstance(expected, str):
        actual = (get() or b'').decode()
        check(actual == expected, place, expected, actual)
    else:
        actual = get()
        check(actual == expected and isinstance(actual, bool) == isinstance(expected, bool),
              place, expected, actual)


def compare(table, expected, place):
    check(table is not None, place, expected, None)
    accessors = {camel(key): value for key, value in expected.items()}
    check(fields_of(table) == set(accessors), place + ' fields', sorted(accessors),
          sorted(fields_of(table)))
    for accessor, value in accessors.items():
        compare_value(table, accessor, value, f'{place}.{accessor}')
        if value not in (0, '', False, [], {'hex': ''}):
            seen_fields.setdefault(type(table).__name__, set()).add(accessor)


def read_messages(directory):
    for path in sorted(directory.glob('*.bin'), key=lambda p: int(p.stem)):
        message = path.read_bytes()
        expected = json.loads(path.with_suffix('.json').read_text())
        size, kind, version, _ = ENVELOPE.unpack_from(message)
        check(size == len(message), path.name, len(message), size)
        check(version == 1, path.name, 1, version)
        root = getattr(generated(TABLES[kind]), TABLES[kind]).GetRootAs(message, ENVELOPE.size)
        compare(root, expected, f'{path.stem} {TABLES[kind]}')
        seen_kinds.add(kind)


def check_coverage():
    """Each field was read with something in it at least once, or the comparison means little."""
    check(seen_kinds == set(TABLES), 'kinds', sorted(TABLES), sorted(seen_kinds))
    for name in {*TABLES.values(), 'Record', 'Field', 'Link', 'Receipt', 'StoredRecord',
                 'Member', 'Gauge', 'LogEntry', 'PeerHeader'}:
        every = fields_of(getattr(generated(name), name)())
        seen = seen_fields.get(name, set())
        check(seen == every, f'fields of {name} that were ever set', sorted(every), sorted(seen))


def write_table(builder, name, fields, unknown_slot=None):
    """A table with the generated setters; `unknown_slot` adds a field of a later schema."""
    module = generated(name)
    builder.StartObject(1 + max([unknown_slot or 0, 20]))
    for field, value in fields.items():
        getattr(module, name + 'Add' + field)(builder, value)
    if unknown_slot is not None:
        builder.PrependUint64Slot(unknown_slot, 0x7766554433221100, 0)
    return builder.EndObject()


def write_vector(builder, offsets):
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def write_commit(builder):
    text = builder.CreateString
    field = write_table(builder, 'Field', {
        'Path': text('flatness/value'), 'Value': text('0.014'), 'ValueType': 3}, 7)
    link = write_table(builder, 'Link', {
        'Rel': text('made_on'), 'Target': text('plant1/line2/mill-2'),
        'Fields': write_vector(builder, [field])}, 5)
    records = [write_table(builder, 'Record', {
        'Kind': text('inspection'), 'Asset': text(f'serial:box/{i} \u00e9'), 'AtNs': -i,
        'HasAt': True, 'HasExpect': True, 'ExpectRev': 2**64 - 1,
        'Fields': write_vector(builder, [field]), 'Links': write_vector(builder, [link])}, 12)
        for i in range(3)]
    return write_table(builder, 'CommitRequest', {
        'RequestId': builder.CreateByteVector(bytes(range(16))),
        'Records': write_vector(builder, records)}, 9)


def expected_commit():
    fields = [{'path': 'flatness/value', 'value': '0.014', 'value_type': 3}]
    links = [{'rel': 'made_on', 'target': 'plant1/line2/mill-2', 'fields': fields}]
    return {'request_id': {'hex': bytes(range(16)).hex()}, 'records': [{
        'kind': 'inspection', 'asset': f'serial:box/{i} \u00e9', 'source': '', 'author': '',
        'at_ns': -i, 'expect_rev': 2**64 - 1, 'has_at': True, 'has_expect': True,
        'fields': fields, 'links': links} for i in range(3)]}


def write_messages(message_print, directory):
    """Ours reads what Python wrote, with fields in it that ours does not know."""
    zero_header = dict.fromkeys(('cluster', 'sender', 'incarnation', 'term', 'sequence',
                                 'request_term', 'request_sequence', 'request_incarnation'), 0)
    cases = [
        ('client', 64, write_commit, expected_commit()),
        ('client', 72, lambda b: write_table(b, 'DigestRequest', {'Index': 77}, 3), {'index': 77}),
        ('client', 68, lambda b: write_table(b, 'StatusRequest', {}, 0), {}),
        ('peer', 22, lambda b: write_table(b, 'Ping', {
            'Header': write_table(b, 'PeerHeader', {'Sender': 5}, 11), 'Round': 9}, 4),
         {'header': {**zero_header, 'sender': 5}, 'round': 9}),
    ]
    for door, kind, write, expected in cases:
        builder = flatbuffers.Builder(64)
        builder.Finish(write(builder))
        body = bytes(builder.Output())
        path = directory / f'foreign-{kind}'
        path.write_bytes(ENVELOPE.pack(ENVELOPE.size + len(body), kind, 1, 4711) + body)
        run = subprocess.run([message_print, door, path], capture_output=True, check=False)
        check(run.returncode == 0, f'reading kind {kind}', 'success', run.stderr)
        actual = json.loads(run.stdout)
        check(actual == expected, f'kind {kind} from Python', expected, actual)
    return len(cases)


def main(flatc, schemas, message_print):
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        subprocess.run([flatc, '--python', '-o', directory, *pathlib.Path(schemas).glob('*.fbs')],
                       check=True)
        sys.path.insert(0, name)
        subprocess.run([message_print, name, str(ROUNDS)], check=True)
        read_messages(directory)
        check_coverage()
        written = write_messages(message_print, directory)
    print(f'{len(seen_kinds)} kinds, {compared} fields read by Python as they were written; '
          f'{written} messages of Python with unknown fields read')


main(*sys.argv[1:])
