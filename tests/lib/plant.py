"""tests/lib/plant.py: a plant of real weftd processes on loopback, for tests and measurements.

A Plant lives in one directory: certificates, configuration, data and logs of its nodes. Ports
are free ones. Nodes are started, stopped, killed, paused and looked at from outside only: through
the client door (wire.py), the `weft` command, and their logs. Nothing outlives the process that
made it: nodes get SIGKILL when it dies.

Deadlines end what hangs and judge nothing: a machine may be busy with others for many seconds."""

import collections
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pki
import wire

PR_SET_PDEATHSIG = 1
WAIT_S = 120


def loopback():
    """An address of loopback that is this process's own: nobody else listens at its ports, and
    no outgoing connection takes one while a node is down (tests/lib/loopback.h)."""
    pid = os.getpid()  # below 2^22 (proc(5), pid_max)
    return f"127.{1 + (pid >> 16) % 64}.{(pid >> 8) % 256}.{pid % 256}"


_given = set()


def free_ports(count):
    """Ports of loopback() that are free, and were given to nobody before."""
    held, ports = [], []
    while len(ports) < count:
        s = socket.socket()
        s.bind((loopback(), 0))
        held.append(s)  # open until the end, so that the kernel names another one next
        port = s.getsockname()[1]
        if port not in _given:
            ports.append(port)
    for s in held:
        s.close()
    _given.update(ports)
    return ports


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for(what, predicate, seconds=WAIT_S, every=0.05):
    """The first true answer of the predicate, or TimeoutError."""
    end = time.monotonic() + seconds
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(every)


class Node:
    def __init__(self, plant, name):
        self.plant, self.name = plant, name
        self.home = plant.directory / name
        self.data = self.home / "data"
        self.config = self.home / "weftd.yaml"
        self.log = self.home / "weftd.log"
        self.process = None
        self.environment = {}  # of this node alone
        self.is_started = False  # it has a data directory: it needs no --join
        ports = free_ports(3)
        self.peer, self.client, self.http = (f"{loopback()}:{port}" for port in ports)
        self.uri = f"spiffe://{plant.org}/{plant.site}/node/{name}"
        self.home.mkdir(parents=True, exist_ok=True)
        self.tls = plant.authority.issue(plant.site, "node", name, self.home / "tls")
        self.write_config()

    def write_config(self, **overrides):
        """overrides: section -> {key: value}, over the plant's own."""
        sections = {
            "node": {"name": self.name, "site": self.plant.site, "org": self.plant.org,
                     "data": self.data, "listen_peer": self.peer, "listen_client": self.client,
                     "listen_http": self.http},
            "tls": {"cert": self.tls / "tls.crt", "key": self.tls / "tls.key",
                    "ca": self.tls / "ca.crt"},
        }
        for extra in (self.plant.settings, overrides):
            for section, values in extra.items():
                sections.setdefault(section, {}).update(values)
        lines = []
        for section, values in sections.items():
            lines.append(f"{section}:")
            lines += [f"  {key}: {value}" for key, value in values.items()]
        if "policy" not in sections:
            lines.append("policy: ungoverned")
        self.config.write_text("\n".join(lines) + "\n")

    def launch(self, *arguments, prefix=()):
        """Start the process and return; see start."""
        environment = {**os.environ, **self.plant.environment, **self.environment}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*prefix, str(self.plant.bin / "weftd"), "--config", str(self.config),
                 *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home,
                env=environment, preexec_fn=_die_with_parent)
        self.is_started = True
        return self.process

    def start(self, *arguments, seconds=WAIT_S, prefix=()):
        """Start and wait until it serves as a member."""
        self.launch(*arguments, prefix=prefix)
        wait_for(f"{self.name} serves", self.serves, seconds)

    def serves(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
        try:
            return self.status()["state"] in ("leader", "follower")
        except (OSError, wire.Refusal):
            return False

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def tail(self, lines=25):
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def connect(self, timeout_s=30):
        return wire.Client(self.client, self.plant.context, timeout_s, self.uri)

    def status(self, timeout_s=10):
        with self.connect(timeout_s) as client:
            return client.status()

    def kill(self):
        """SIGKILL; the monotonic time just before it, in ns."""
        at = time.monotonic_ns()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return at

    def stop(self, seconds=60):
        """SIGTERM; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"{self.name} did not stop in {seconds} s:\n{self.tail()}") from None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def rss_bytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            for line in f:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
        return 0

    def processor_s(self):
        """What it has used of processors."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            ticks = f.read().rsplit(") ", 1)[1].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def wipe(self):
        """The disk is lost: the next start joins anew."""
        shutil.rmtree(self.data)
        self.is_started = False


