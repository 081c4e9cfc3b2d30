"""tests/lib/partners.py: governed sites with partner doors, and what stands between two of them: a
relay that can be cut, and one that reads along."""

import base64
import collections
import hashlib
import json
import pathlib
import selectors
import shutil
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

import cluster
import pki
import plant
import wire

# What both say to one cell: names of the things it is of, "agreed", "awaited" or "disputed", the
# value that counts, claims. Of a claim: its author, what it says, its digest, how it stands.
Cell = collections.namedtuple("Cell", "rule names state value claims")
Claim = collections.namedtuple("Claim", "author value digest standing")

POLICY = """policy {site} 1

permit everybody
  who  any
  do   any

permit partners
  who  partner {partner}
  do   share

forbid sealed
  who  partner {partner}
  do   write
  on   label sealed
"""
PROVIDER = """provider {site}
threshold {threshold}
kind inspection disclosed
mask inspection hidden cost
depth any
forward no
retain 3650
rate 100000
bytes 50000000
queue 100000
quarantine 100
"""


class Relay:
    """In front of a door: forwards, until it is blocked, which cuts what it carries."""

    def __init__(self, target):
        self.target, self.is_blocked, self.open = target, False, []
        self.lock = threading.Lock()
        self.server = socket.create_server((plant.loopback(), plant.free_ports(1)[0]))
        self.address = "{}:{}".format(*self.server.getsockname())
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            host, port = self.target.rsplit(":", 1)
            try:
                if self.is_blocked:
                    raise OSError
                far = socket.create_connection((host, int(port)), timeout=5)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            with self.lock:
                if self.is_blocked:
                    near.close()
                    far.close()
                    continue
                self.open += [near, far]
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    @classmethod
    def _carry(cls, near, far):
        back = threading.Thread(target=cls._pump, args=(far, near), daemon=True)
        back.start()
        cls._pump(near, far)
        back.join()
        near.close()
        far.close()

    @staticmethod
    def _pump(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for s in (one, other):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def block(self, is_blocked):
        with self.lock:
            self.is_blocked = is_blocked
            cut, self.open = (self.open, []) if is_blocked else ([], self.open)
        for s in cut:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class ReadingRelay(Relay):
    """Reads along: it stands before a door with the keys of both sides, which only a test has, and
    keeps what each says in the clear."""

    def __init__(self, target):
        super().__init__(target)
        self.near_home = self.far_home = None  # As whom it answers, and calls.
        self.heard = bytearray()

    def _accept(self):
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._read_along, args=(near,), daemon=True).start()

    @staticmethod
    def _context(side, home):
        context = ssl.SSLContext(side)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(home / "tls.crt", home / "tls.key")
        context.set_alpn_protocols([wire.ALPN])
        return context

    def _read_along(self, near):
        host, port = self.target.rsplit(":", 1)
        try:
            near.settimeout(10)
            near = self._context(ssl.PROTOCOL_TLS_SERVER, self.near_home).wrap_socket(
                near, server_side=True)
            far = socket.create_connection((host, int(port)), timeout=10)
            far = self._context(ssl.PROTOCOL_TLS_CLIENT, self.far_home).wrap_socket(far)
        except OSError:
            near.close()
            return
        # One thread for both directions: a TLS connection is not two threads' at once.
        with selectors.DefaultSelector() as selector:
            selector.register(near, selectors.EVENT_READ, far)
            selector.register(far, selectors.EVENT_READ, near)
            try:
                while self._pass_on(selector):
                    pass
            except OSError:
                pass
        near.close()
        far.close()

    def _pass_on(self, selector):
        for key, _ in selector.select():
            while True:
                data = key.fileobj.recv(65536)
                if not data:
                    return False
                self.heard += data
                key.data.sendall(data)
                if not key.fileobj.pending():
                    break
        return True


def read_along(site, other):
    """The relays before a site's doors get the keys that they need to read what `other` says."""
    for node, relay in zip(site.plant, site.relays_for(other)):
        relay.near_home = node.home / "partner"
        relay.far_home = next(iter(other.plant)).home / "partner"


def sign(text, *keys):
    """A note (C2SP signed-note) by Ed25519 keys, NAME.key beside NAME.vkey."""
    lines = []
    for key in keys:
        name, key_id, _ = key.with_suffix(".vkey").read_text().strip().split("+", 2)
        given = key.with_suffix(".text")
        given.write_text(text, encoding="utf-8")
        signature = subprocess.run(
            ["openssl", "pkeyutl", "-sign", "-inkey", str(key), "-rawin", "-in", str(given)],
            check=True, capture_output=True).stdout
        encoded = base64.b64encode(bytes.fromhex(key_id) + signature).decode()
        lines.append(f"\u2014 {name} {encoded}\n")
    return f"{text}\n" + "".join(lines)


