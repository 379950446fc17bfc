"""Runs one training step of each of several systems in the trainer and in the PyTorch reference, in turns
and on one thread, and prints what they took; bench_trainer.sh calls it with all settings.

Of a system whose property is trained it is a step of fine-tuning, of Crystal Twins and InfoGraph one of
their pre-training. What is read of both sides, and how runs are chosen that others disturbed, is said in
bench_trainer.py. PyTorch is on the CPU whatever the trainer's device.
"""

import argparse
import json
import pathlib

import measure
from bench_trainer import OURS, SIZES, THEIRS, require_same_batch, run, share_of, summary
from systems import SYSTEMS

HERE = pathlib.Path(__file__).parent
THREADS = 1
# The trainer counts no triplets where nothing depends on angles, and the edges decide on the others.
COMPARED = [name for name in SIZES if name != "triplets"]


def commands(arguments, device, name):
    """Both command lines for a system."""
    common = ["--batch", arguments.batch, "--steps", arguments.steps, "--threads", THREADS]
    system = SYSTEMS[name]
    ours = [arguments.trainer, "bench", "--shards", arguments.store[system.edges], *common]
    ours += ["--device", device, "--first-batch", "--json", *system.options()]
    theirs = [arguments.reference_python, HERE / "systems_reference.py", arguments.reference]
    theirs += [arguments.crystals, name, *common, "--ties", arguments.ties]
    return {OURS: ours, THEIRS: theirs}


def row(case, result):
    """The line of a system: both times, and ours as a share of theirs."""
    device, name = case
    sides = (result[OURS], result[THEIRS])
    figures = [f"{1e3 * side[time]:.1f}" for time in ("min_s", "median_s") for side in sides]
    shares = [share_of(*(side[time] for side in sides)) for time in ("min_s", "median_s")]
    edges, peaks = str(result["size"]["edges"]), [f"{side['peak_mib']:.0f}" for side in sides]
    quiet = [f"{side['quiet']}/{side['runs']}" for side in sides]
    step = "pre-training" if SYSTEMS[name].pretraining else "fine-tuning"
    label = f"{SYSTEMS[name].title}, {step}, {device}"
    return (label, edges, *figures[:2], shares[0], *figures[2:], shares[1], *peaks, *quiet)


def store(text):
    """EDGES=FOLDER as a pair."""
    edges, _, folder = text.partition("=")
    return edges, pathlib.Path(folder)


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    for name in ("--trainer", "--reference", "--crystals", "--json"):
        parser.add_argument(name, type=pathlib.Path, required=True)
    parser.add_argument("--store", type=store, nargs="+", required=True, metavar="EDGES=FOLDER")
    parser.add_argument("--reference-python", required=True)
    parser.add_argument("--ties", choices=("cut", "shell"), required=True)
    parser.add_argument("--devices", nargs="+", required=True)
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, required=True)
    for name in ("--batch", "--steps", "--rounds"):
        parser.add_argument(name, type=int, required=True)
    arguments = parser.parse_args()
    arguments.store = dict(arguments.store)

    host = measure.machine()
    print(f"{host['processor']}, one thread; {arguments.rounds} rounds of {arguments.steps} steps")
    measure.warn_when_busy(host)
    cases = [(device, name) for device in arguments.devices for name in arguments.systems]
    runs = {case: {OURS: [], THEIRS: []} for case in cases}
    for _ in range(arguments.rounds):
        for case in cases:
            for side, command in commands(arguments, *case).items():
                runs[case][side].append(run(command, THREADS, COMPARED))
            # After the first round already, for it takes minutes.
            require_same_batch(runs[case])

    results = {
        case: {name: summary(side, THREADS) for name, side in sides.items()}
        | {"size": sides[OURS][0]["size"]}
        for case, sides in runs.items()
    }
    size = results[cases[0]]["size"]
    print(f"batch: {size['crystals']} crystals, {size['atoms']} atoms")
    header = ("one training step", "edges", "min ms", THEIRS, "x PyTorch", "median ms", THEIRS, "x PyTorch")
    header += ("peak MiB", THEIRS, "quiet", THEIRS)
    print()
    measure.table(header, [row(case, result) for case, result in results.items()])
    for (_, name), sides in runs.items():
        ours, theirs = (sides[side][0]["parameters"] for side in (OURS, THEIRS))
        if ours != theirs:
            print(f"{SYSTEMS[name].title}: {OURS} trains {ours} parameters, {THEIRS} {theirs}")
    cells = [
        {"device": case[0], "system": case[1], "summary": results[case], "runs": runs[case]}
        for case in cases
    ]
    arguments.json.write_text(json.dumps({"machine": host, "cases": cells}, indent=1) + "\n")
    print(f"all figures: {arguments.json}")


if __name__ == "__main__":
    main()