class Plant:
    """`nodes` names; `settings` go into every configuration: section -> {key: value}."""

    def __init__(self, directory, binaries, nodes=("n1", "n2", "n3"), settings=None,
                 org="oem.example", site="plant1", environment=None):
        self.directory = pathlib.Path(directory).resolve()
        self.bin = pathlib.Path(binaries).resolve()
        self.org, self.site = org, site
        self.settings = settings or {}
        self.environment = environment or {}
        self.directory.mkdir(parents=True, exist_ok=True)
        self.authority = pki.Authority(self.directory / "pki", org)
        self.identity = self.authority.issue(site, "op", "tester", self.directory / "identity")
        self.context = wire.tls_context(self.identity / "tls.crt", self.identity / "tls.key",
                                        self.identity / "ca.crt")
        self.nodes = collections.OrderedDict((name, Node(self, name)) for name in nodes)

    def __getitem__(self, name):
        return self.nodes[name]

    def __iter__(self):
        return iter(self.nodes.values())

    def add(self, name):
        self.nodes[name] = Node(self, name)
        return self.nodes[name]

    def start(self, seconds=WAIT_S):
        """Bootstrap the first node, join the others, wait until all of them vote."""
        first, *others = self.nodes.values()
        how = [] if "policy" in self.settings else ["--ungoverned"]
        first.start("--bootstrap", *how, seconds=seconds)
        for node in others:
            node.launch("--join", first.client)
        self.wait_for_voters(seconds=seconds)
        self.wait_for_notices(seconds)
        return self

    def wait_for_notices(self, seconds=WAIT_S):
        """Until the log has that each node started: nothing is committed by itself any more."""
        for node in self:
            wait_for(f"the log has {node.name}'s start",
                     lambda n=node: n.status()["gauges"]["notices_waiting"] == 0, seconds)
        self.wait_for_applied(max(n.status()["commit_index"] for n in self))

    def wait_for_voters(self, names=None, seconds=WAIT_S):
        """Until exactly these (default: all nodes) are voters and serve."""
        names = set(names or self.nodes)

        def done():
            for name in names:
                if not self.nodes[name].serves():
                    return False
            status = self.leader_status()
            return status and names == {m["name"] for m in status["members"]
                                        if m["role"] == "voter"}
        try:
            wait_for(f"{sorted(names)} vote", done, seconds, 0.1)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.tails()}") from None

    def alive(self):
        return [node for node in self if node.is_alive()]

    def leader_status(self):
        """What the node says that leads in the highest term; None if there is none."""
        best = None
        for node in self.alive():
            try:
                status = node.status(3)
            except (OSError, wire.Refusal):
                continue
            if status["state"] == "leader" and (not best or status["term"] > best["term"]):
                best = status
        return best

    def leader(self, seconds=WAIT_S):
        status = wait_for("a leader", self.leader_status, seconds)
        return self.nodes[status["node"]]

    def followers(self):
        leader = self.leader()
        return [node for node in self.alive() if node is not leader]

    def wait_for_applied(self, index, nodes=None, seconds=WAIT_S):
        for node in nodes or self.alive():
            wait_for(f"{node.name} applies {index}",
                     lambda n=node: n.status()["applied_index"] >= index, seconds)

    def digests(self, nodes=None, seconds=WAIT_S):
        """{name: state digest} at one index agreed for it, one that no node's checkpoint leapt."""
        end = time.monotonic() + seconds
        marker = self.retry(lambda client: client.digest()["index"])
        result = {}
        for node in nodes or self.alive():
            while node.name not in result:
                try:
                    with node.connect() as client:
                        answer = client.digest(marker)
                        if answer["is_done"]:
                            result[node.name] = answer["digest"]
                            break
                except (OSError, wire.Refusal) as error:
                    outcome = getattr(error, "outcome", None)
                    if outcome == "not_found" and time.monotonic() < end:
                        return self.digests(nodes, end - time.monotonic())
                    if isinstance(error, wire.Refusal) and outcome not in wire.RETRY:
                        raise
                if time.monotonic() > end:
                    raise TimeoutError(f"{node.name}: no digest at {marker}\n{node.tail()}")
                time.sleep(0.05)
        return result

    def retry(self, action, seconds=WAIT_S):
        """action(client) on the leader, as often as it takes."""
        end = time.monotonic() + seconds
        while True:
            try:
                with self.leader().connect() as client:
                    return action(client)
            except (OSError, wire.Refusal) as error:
                if isinstance(error, wire.Refusal) and error.outcome not in wire.RETRY:
                    raise
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def endpoints(self):
        return ",".join(f"tls+tcp://{node.client}" for node in self)

    def weft(self, *arguments, text=None, seconds=300, check=False, identity=None, endpoints=None):
        """The `weft` command with this plant's identity: CompletedProcess, output as text."""
        environment = {**os.environ, **self.environment, "HOME": str(self.directory)}
        done = subprocess.run(
            [str(self.bin / "weft"), *arguments, "--endpoint", endpoints or self.endpoints(),
             "--identity", str(identity or self.identity)],
            input=text if text is not None else "", capture_output=True, text=True,
            timeout=seconds, check=False, env=environment, cwd=self.directory)
        if check and done.returncode != 0:
            raise RuntimeError(f"weft {' '.join(arguments)}: exit {done.returncode}\n"
                               f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done

    def weft_json(self, *arguments, **options):
        return json.loads(self.weft(*arguments, "-o", "json", check=True, **options).stdout)

    def tails(self, lines=15):
        return "\n".join(f"--- {node.name}\n{node.tail(lines)}" for node in self)

    def stop(self):
        """Everything ends, quickly; for the end of a test."""
        for node in self.alive():
            node.resume()
            node.process.terminate()
        end = time.monotonic() + 5
        for node in self.alive():
            try:
                node.process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                node.process.kill()
                node.process.wait()


TLS_ERRORS = (ssl.SSLError, OSError)
