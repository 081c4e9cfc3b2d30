"""tests/jepsen/test_clean.py: the harness is killed at random moments and leaves nothing behind.

    /usr/bin/python3 tests/jepsen/test_clean.py --bin build/bin --kills 50

`jepsen break` makes a plant and plays faults on it. At a moment drawn from the seed one of its
three processes (the shell outside, the init, the run inside) or all of them get SIGKILL. Soon
after, no process of it, no namespace, no mount, no loop device, no network device and no control
group may be left (JEP-41)."""

import argparse
import ctypes
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

NAMESPACES = ("mnt", "net", "pid", "ipc", "uts", "user")
GONE_S = 10  # unmounting five file systems on a busy machine
FAULTS = ("partition-leader", "kill-majority", "power-all", "disk-full", "disk-readonly",
          "member-grow", "link-mix", "damage-old", "crash-loop-minority", "resource-cpu",
          "resource-files")


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def children(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def processes():
    return [int(p.name) for p in pathlib.Path("/proc").iterdir() if p.name.isdigit()]


def marked(mark):
    """Processes that inherited the mark in their environment."""
    found = []
    for pid in processes():
        try:
            environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if mark.encode() in environment and state != "Z":
            found.append(pid)
    return found


def namespaces_of(pid):
    found = set()
    for kind in NAMESPACES:
        try:
            found.add(os.readlink(f"/proc/{pid}/ns/{kind}"))
        except OSError:
            pass
    return found


def held(namespaces, witnesses):
    """Those of them that a process lives in, holds open, or has mounted: then they still exist.
    Of the processes that were there at the kill: the kernel gives numbers of namespaces again, and
    others on this machine make some too."""
    found = []
    for pid in witnesses:
        found += [f"{name} by {pid}" for name in namespaces_of(pid) & namespaces]
        try:
            fds = list(pathlib.Path(f"/proc/{pid}/fd").iterdir())
            text = pathlib.Path(f"/proc/{pid}/mountinfo").read_text()
        except OSError:
            continue
        for fd in fds:
            try:
                target = os.readlink(fd)
            except OSError:
                continue
            if target in namespaces:
                found.append(f"{target} open by {pid}")
        found += [f"{name} mounted by {pid}" for name in namespaces if f" {name} " in text]
    return found


def loops(directory):
    """Their memory has the directory in its name, which stays when nothing there is left."""
    found = []
    for path in pathlib.Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            if str(directory) in path.read_text():
                found.append(path.parts[3])
        except OSError:
            pass
    return found


def mounts(directory):
    found = []
    for pid in processes():
        try:
            text = pathlib.Path(f"/proc/{pid}/mountinfo").read_text()
        except OSError:
            continue
        found += [line for line in text.splitlines() if str(directory) in line]
    return found


def groups():
    """Control groups of any harness, by name: these have no process or namespace to end with."""
    return {str(path) for path in pathlib.Path("/sys/fs/cgroup").glob("cpu*/weft-jepsen-*")}


def devices():
    text = pathlib.Path("/proc/net/dev").read_text()
    return set(re.findall(r"^\s*([^\s:]+):", text, re.M))


class Left(Exception):
    pass


def check_gone(mark, directory, namespaces, witnesses, devices_before, our_groups):
    """Waits for it: the kernel ends processes and unmounts after the kill, not within it."""
    end = time.monotonic() + GONE_S
    while True:
        left = {"processes": marked(mark), "loop devices": loops(directory),
                "mounts": mounts(directory), "network devices": devices() - devices_before,
                "namespaces": held(namespaces, witnesses),
                "control groups": our_groups & groups()}
        if not any(left.values()):
            return
        if time.monotonic() > end:
            raise Left({what: value for what, value in left.items() if value})
        time.sleep(0.05)


def victims(shell, which):
    inits = children(shell)
    runs = children(inits[0]) if inits else []
    return {"shell": [shell], "init": inits[:1], "run": runs[:1],
            "all": [shell, *inits, *runs]}[which]


def kill_once(options, chance, number, work):
    mark = f"JEPSEN_CLEAN={os.getpid()}-{number}"
    name, value = mark.split("=")
    directory = work / str(number)
    devices_before = devices()
    with open(work / f"{number}.log", "wb") as log:
        shell = subprocess.Popen(
            [str(options.bin / "jepsen"), "break", "--out", str(directory), "--seed", str(number),
             "--hold-ms", "300", "--rounds", "9", "--nemesis",
             ",".join(chance.sample(FAULTS, len(FAULTS)))],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, name: value},
            preexec_fn=die_with_parent)
    delay = chance.uniform(0, options.seconds)
    which = chance.choice(("shell", "init", "run", "all"))
    time.sleep(delay)
    ours, loop_devices = marked(mark), loops(directory)
    namespaces = set().union(*(namespaces_of(pid) for pid in ours)) - namespaces_of(os.getpid())
    witnesses = processes()
    our_groups = {path for path in groups() if f"weft-jepsen-{shell.pid}-" in path}
    is_removed = chance.random() < 0.3
    if is_removed:  # somebody cleans up before: what is mounted there goes on without a place
        shutil.rmtree(directory, ignore_errors=True)
    for pid in victims(shell.pid, which) or [shell.pid]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    shell.wait(GONE_S)
    if shell.returncode == 77:
        print("cannot run here:", (work / f"{number}.log").read_text().strip(), file=sys.stderr)
        sys.exit(77)
    check_gone(mark, directory, namespaces, witnesses, devices_before, our_groups)
    print(f"kill {number}: {which} after {delay:.2f} s{' without its directory' * is_removed}: "
          f"{len(ours)} processes in {len(namespaces)} namespaces with {len(loop_devices)} loop "
          f"devices and {len(our_groups)} control groups were there, none is left", flush=True)
    shutil.rmtree(directory, ignore_errors=True)
    return len(ours), len(loop_devices)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8, help="latest moment of a kill")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("WEFT_TEST_SEED", "1")))
    options = parser.parse_args()
    options.bin = options.bin.resolve()
    print(f"seed {options.seed} (WEFT_TEST_SEED)", file=sys.stderr)
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="jepsen-clean-", dir=options.work))
    chance = random.Random(options.seed)
    seen = [kill_once(options, chance, number, work) for number in range(options.kills)]
    if not any(processes > 5 and loop_devices > 0 for processes, loop_devices in seen):
        sys.exit("no kill hit a plant with its disks: nothing was shown")
    shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
