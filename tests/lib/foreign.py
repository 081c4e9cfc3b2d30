"""tests/lib/foreign.py: what others' tools say of our logs and notes: openssl and coreutils by the
scripts of tests/foreign, and Go's golang.org/x/mod/sumdb (Debian's, ops/dev/setup --test)."""

import os
import pathlib
import shutil
import subprocess
import unittest

HERE = pathlib.Path(__file__).resolve().parents[1] / "foreign"
GOPATH = pathlib.Path("/usr/share/gocode")  # Debian's golang-*-dev packages
TIMEOUT_S = 300  # Ends what hangs.


def run(*command, **options):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False, **options)


class Shell:
    """verify-audit and verify-note: openssl and coreutils."""

    def verify(self, directory, threshold):
        proofs = [] if (directory / "request").exists() else sorted(directory.glob("proof-*"))
        return run(HERE / "verify-audit", directory / "log", directory / "keys", threshold, *proofs)

    def note(self, note, keys, threshold):
        return run(HERE / "verify-note", note, keys, threshold)


class Go:
    """verify.go, built without a network in the directory `work`, or the test is skipped."""

    def __init__(self, work):
        self.program = pathlib.Path(work) / "verify_go"
        if not self.program.exists():
            self.build()

    def build(self):
        if shutil.which("go") is None:
            raise unittest.SkipTest("no Go here (golang-go; ops/dev/setup --test)")
        if not (GOPATH / "src/golang.org/x/mod/sumdb").is_dir():
            raise unittest.SkipTest("no golang-golang-x-mod-dev here (ops/dev/setup --test)")
        done = run("go", "build", "-o", self.program, HERE / "verify.go", env={
            **os.environ, "GO111MODULE": "off", "GOFLAGS": "", "GOPATH": str(GOPATH),
            "GOPROXY": "off", "GOCACHE": str(self.program.parent / "go-cache")})
        if done.returncode != 0:
            raise AssertionError(f"go build: {done.stderr}")

    def verify(self, directory, threshold):
        return run(self.program, directory, threshold)

    def note(self, note, keys, threshold):
        return run(self.program, note, keys, threshold)
