"""tests/cluster/test_partners_book.py: the runbook of partners, run as it stands: what is indented
at the supplier's, what stands between fences at the customer's."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import cluster  # noqa: E402
import sites  # noqa: E402
from plant import wait_for  # noqa: E402

BOOK = cluster.ROOT / "ops/runbooks/partners.md"
DRAFT = cluster.ROOT / "ops/samples/nist-box/agreement.draft"
HERE = "policy {site} 1\n\npermit everybody\n  who  any\n  do   any\n"


def segments():
    """("us" or "them", the commands that stand together) in the order of the book."""
    found, fence, is_new = [], None, False
    for line in BOOK.read_text(encoding="utf-8").splitlines():
        is_new = is_new or line.startswith("## ")
        if line.startswith("```"):
            fence = None if fence is not None else line[3:] or "them"
            continue
        who = "us" if fence is None and line.startswith("    ") else fence
        if who not in ("us", "them"):
            continue
        if not found or found[-1][0] != who or is_new:
            found.append((who, []))
        is_new = False
        found[-1][1].append(line.strip())
    return found


class Book(sites.SitesCase):
    @classmethod
    def begin(cls):
        cls.west = cls.site("us", "supplier.example", "west", "oem.example", policy=HERE)
        cls.oem = cls.site("them", "oem.example", "plant1", "supplier.example")
        cls.start()

    def prepare(self):
        """The files that the book speaks of, where it is run; a `weft` that says yes."""
        us, them = self.west.home, self.oem.home
        (us / "pki").symlink_to(us / "plant/pki")
        (us / "west").symlink_to(us / "org")
        # Of one node each: two keys that sign there are not.
        draft = DRAFT.read_text(encoding="utf-8")
        (us / "box.draft").write_text(re.sub(r"(\nprovider .*)", r"\1\n  threshold 1", draft))
        shutil.copy(them / "org/org.note", us / "oem.note")
        shutil.copy(self.oem.plant.authority.ca, us / "oem.crt")
        (us / "west.vkeys").write_text("".join(f"{key}\n" for key in self.west.keys))
        (us / "oem.vkeys").write_text("".join(f"{key}\n" for key in self.oem.keys))
        shutil.copy(them / "org/org.note", them / "org.note")
        shutil.copy(us / "org/org.note", them / "supplier.note")
        (them / "roots").symlink_to(them / "org/roots")
        tools = self.directory / "tools"
        tools.mkdir()
        weft = cluster.options.bin.resolve() / "weft"
        (tools / "weft").write_text(
            f"#!/bin/sh\ncase \"$1 $2\" in\n'partner propose' | 'partner sign' | 'partner amend')\n"
            f"    exec {weft} \"$@\" --yes ;;\n*) exec {weft} \"$@\" ;;\nesac\n")
        (tools / "weft").chmod(0o755)
        for name, site in (("us", self.west), ("them", self.oem)):
            self.run_at("us", [f"weft context add {name} --force --endpoint "
                               f"{site.plant.endpoints()} --identity {site.plant.identity}"])

    def run_at(self, who, commands):
        site = self.west if who == "us" else self.oem
        environment = {**os.environ, "HOME": str(self.directory), "WEFT_CONTEXT": who,
                       "PATH": f"{self.directory / 'tools'}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
                              cwd=site.home, env=environment, timeout=120,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        self.assertEqual(0, done.returncode, f"{commands}\n{done.stdout}{done.stderr}")
        return done

    def test_book_as_it_stands(self):
        book = segments()
        self.assertEqual(1, [who for who, _ in book].count("them"))
        self.prepare()
        said = ""
        for who, commands in book:
            if who == "them":
                shutil.copy(self.west.home / "box.offer", self.oem.home / "box.offer")
            said = self.run_at(who, commands).stdout
            if who == "us" and any("partner apply" in command for command in commands):
                wait_for("a head is signed", lambda: self.west.plant.weft(
                    "partner", "prove", "box-2026", "0").returncode == 0)
            if who == "them":
                shutil.copy(self.oem.home / "box.agreement", self.west.home / "box.agreement")
                # What the customer does besides, in the same words.
                self.oem.pin_partner(self.west)
                self.run_at("them", ["weft partner apply box.agreement"])
        self.assertIn("ended", said)


if __name__ == "__main__":
    cluster.main()
