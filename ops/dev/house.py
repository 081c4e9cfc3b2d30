"""ops/dev/house.py: what the checks share: the project's files, findings, granted exceptions."""

import os
import pathlib
import subprocess
import sys

CODE = {".c", ".h", ".cpp"}


class House:
    """A source tree (not the machine's: the files git knows or would add) and what is wrong."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.findings = []
        self.files = self._list()
        self.exceptions = self._read_exceptions()
        self.used = set()

    def _list(self):
        if (self.root / ".git").exists():
            out = subprocess.run(
                ["git", "-C", str(self.root), "ls-files", "-z", "--cached", "--others",
                 "--exclude-standard"], check=True, capture_output=True).stdout
            names = {name for name in out.decode().split("\0") if name}
        else:
            names = set()
            for base, dirs, files in os.walk(self.root):
                at = os.path.relpath(base, self.root)
                dirs[:] = [d for d in dirs if d not in (".git", "__pycache__")
                           and not (at == "." and d.startswith("build"))]
                names.update(os.path.normpath(os.path.join(at, name)) for name in files)
        return sorted(n for n in names if (self.root / n).is_file())

    def _read_exceptions(self):
        """Lines `PATH RULE REASON`: RULE may be `function:NAME`."""
        path = self.root / "ops/dev/exceptions"
        granted = {}
        if path.is_file():
            for number, line in enumerate(path.read_text().splitlines(), 1):
                words = line.split(None, 2)
                if not words or words[0].startswith("#"):
                    continue
                if len(words) < 3:
                    self.add("ops/dev/exceptions", number, "an exception needs a reason")
                else:
                    granted[(words[0], words[1])] = number
        return granted

    def is_granted(self, path, rule):
        self.used.add((path, rule))
        return (path, rule) in self.exceptions

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    def add(self, path, line, what):
        self.findings.append((path, line, what))

    def end(self, name):
        """Prints what was found, as compilers do, and gives the exit code."""
        for path, line, what in sorted(self.findings):
            print(f"{path}:{line}: {what}", file=sys.stderr)
        if self.findings:
            print(f"{name}: {len(self.findings)} finding(s)", file=sys.stderr)
            return 1
        return 0
