"""Runs the trainer's and the PyTorch reference's training step in turns and prints what they took;
bench_trainer.sh calls it with all settings.

Every round runs `trainer bench` and bench_ref.py once for each device, batch and number of threads, so
that a machine that slows down does so for both. Of `trainer bench --json` these are read:

    seconds.step.min, .median      of one step: forward, backward and optimiser, the batch at hand
    seconds.cpu_seconds_step.min   CPU time of a step, all threads together (left out if missing)
    size                           crystals, atoms, edges and triplets of the batch
    data_path.crystals_per_s       what one thread of the data path delivers (left out if missing)

Times are the least of all rounds and the median of the rounds' medians. Whoever else works on the
machine is measured too: `others` is the number of cores that other programs kept busy meanwhile, and a
run that they may have slowed down is left out of the figures as long as there are runs that they did
not. Peak memory is the kernel's, of the whole program.
"""

import argparse
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

import measure

# Cores that others may keep busy beside the threads of a run before its times count as disturbed.
TOLERATED_CORES = 0.15
# What both sides must agree on for a comparison, and how closely: cells of equal lengths and angles have
# more than one reduction, from which a rule that cuts ties picks other neighbours.
SIZES = {"crystals": 0.0, "atoms": 0.0, "edges": 0.01, "triplets": 0.01}
OURS, THEIRS = "trainer", "PyTorch"


def busy_seconds():
    """Core-seconds that the whole machine has worked since its start; None where it does not say."""
    try:
        ticks = [int(word) for word in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    except (OSError, ValueError, IndexError):
        return None
    idle = ticks[3] + ticks[4]
    return (sum(ticks) - idle) / os.sysconf("SC_CLK_TCK")


def run(command, threads, sizes=tuple(SIZES)):
    """The JSON that a command prints, and what it and the others used; ends the program when it fails.

    `sizes` are the names of the batch's sizes that the command prints.
    """
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), str(threads))
    words = [str(word) for word in command]
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        before, start = busy_seconds(), time.perf_counter()
        pipes = {"stdout": subprocess.PIPE, "stderr": errors}
        process = subprocess.Popen(words, env={**os.environ, **limits}, **pipes)
        with process.stdout as stdout:
            output = stdout.read().decode(errors="replace")
        _, status, usage = os.wait4(process.pid, 0)
        wall, after = time.perf_counter() - start, busy_seconds()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            sys.exit(f"{shlex.join(words)} ended with {process.returncode}:\n{errors.read()}")
    try:
        result = json.loads(output)
        step = result["seconds"]["step"]
        size = {name: result["size"][name] for name in sizes}
        step = {"min": float(step["min"]), "median": float(step["median"])}
    except (ValueError, KeyError, TypeError) as reason:
        sys.exit(f"{shlex.join(words)} printed no result ({reason!r}):\n{output[:2000]}")
    others = None
    if before is not None:
        others = max(0.0, (after - before - usage.ru_utime - usage.ru_stime) / wall)
    cpu = result["seconds"].get("cpu_seconds_step", {}).get("min")
    data = result.get("data_path", {}).get("crystals_per_s")
    peak = usage.ru_maxrss / measure.MIB
    use = {"peak_mib": peak, "others": others, "parameters": result.get("parameters")}
    return {"step": step, "cpu_s": cpu, "size": size, "data": data} | use


def require_same_batch(sides):
    """Ends the program unless the first runs of both sides had batches of the same size."""
    size, their_size = sides[OURS][0]["size"], sides[THEIRS][0]["size"]
    if any(abs(size[name] - their_size[name]) > SIZES[name] * their_size[name] for name in size):
        sys.exit(f"not the same batch, so no comparison: {OURS} {size}, {THEIRS} {their_size}")
    return size


def commands(arguments, device, batch, threads):
    """Both command lines for one case."""
    common = ["--batch", batch, "--steps", arguments.steps, "--threads", threads]
    ours = [arguments.trainer, "bench", "--shards", arguments.store, *common, "--device", device]
    ours += ["--first-batch", "--json"]
    theirs = [arguments.reference_python, arguments.reference, "--graphs", arguments.graphs, *common]
    theirs += ["--ties", arguments.ties, "--device", device if device.startswith("cuda") else "cpu"]
    return {OURS: ours, THEIRS: theirs}


def is_quiet(one, threads):
    """Whether the machine had a core for each thread of this run."""
    return one["others"] is None or one["others"] <= os.cpu_count() - threads + TOLERATED_CORES


