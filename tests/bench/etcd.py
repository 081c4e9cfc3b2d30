"""tests/bench/etcd.py: three members of Debian's etcd on loopback, the peer of our figures."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time


def free_ports(count):
    """Ports that were free a moment ago; all held open at once, so all different."""
    held = []
    for _ in range(count):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        held.append(s)
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


class Etcd:
    """Three members. Default timers unless given (heartbeat_ms, election_ms)."""

    def __init__(self, directory, heartbeat_ms=100, election_ms=1000):
        self.directory = pathlib.Path(directory)
        self.timers = (heartbeat_ms, election_ms)
        ports = free_ports(6)
        self.members = [{"name": f"e{i + 1}", "client": f"127.0.0.1:{ports[i]}",
                         "peer": f"http://127.0.0.1:{ports[3 + i]}", "process": None}
                        for i in range(3)]

    def start(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        for member in self.members:
            self.launch(member, "new")
        return self.wait()

    def launch(self, member, state="existing"):
        cluster = ",".join(f"{m['name']}={m['peer']}" for m in self.members)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ETCD")}
        with open(self.directory / f"{member['name']}.log", "ab") as log:
            member["process"] = subprocess.Popen(
                ["etcd", "--name", member["name"],
                 "--data-dir", str(self.directory / member["name"]),
                 "--listen-client-urls", f"http://{member['client']}",
                 "--advertise-client-urls", f"http://{member['client']}",
                 "--listen-peer-urls", member["peer"],
                 "--initial-advertise-peer-urls", member["peer"],
                 "--initial-cluster", cluster, "--initial-cluster-state", state,
                 "--initial-cluster-token", "bench", "--quota-backend-bytes", str(8 << 30),
                 "--heartbeat-interval", str(self.timers[0]),
                 "--election-timeout", str(self.timers[1]),
                 "--logger", "zap", "--log-level", "error"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)

    def alive(self):
        return [m for m in self.members if m["process"] and m["process"].poll() is None]

    def leader(self):
        """The member that says of itself that it leads, or None."""
        for member in self.alive():
            done = subprocess.run(
                ["etcdctl", "--endpoints", member["client"], "--command-timeout", "2s",
                 "endpoint", "status", "-w", "json"],
                capture_output=True, env={**os.environ, "ETCDCTL_API": "3"}, check=False)
            try:
                status = json.loads(done.stdout)[0]["Status"]
            except (ValueError, LookupError, TypeError):
                continue
            if status.get("leader") and status["leader"] == status["header"]["member_id"]:
                return member
        return None

    def wait(self, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            leader = self.leader()
            if leader:
                return leader
            time.sleep(0.1)
        raise RuntimeError(f"etcd has no leader after {seconds} s: {self.directory}/*.log")

    def endpoints(self):
        return ",".join(m["client"] for m in self.alive())

    def kill(self, member):
        """SIGKILL; the monotonic time just before it, in ns."""
        at = time.monotonic_ns()
        member["process"].send_signal(signal.SIGKILL)
        member["process"].wait()
        return at

    def stop(self):
        for member in self.alive():
            member["process"].terminate()
        for member in self.members:
            if member["process"]:
                try:
                    member["process"].wait(10)
                except subprocess.TimeoutExpired:
                    member["process"].kill()
                    member["process"].wait()
        shutil.rmtree(self.directory, ignore_errors=True)
