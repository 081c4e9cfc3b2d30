#!/usr/bin/python3
"""tests/bench/beside.py: commits while clients trace, against commits alone.

usage: tests/bench/beside.py [--bin DIR] [--dir DIR] [--seconds S] [--rounds N] [--ids N,N]
                             [--clients N] [--outstanding N]

Three nodes; lots that went into so many serials each; A B A B A: commits alone, commits while
clients trace one lot to the names of all of its serials, back to back. Prints what commits lose
and how long a trace takes alone and beside them. `measure` is for who has a site already."""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]
import large  # noqa: E402
import plant  # noqa: E402

LOSS_MAX = 0.20
SIZE_BYTES = 300
WARMUP = ("--warmup", "0.3")
TRACES_FIRST_S = 0.3  # before the writers; both are warm then


def lot(count):
    return f"lot:wide/{count}"


def prepare(site, counts):
    """For each count a lot that went into so many serials."""
    for count in counts:
        lines = "\n".join(
            json.dumps({"kind": "as_built", "asset": f"serial:wide/{count}/{n:06}",
                        "links": [{"rel": "uses_lot", "to": lot(count)}]}) for n in range(count))
        site.weft("put", "--batch", "500", "-", "-o", "json", text=lines, check=True)


def start_traces(site, asset, clients, seconds, extra=("--ids",), endpoints=None):
    """`clients` that trace the asset back to back for so long."""
    command = [str(site.bin / "weft"), "bench", "trace", "--clients", str(clients), "--seconds",
               str(seconds), *WARMUP, "-o", "json", "-q", *extra, asset,
               "--endpoint", endpoints or site.endpoints(), "--identity", str(site.identity)]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "HOME": str(site.directory)})


def measure(site, asset, clients=10, outstanding=64, seconds=2, rounds=10, extra=("--ids",)):
    """What commits lose while the asset is traced, A B A B A, and what the traces get.

    `losses` are the shares of the commits per second that are lost, each round against the mean of
    the rates before and after it, and `loss` is their median; `commits` and `commits_beside` are
    medians of rates. `trace_alone_us` is the median of a trace that nothing else is beside."""
    beside, traces = [], []
    single = [large.finish_bench(start_traces(site, asset, 1, max(1, seconds // 2), extra))
              for _ in range(2)]
    alone = [large.bench(site, "write", outstanding, seconds, SIZE_BYTES, WARMUP)]
    for _ in range(rounds):
        load = start_traces(site, asset, clients, seconds + 0.5, extra)
        time.sleep(TRACES_FIRST_S)
        beside.append(large.bench(site, "write", outstanding, seconds, SIZE_BYTES, WARMUP))
        traces.append(large.finish_bench(load))
        alone.append(large.bench(site, "write", outstanding, seconds, SIZE_BYTES, WARMUP))
    rates = [result["per_second"] for result in alone]
    losses = [1 - result["per_second"] / statistics.mean(rates[i:i + 2])
              for i, result in enumerate(beside)]

    def median(results, key):
        return statistics.median(result[key] for result in results)

    return {
        "commits": median(alone, "per_second"), "commits_beside": median(beside, "per_second"),
        "p50_us": median(alone, "p50_us"), "p50_beside_us": median(beside, "p50_us"),
        "p99_us": median(alone, "p99_us"), "p99_beside_us": median(beside, "p99_us"),
        "loss": statistics.median(losses), "losses": [round(loss, 3) for loss in losses],
        "traces_beside": median(traces, "per_second"),
        "trace_beside_us": median(traces, "p50_us"),
        "trace_beside_p99_us": median(traces, "p99_us"),
        "trace_alone_us": min(s["p50_us"] for s in single),
    }


HEAD = ("names", "commits /s alone", "beside", "lost (target)", "p99 ms alone", "beside",
        "traces /s beside", "trace p50 ms beside", "p99", "trace p50 ms alone")


def row(count, found, lost):
    return (f"{count:,}", f"{found['commits']:,.0f}", f"{found['commits_beside']:,.0f}", lost,
            f"{found['p99_us'] / 1e3:.1f}", f"{found['p99_beside_us'] / 1e3:.1f}",
            f"{found['traces_beside']:,.0f}", f"{found['trace_beside_us'] / 1e3:.1f}",
            f"{found['trace_beside_p99_us'] / 1e3:.1f}", f"{found['trace_alone_us'] / 1e3:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", type=pathlib.Path, default=HERE.parents[1] / "build/bin")
    parser.add_argument("--dir", type=pathlib.Path,
                        default=HERE.parents[1] / "build/bench/beside")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--ids", default="10000,100000")
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--outstanding", type=int, default=64)
    args = parser.parse_args()
    counts = [int(count) for count in args.ids.split(",")]
    shutil.rmtree(args.dir, ignore_errors=True)
    site = plant.Plant(args.dir.resolve(), args.bin.resolve())
    missed = False
    try:
        site.start()
        prepare(site, counts)
        print("| " + " | ".join(HEAD) + " |\n|" + " --- |" * len(HEAD))
        for count in counts:
            found = measure(site, lot(count), args.clients, args.outstanding, args.seconds,
                            args.rounds)
            is_missed = found["loss"] > LOSS_MAX
            missed = missed or is_missed
            lost = f"{found['loss']:.2f} (≤ {LOSS_MAX})" + (" **missed**" if is_missed else "")
            print("| " + " | ".join(row(count, found, lost)) + " |", found["losses"], flush=True)
    finally:
        site.stop()
        shutil.rmtree(args.dir, ignore_errors=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