def summary(runs, threads):
    """The figures of the runs of one side in one case."""
    quiet = [one for one in runs if is_quiet(one, threads)]
    counted = quiet or runs
    cpu = [one["cpu_s"] for one in counted if one["cpu_s"] is not None]
    others = [one["others"] for one in counted if one["others"] is not None]
    return {
        "min_s": min(one["step"]["min"] for one in counted),
        "median_s": statistics.median(one["step"]["median"] for one in counted),
        "cpu_s": min(cpu, default=None),
        "peak_mib": max(one["peak_mib"] for one in counted),
        "data": max((one["data"] for one in counted if one["data"] is not None), default=None),
        "others": max(others, default=None),
        "quiet": len(quiet),
        "runs": len(runs),
    }


def rows(case, sides):
    """The two lines of a case, ours with its share of their time."""
    device, batch, threads = case
    for name, side in sides.items():
        share = f"{side['min_s'] / sides[THEIRS]['min_s']:.2f}"
        cpu_share = share_of(side["cpu_s"], sides[THEIRS]["cpu_s"])
        crystals = f"{side['crystals'] / side['min_s']:.0f}"
        figures = (f"{1e3 * side['min_s']:.1f}", f"{1e3 * side['median_s']:.1f}", share)
        cpu = "-" if side["cpu_s"] is None else f"{1e3 * side['cpu_s']:.1f}"
        others = "-" if side["others"] is None else f"{side['others']:.2f}"
        quiet = f"{side['quiet']}/{side['runs']}"
        # PyTorch is on the CPU even where our device has a name of its own.
        where = device if name == OURS or device.startswith("cuda") else "cpu"
        label = f"{name}, {where}, batch {batch}, {threads} threads"
        yield (label, *figures, cpu, cpu_share, crystals, f"{side['peak_mib']:.0f}", others, quiet)


def share_of(ours, theirs):
    return "-" if ours is None or theirs is None else f"{ours / theirs:.2f}"


def speedups(results):
    """What two and more threads gain over one, for each side."""
    for (device, batch, threads), sides in results.items():
        single = results.get((device, batch, 1))
        if threads == 1 or single is None:
            continue
        gains = [f"{name} {single[name]['min_s'] / side['min_s']:.2f}" for name, side in sides.items()]
        yield f"{device}, batch {batch}: {threads} threads are times as fast as one: {', '.join(gains)}"


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    for name in ("--trainer", "--store", "--reference", "--graphs", "--json"):
        parser.add_argument(name, type=pathlib.Path, required=True)
    parser.add_argument("--reference-python", required=True)
    parser.add_argument("--ties", choices=("cut", "shell"), required=True)
    parser.add_argument("--devices", nargs="+", required=True)
    for name in ("--threads", "--batches"):
        parser.add_argument(name, type=int, nargs="+", required=True)
    for name in ("--steps", "--rounds"):
        parser.add_argument(name, type=int, required=True)
    arguments = parser.parse_args()

    host = measure.machine()
    print(f"{host['processor']}, {host['cores']} cores; {arguments.rounds} rounds of {arguments.steps} steps")
    measure.warn_when_busy(host)
    cases = [(d, b, t) for d in arguments.devices for b in arguments.batches for t in arguments.threads]
    runs = {case: {OURS: [], THEIRS: []} for case in cases}
    for _ in range(arguments.rounds):
        for case in cases:
            for name, command in commands(arguments, *case).items():
                runs[case][name].append(run(command, case[2]))

    results = {}
    for case, sides in runs.items():
        size = require_same_batch(sides)
        results[case] = {
            name: summary(side, case[2]) | {"crystals": size["crystals"]} for name, side in sides.items()
        }
    for batch in arguments.batches:
        size = runs[arguments.devices[0], batch, arguments.threads[0]][OURS][0]["size"]
        print(f"batch {batch}: " + ", ".join(f"{number} {name}" for name, number in size.items()))

    header = ("one training step", "min ms", "median ms", "x PyTorch", "CPU ms", "x PyTorch", "crystals/s")
    header += ("peak MiB", "others", "quiet")
    print()
    measure.table(header, [row for case, sides in results.items() for row in rows(case, sides)])
    print()
    for line in speedups(results):
        print(line)
    for (device, batch, threads), sides in results.items():
        rate, consumed = sides[OURS]["data"], sides[OURS]["crystals"] / sides[OURS]["min_s"]
        if rate is not None and threads == 1:
            print(f"data path, one thread: {rate:.0f} crystals/s, {rate / consumed:.1f} times what {device} consumes")
    disturbed = any(side["quiet"] < side["runs"] for sides in results.values() for side in sides.values())
    if disturbed:
        print("others kept cores busy in some runs; the CPU times suffer least from that")
    cells = [
        {"device": d, "batch": b, "threads": t, "summary": results[d, b, t], "runs": runs[d, b, t]}
        for d, b, t in cases
    ]
    arguments.json.write_text(json.dumps({"machine": host, "cases": cells}, indent=1) + "\n")
    print(f"all figures: {arguments.json}")


if __name__ == "__main__":
    main()
