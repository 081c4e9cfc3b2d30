"""tests/bench/postgres.py: a PostgreSQL of its own, on a Unix socket: the peer of `thread`.

The cluster lives in the bench's directory and dies with it; the system's own, if there is one, is
left alone. PostgreSQL refuses to run as root: then it runs as the user of its Debian package."""

import grp
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
USER = "postgres"
# What favours the peer: everything fits into its own cache, searches are sorted and hashed in
# memory, plans are made once, an index costs what it costs in memory, and nothing is compiled
# for a query (measured, see README).
SETTINGS = {
    "shared_buffers": "2GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "512MB",
    "effective_cache_size": "8GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
    "listen_addresses": "",
    "logging_collector": "off",
}


def binaries():
    """The newest version that Debian has installed, or None."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Postgres:
    def __init__(self, directory):
        self.bin = binaries()
        if self.bin is None:
            raise RuntimeError("PostgreSQL is not installed (Debian package postgresql)")
        self.directory = pathlib.Path(directory)
        self.socket = None  # A directory: the path of a socket is short.
        self.process = None
        self.as_user = {}
        if os.geteuid() == 0:
            self.as_user = {"user": pwd.getpwnam(USER).pw_uid, "group": grp.getgrnam(USER).gr_gid,
                            "extra_groups": []}

    def run(self, program, *arguments, **options):
        done = subprocess.run([str(self.bin / program), *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, cwd="/",
                              env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, **options)
        if done.returncode != 0:
            raise RuntimeError(f"{program}: exit {done.returncode}\n{done.stderr[-2000:]}")
        return done.stdout

    def start(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.socket = tempfile.mkdtemp(prefix="bench-postgres-")
        for directory in (self.directory, self.socket):
            if self.as_user:
                os.chown(directory, self.as_user["user"], self.as_user["group"])
        data = self.directory / "data"
        self.run("initdb", "-D", str(data), "-U", "bench", "-A", "trust", "-E", "UTF8",
                 "--locale=C", **self.as_user)
        with open(self.directory / "log", "wb") as log:
            self.process = subprocess.Popen(
                [str(self.bin / "postgres"), "-D", str(data), "-k", self.socket,
                 *(word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}"))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **self.as_user)
        for _ in range(300):
            if subprocess.run([str(self.bin / "pg_isready"), "-q", "-h", self.socket, "-t", "1"],
                              check=False).returncode == 0:
                return self
            try:
                self.process.wait(0.1)
                break
            except subprocess.TimeoutExpired:
                continue
        raise RuntimeError(f"PostgreSQL does not start: {self.directory}/log\n"
                           + (self.directory / "log").read_text(errors="replace")[-2000:])

    def connect(self):
        return f"host={self.socket} user=bench dbname=postgres"

    def sql(self, text):
        """Rows as lists of texts."""
        output = self.run("psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1",
                          "-d", self.connect(), "-c", text)
        return [line.split("\t") for line in output.splitlines()]

    def version(self):
        return self.sql("SHOW server_version")[0][0]

    def file(self, name):
        self.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.connect(), "-f",
                 str(HERE / name))

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # Fast: it does not wait for clients.
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait(60)
        if self.socket:
            shutil.rmtree(self.socket, ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)