class Site:
    """A plant that is governed, with a partner door on each node; each partner calls it by relays
    of his own, so that it can be cut off both ways and its partners' other links stay."""

    def __init__(self, home, org, name, partner, nodes, relay=Relay, policy=POLICY):
        self.home, self.site = home, f"{org}/{name}"
        home.mkdir(parents=True)
        rules = home / "rules"
        rules.write_text(policy.format(site=name, partner=partner))
        governed = pki.site(cluster.options.bin, home / "org", ("ann",), org, name, rules)
        pki.Authority(home / "plant/pki", org, is_bound=True)
        settings = {"policy": governed, "timers": dict(cluster.PATIENT)}
        self.plant = plant.Plant(home / "plant", cluster.options.bin, nodes, settings, org, name)
        self.keys, self.doors, self.client = [], [], None
        self.relay, self.relays, self.ways = relay, [], {}  # Ways: relays before it, by who calls.
        self.is_blocked, self.met = False, []  # Met: relays to it and from it, and who is behind.
        for node in self.plant:
            self.keys.append(pki.log_key(node.tls, f"{self.site}/audit"))
            door = f"{plant.loopback()}:{plant.free_ports(1)[0]}"
            self.doors.append(door)
            tls = self.plant.authority.issue(
                name, "partner", node.name, node.home / "partner", usages="serverAuth,clientAuth")
            node.write_config(node={"listen_partner": door},
                              partner={"cert": tls / "tls.crt", "key": tls / "tls.key"})

    def roots(self):
        return [self.home / "org/roots/a.key", self.home / "org/roots/b.key"]

    def org_note(self):
        return (self.home / "org/org.note").read_text(encoding="utf-8")

    def pin(self):
        text = self.org_note().split("\n\n", 1)[0] + "\n"
        return hashlib.sha256(text.encode()).hexdigest()

    def commit(self, *records):
        return self.plant.retry(lambda client: client.commit(list(records)))

    def relays_for(self, other):
        """By which `other` calls it."""
        if other.site not in self.ways:
            relays = [self.relay(door) for door in self.doors]
            self.ways[other.site] = relays
            self.relays += relays
            self.met += [(relay, other) for relay in relays]
            other.met += [(relay, self) for relay in relays]
        return self.ways[other.site]

    def describe(self, to=None):
        """What partners are told of it; with the doors that `to` calls."""
        relays = self.relays_for(to) if to else []
        return {"keys": "".join(f"{key}\n" for key in self.keys),
                "endpoints": "".join(f"{r.address}\n" for r in relays)}

    def pin_partner(self, other, has_endpoints=True):
        self.commit({"kind": "partner", "asset": f"partner:{self.site}",
                     "attrs": self.describe()})
        self.commit({"kind": "partner", "asset": f"partner:{other.site}",
                     "attrs": {**other.describe(self if has_endpoints else None),
                               "org": other.org_note(),
                               "ca": other.plant.authority.ca.read_text()}})

    def run(self, *arguments, code=0):
        """What `weft` printed; AssertionError if it did not end with `code`."""
        done = self.plant.weft(*map(str, arguments))
        if done.returncode != code:
            raise AssertionError(f"{self.site}: weft {' '.join(map(str, arguments))}: exit "
                                 f"{done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout if code == 0 else done.stderr

    def told(self, *arguments):
        return json.loads(self.run(*arguments, "-o", "json"))

    def restore(self, backup):
        """Its one node is down and its disk lost; it has what the backup has, and stays down."""
        node, = self.plant
        shutil.rmtree(node.data)
        done = subprocess.run([str(self.plant.bin / "weft"), "restore", str(backup),
                               "--config", str(node.config)], input="", capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{self.site}: {done.stdout}{done.stderr}")

    def meet(self, *others):
        """It is told of itself and of them, by commands."""
        for one in (self, *others):
            (one.home / "vkeys").write_text("".join(f"{key}\n" for key in one.keys))
        self.run("partner", "add", self.site, "--keys", self.home / "vkeys")
        for other in others:
            doors = [word for relay in other.relays_for(self)
                     for word in ("--partner-endpoint", relay.address)]
            self.run("partner", "add", other.site, "--keys", other.home / "vkeys", "--org",
                     other.home / "org/org.note", "--ca", other.plant.authority.ca, *doors)

    def lines(self, path):
        """Words of a file of cells, without percents: node/state/query_cells.c."""
        found, place = [], ""
        while True:
            text = self._file(path + place)
            lines = [[urllib.parse.unquote(word) for word in line.split(" ")]
                     for line in text.splitlines() if line]
            if not lines or lines[-1][0] != "next":
                return found + lines
            found, place = found + lines[:-1], f"/{lines[-1][1]}"

    def _file(self, path):
        """By one connection for many: a plant is asked a hundred times."""
        try:
            if self.client is None:
                self.client = self.plant.leader().connect()
            return self.client.file(path)
        except (OSError, wire.Refusal):
            self.client = None
            return self.plant.retry(lambda client: client.file(path))

    def cells(self, name, asset):
        """What the agreement's cells of an asset say: {(kind, group): Cell}; of an edge the group
        is (parent, child)."""
        found, cell = {}, None
        for what, *words in self.lines(f"cells/{name}/asset/{asset}"):
            if what == "cell":
                cell = Cell(words[3], [], None, None, [])
                place = words[1], words[2]
            elif what == "subject":
                cell.names.append(words[3])
            elif what == "state":
                cell = cell._replace(state=words[0])
            elif what == "value":
                cell = cell._replace(value=words[0])
            elif what == "claim":
                cell.claims.append(Claim(words[1], words[7], words[0], words[6].split(",")))
            is_edge = cell.claims and cell.claims[0].value in ("in", "out")
            found[(place[0], tuple(cell.names)) if is_edge else place] = cell
        return found

    def shared(self, name):
        """What it has in the cells of an agreement: {"shared": digest, "disputes": "5", ...}."""
        words = self.run("partner", "disputes", name, "--sum").split()
        state = next(word for word in words if word in ("settled", "unsettled"))
        words.remove(state)
        return {"state": state, **dict(zip(words[::2], words[1::2]))}

    def inspect(self, prefix, count):
        for i in range(count):
            self.commit({"kind": "inspection", "asset": f"serial:box/{prefix}-{i}",
                         "attrs": {"verdict": "PASS", "cost": "SECRET-12.50"}})

    def figures(self):
        """{(direction, figure): value} of the leader; {} while there is none."""
        status = self.plant.leader_status()
        parts = [(name.split("/"), value) for name, value in (status or {}).get(
            "gauges", {}).items() if name.startswith("partner/")]
        return {(part[2], part[3]): value for part, value in parts}

    def block(self, is_blocked):
        """Nobody calls it and it calls nobody. Each side dials, and one connection is enough: with
        one of the two directions left it is not cut off."""
        self.is_blocked = is_blocked
        for relay, other in self.met:
            relay.block(is_blocked or other.is_blocked)


def agree(one, other, name, draft, edits=()):
    """The note of an agreement that both have signed, by commands and without a connection."""
    offer, agreed = (one.home / f"{name}.{word}" for word in ("offer", "agreement"))
    if not isinstance(draft, pathlib.Path):
        text, draft = draft, one.home / f"{name}.draft"
        draft.write_text(text)
    orgs = ["--org", one.home / "org/org.note", "--org", other.home / "org/org.note"]

    def by(site, *arguments):
        keys = [word for root in site.roots() for word in ("--key", root)]
        done = subprocess.run(
            [str(one.plant.bin / "weft"), "partner", *map(str, arguments), *map(str, orgs),
             *map(str, keys), "--yes"], input="", capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
    by(one, "propose", name, draft, *(w for edit in edits for w in ("--set", edit)), "--out", offer)
    by(other, "sign", offer, "--out", agreed)
    return agreed


def size(status, key):
    """Of "5 sha256:...", or 0."""
    return int(str(status[key]).split(" ", maxsplit=1)[0])


def is_even(one, other, name):
    """Neither owes anything to its stream, each has all that the other states, both know it, and
    both come to the same state."""
    here, there = (site.told("partner", "status", name) for site in (one, other))
    for a, b in ((here, there), (there, here)):
        if "sent_looked" in a or "sent_owes_assets" in a or a["sent_fenced"] != "no":
            return False
        if not size(a, "sent_size") == size(b, "received_size") == size(a, "sent_acknowledged"):
            return False
    here, there = one.shared(name), other.shared(name)
    return here["state"] == "settled" and here == there


def share(name, one, other, kinds, depth="any", rate=100000, templates=(), before=None):
    """An agreement between two sites on records of these kinds, all disclosed, both ways; each has
    pinned the other and has it in force. `rate`: statements in a second; `templates`: what either
    may ask ("inside 5"); `before`: the text of the version that this one follows. Its text."""
    def utc(seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() + seconds))
    sites = sorted((one, other), key=lambda site: site.site)
    text = (f"weft-agreement/v1\nagreement {name}\n"
            + (f"version 2\nprev sha256:{hashlib.sha256(before.encode()).hexdigest()}\n" if before
               else "version 1\nprev none\n")
            + f"issued {utc(-60)}\nexpires {utc(86400)}\n"
            + "".join(f"party {site.site} sha256:{site.pin()}\n" for site in sites)
            + "".join(f"template {template}\n" for template in sorted(templates)))
    for site in sites:
        text += (f"provider {site.site}\nthreshold 1\n"
                 + "".join(f"kind {kind} disclosed\n" for kind in sorted(kinds))
                 + f"depth {depth}\nforward no\nretain 3650\nrate {rate}\nbytes 50000000\n"
                 "queue 100000\nquarantine 100\n")
    note = sign(text, *sites[0].roots(), *sites[1].roots())
    for site, partner in ((one, other), (other, one)):
        if before and site is other:
            break  # It comes to him in the stream.
        site.pin_partner(partner)
        site.commit({"kind": "agreement", "asset": f"agreement:{name}", "attrs": {"note": note}})
    return text
