"""Runs `etl build` and the Python comparison and prints what they took; bench_etl.sh and memory_etl.sh
call it with all settings.

CPU time is user and system time of the whole process from start to end, as the kernel accounts it to
its parent (wait4), divided by the number of crystals; of the Python tools it is what etl_peers.py
reports, which leaves their start and imports out. Medians over the runs; a run with one thread, and
the Python tools, stay on one core. Peak memory is the kernel's too; no figure is below that of this
script, about 20 MiB.
"""

import argparse
import json
import os
import pathlib
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

MIB = 1024.0
# The comparison whose CPU time the ratios refer to: the faster of the pipelines with this name.
BEST_OF_PYTHON = "best of Python"
# More structures than any folder has.
ALL = "1000000"


def pinned(command, core):
    """The command, kept on one core where the system can."""
    taskset = shutil.which("taskset")
    return [taskset, "-c", str(core), *command] if taskset and core is not None else command


def run(command, core=None, environment=None):
    """Wall and CPU seconds and peak MiB of a command; ends the program when it fails."""
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    start = time.perf_counter()
    process = subprocess.Popen(pinned(command, core), env=environment, **pipes)
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        reason = error.decode(errors="replace")
        sys.exit(f"{shlex.join(command)} ended with {process.returncode}:\n{reason}")
    return {"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime, "peak_mib": usage.ru_maxrss / MIB}


def build(arguments, source, threads, core=None):
    """One `etl build` of a new store, which is removed again.

    Its manifest says how many crystals were read and kept: a program that did nothing is quick.
    """
    out, sidecar = arguments.work / "store", arguments.work / "store.store"
    for folder in (out, sidecar):
        shutil.rmtree(folder, ignore_errors=True)
    values = {"input": source, "out": out, "threads": threads}
    command = [str(arguments.etl), *(part.format(**values) for part in shlex.split(arguments.arguments))]
    try:
        used = run(command, core)
        counts = json.loads((sidecar / "manifest.json").read_text())["counts"]
        return used | {"read": counts["read"], "kept": counts["kept"]}
    except (OSError, KeyError) as error:
        sys.exit(f"{shlex.join(command)} left no store: {error!r}")
    finally:
        for folder in (out, sidecar):
            shutil.rmtree(folder, ignore_errors=True)


def median(runs, key):
    return statistics.median(one[key] for one in runs)


def machine():
    """What the figures depend on besides the code."""
    model = platform.processor() or platform.machine()
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    return {"processor": model, "cores": os.cpu_count(), "load_average": os.getloadavg()[0]}


def warn_when_busy(host):
    if host["load_average"] > 0.5 * host["cores"]:
        load = f"load {host['load_average']:.1f}"
        print(f"the machine is busy ({load}): CPU times suffer a little, wall times much")


def table(header, rows):
    rows = [header, *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    for name, *figures in rows:
        cells = [name.ljust(widths[0]), *map(str.rjust, figures, widths[1:])]
        print("  ".join(cells).rstrip())


def peers(arguments, core):
    """The results of the Python tools, each {bench, cpu_us, us, peak_mib, n, ...}."""
    out = arguments.work / "peers.json"
    command = [arguments.peers_python, arguments.peers, arguments.folder, ALL]
    command += ["--max-sites", arguments.max_sites, "--repeats", arguments.runs, "--procs", "1"]
    command += ["--only", "4 e2e", "--json", out]
    # They leave what they write in the folder for temporary files.
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        run([str(part) for part in command], core, {**os.environ, "TMPDIR": folder})
    return json.loads(out.read_text())


def compare(arguments):
    with tarfile.open(arguments.input) as archive:
        crystals = len(archive.getmembers())
    host = machine()
    core = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    print(f"{crystals} crystals of at most {arguments.max_sites} atoms, medians of {arguments.runs} runs")
    print(f"{host['processor']}, {host['cores']} cores")
    warn_when_busy(host)

    first = build(arguments, arguments.input, 1, core)
    if first["read"] != crystals:
        sys.exit(f"etl read {first['read']} of {crystals} crystals")
    print(f"{first['kept']} of them kept by etl")
    one, two, loose = [], [], []
    for _ in range(arguments.runs):
        one.append(build(arguments, arguments.input, 1, core))
        loose.append(build(arguments, arguments.folder, 1, core))
        two.append(build(arguments, arguments.input, 2))
    if loose[0]["read"] != crystals:
        sys.exit(f"etl read {loose[0]['read']} of {crystals} crystals from the folder")
    python = peers(arguments, core)
    # Once more after the others, so that a machine that slows down or speeds up does so for both.
    for _ in range(arguments.runs):
        one.append(build(arguments, arguments.input, 1, core))
        loose.append(build(arguments, arguments.folder, 1, core))

    found = python["results"]
    candidates = [one for one in found if BEST_OF_PYTHON in one["bench"]]
    best = min(candidates, key=lambda one: one["cpu_us"], default=None)
    if best is None:
        sys.exit("etl_peers.py gave no result: are the packages of requirements.txt installed?")
    ours = 1e6 * median(one, "cpu_s") / crystals
    rows = [("etl build, 1 thread", ours, median(one, "wall_s"), median(one, "peak_mib"))]
    cpu_loose = 1e6 * median(loose, "cpu_s") / crystals
    rows += [("the same from a folder", cpu_loose, median(loose, "wall_s"), median(loose, "peak_mib"))]
    cpu_two = 1e6 * median(two, "cpu_s") / crystals
    rows += [("etl build, 2 threads", cpu_two, median(two, "wall_s"), median(two, "peak_mib"))]
    for tool in found:
        rows.append((tool["bench"].split("/", 1)[1].strip(), tool["cpu_us"], None, tool["peak_mib"]))

    header = ("", "CPU us/crystal", "x best Python", "wall s", "peak MiB")
    cells = []
    for name, cpu_us, wall, peak in rows:
        seconds = f"{wall:.3f}" if wall is not None else "-"
        cells.append((name, f"{cpu_us:.1f}", f"{best['cpu_us'] / cpu_us:.1f}x", seconds, f"{peak:.0f}"))
    print()
    table(header, cells)
    speedup = median(one, "wall_s") / median(two, "wall_s")
    ratio = best["cpu_us"] / ours
    ratio_loose = best["cpu_us"] / cpu_loose
    print(f"\n{ratio:.1f} times the best of Python on one core from a tar archive, {ratio_loose:.1f} times")
    print(f"from a folder; two threads {speedup:.2f} times one")
    result = {"machine": host, "crystals": crystals, "cpu_us": ours, "ratio": ratio}
    result |= {"folder_cpu_us": cpu_loose, "folder_ratio": ratio_loose, "folder": loose}
    result |= {"two_thread_speedup": speedup, "one_thread": one, "two_threads": two, "python": python}
    arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    print(f"all figures: {arguments.json}")


def memory(arguments):
    rows, results = [], []
    warn_when_busy(machine())
    for source in arguments.input:
        used = build(arguments, source, arguments.threads)
        results.append({"input": source.name, **used})
        figures = (f"{used['wall_s']:.1f}", f"{used['cpu_s']:.1f}", f"{used['peak_mib']:.0f}")
        rows.append((source.name, str(used["read"]), *figures))
    table((f"etl build, {arguments.threads} threads", "read", "wall s", "CPU s", "peak MiB"), rows)
    arguments.json.write_text(json.dumps(results, indent=1) + "\n")


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    commands = parser.add_subparsers(required=True)
    for command in (compare, memory):
        sub = commands.add_parser(command.__name__)
        sub.set_defaults(run=command)
        sub.add_argument("--etl", type=pathlib.Path, required=True)
        sub.add_argument("--arguments", required=True)
        sub.add_argument("--work", type=pathlib.Path, required=True)
        sub.add_argument("--json", type=pathlib.Path, required=True)
        if command is compare:
            sub.add_argument("--input", type=pathlib.Path, required=True)
            sub.add_argument("--runs", type=int, required=True)
            sub.add_argument("--peers", type=pathlib.Path, required=True)
            sub.add_argument("--peers-python", required=True)
            sub.add_argument("--folder", type=pathlib.Path, required=True)
            sub.add_argument("--max-sites", type=int, required=True)
        else:
            sub.add_argument("--input", type=pathlib.Path, required=True, action="append")
            sub.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
