"""The canonical digest of a statement, written a second time from proto/README.md.

    golden_statement.py PROGRAM [SEED]   compare with what PROGRAM (statement_print) gives
    golden_statement.py --vectors        print the fixed vectors of test_statement.c

It shares no code with proto/: the JSON form is flattened, the fields are sorted, the tree is
built top down by RFC 6962's definition and everything is hashed with hashlib.
"""
import hashlib
import json
import random
import subprocess
import sys

NULL, BOOL, INT, REAL, TEXT, EMPTY_OBJECT, EMPTY_ARRAY, LINK = 0, 1, 2, 3, 4, 5, 6, 16


class Number(str):
    """A number's literal."""


def sha(data):
    return hashlib.sha256(data).digest()


def be32(n):
    return n.to_bytes(4, "big")


def be64(n):
    return n.to_bytes(8, "big", signed=n < 0)


def text(data):
    return be32(len(data)) + data


# The JSON form to (path, type, value).

def escape(key):
    key = key.replace("~", "~0").replace("/", "~1")
    return "~2" + key[1:] if key.startswith("[") else key


def flatten(value, path):
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from flatten(child, path + [escape(key)])
    elif isinstance(value, list) and value:
        for i, child in enumerate(value):
            yield from flatten(child, path + [f"[{i}]"])
    else:
        yield "/".join(path).encode(), *scalar(value)


def scalar(value):
    if value is None:
        return NULL, b""
    if value is True or value is False:
        return BOOL, b"true" if value else b"false"
    if isinstance(value, Number):
        return (REAL if set(value) & set(".eE") else INT), value.encode()
    if isinstance(value, str):
        return TEXT, value.encode()
    return (EMPTY_OBJECT if isinstance(value, dict) else EMPTY_ARRAY), b""


def fields_of(attrs):
    return list(flatten(attrs, [])) if attrs else []


def link_value(link):
    fields = sorted(fields_of(link.get("attrs", {})))
    out = text(link["rel"].encode()) + text(link["to"].encode()) + be32(len(fields))
    for path, kind, value in fields:
        out += text(path) + bytes([kind]) + text(value)
    return out


# The tree.

def optional(value):
    return (TEXT, value.encode()) if value else (NULL, b"")


def leaves_of(case):
    record = case["record"]
    leaves = fields_of(record.get("attrs", {}))
    leaves.append((b"@at", TEXT, record.get("at", case["time"]).encode()))
    leaves.append((b"@author", *optional(case["author"])))
    leaves.append((b"@source", *optional(record.get("source", ""))))
    for i, link in enumerate(record.get("links", [])):
        leaves.append((b"@link/%d" % i, LINK, link_value(link)))
    return sorted(leaves)


def salt(seed, ordinal, index):
    pair = sha(b"\x04" + seed + be32(ordinal) + be32(index // 2))
    return pair[16:] if index % 2 else pair[:16]


def tree(hashes):
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha(b"\x01" + tree(hashes[:k]) + tree(hashes[k:]))


def nanoseconds(time):
    """Of the plain form that the cases use: 2017-07-28T08:16:42Z with 0, 3, 6 or 9 digits."""
    import calendar
    whole, _, fraction = time.rstrip("Z").partition(".")
    date, clock = whole.split("T")
    seconds = calendar.timegm(tuple(map(int, date.split("-") + clock.split(":"))))
    return seconds * 10**9 + int((fraction or "0").ljust(9, "0"))


def statement(case):
    record, seed, ordinal = case["record"], bytes.fromhex(case["seed"]), int(case["ordinal"])
    hashes = []
    for i, (path, kind, value) in enumerate(leaves_of(case)):
        salted = salt(seed, ordinal, i) + text(path) + bytes([kind]) + value
        hashes.append(sha(b"\x00" + salted))
    root = tree(hashes)
    authority, name = case["authority"].encode(), record["kind"].encode()
    header = bytes([1])
    header += sha(text(authority) + text(name) + text(record["asset"].encode()))
    header += text(name) + text(b"") + text(authority) + be64(int(case["epoch"]))
    header += be64(int(case["index"])) + be32(ordinal) + bytes.fromhex(case["previous"])
    header += be64(nanoseconds(case["time"])) + text(case["schema"].encode()) + be32(0)
    header += be32(len(hashes)) + root
    return root, sha(b"\x02" + header)


# Cases.

def encode(value):
    """JSON with the numbers' own literals."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(k) + ":" + encode(v) for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(encode, value)) + "]"
    return json.dumps(value)


def place(record, **changes):
    case = {"record": record, "author": "oem.example/plant1/op/ann",
            "time": "2026-01-02T03:04:05.678Z", "authority": "oem.example/plant1", "epoch": "1",
            "index": "123", "ordinal": "2", "previous": "00" * 32, "schema": "",
            "seed": bytes(range(32)).hex()}
    return {**case, **changes}


def fixed():
    yield "bare", place({"kind": "note", "asset": "a"})
    yield "inspection", place({
        "kind": "inspection", "asset": "serial:box/7", "at": "2017-07-28T08:16:42Z",
        "source": "qif:Box_Results.qif#7",
        "attrs": {"verdict": "FAIL", "flatness": {
            "value": Number("0.014"), "unit": "mm", "max": Number("0.010")},
            "operator": "op/17", "ok": False, "none": None, "many": [Number("1"), {}, []]},
        "links": [{"rel": "made_on", "to": "plant1/line2/mill-2"},
                  {"rel": "uses_lot", "to": "lot:AL6061/22",
                   "attrs": {"quantity": Number("2.50"), "Unit": "kg"}}]},
        previous="ab" * 32, epoch="2", index="18446744073709551615")


def random_text(r):
    alphabet = "abcXYZ019 ~/[]@.-_\u00e4\u20ac\U0001f600\n\"\\"
    return "".join(r.choice(alphabet) for _ in range(r.randint(1, r.choice((3, 12, 700)))))


def random_value(r, depth):
    kind = r.randint(0, 9 if depth < 3 else 6)
    if kind <= 1:
        return r.choice((None, True, False, [], {}))
    if kind <= 3:
        return Number(r.choice((str(r.randint(-2**63, 2**63 - 1)), "0", "-0", "1.50", "2E+7")))
    if kind <= 6:
        return random_text(r)
    if kind == 7:
        return [random_value(r, depth + 1) for _ in range(r.randint(1, 4))]
    return random_object(r, depth + 1)


def random_object(r, depth):
    keys = {random_text(r)[:6] for _ in range(r.randint(1, 5))}
    return {k: random_value(r, depth) for k in sorted(keys) if depth or not k.startswith("@")}


def random_case(r):
    record = {"kind": "k%d" % r.randint(0, 99), "asset": "asset:%d" % r.randint(0, 10**9)}
    if r.random() < 0.8:
        record["attrs"] = random_object(r, 0)
    if r.random() < 0.5:
        record["at"] = "2017-07-28T08:16:%02d%sZ" % (
            r.randint(0, 59), r.choice(("", ".001", ".000001", ".000000001", ".123456789")))
    if r.random() < 0.3:
        record["source"] = "file:%d" % r.randint(0, 9)
    if r.random() < 0.7:
        links = []
        for _ in range(r.randint(1, r.choice((1, 2, 12, 120)))):
            link = {"rel": r.choice(("consumes", "about")), "to": "lot:%d" % r.randint(0, 99)}
            if r.random() < 0.3:
                link["attrs"] = random_object(r, 0)
            links.append(link)
        record["links"] = links
    return place(record, ordinal=str(r.randint(0, 2**32 - 1)), index=str(r.randint(0, 2**64 - 1)),
                 previous=r.randbytes(32).hex(), seed=r.randbytes(32).hex(),
                 author=r.choice(("", "oem.example/plant1/svc/mes")),
                 schema=r.choice(("", "dtmi:example:oem:inspection;12")))


def main():
    if sys.argv[1:] == ["--vectors"]:
        for name, case in fixed():
            root, digest = statement(case)
            print(name, root.hex(), digest.hex())
        return 0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    r = random.Random(seed)
    cases = [case for _, case in fixed()] + [random_case(r) for _ in range(400)]
    lines = "\n".join(encode(case) for case in cases) + "\n"
    answer = subprocess.run([sys.argv[1]], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    got = answer.stdout.decode().splitlines()
    if len(got) != len(cases):
        print(f"{len(got)} answers to {len(cases)} cases")
        return 1
    wrong = 0
    for case, line in zip(cases, got):
        expected = "sha256:%s sha256:%s" % tuple(d.hex() for d in statement(case))
        if line != expected:
            wrong += 1
            print(f"expected {expected}\ngot      {line}\nfor      {encode(case)}")
    biggest = max(len(leaves_of(case)) for case in cases)
    print(f"seed {seed}: {len(cases)} statements of up to {biggest} leaves, {wrong} wrong")
    return 1 if wrong or biggest < 64 else 0


if __name__ == "__main__":
    sys.exit(main())
