"""Prints the table of gpu.sh from what it has written to a folder."""

import json
import pathlib
import sys

# Part of the steps at the beginning of a run that are not counted: warming up.
WARM_UP = 1 / 3


def mean(numbers):
    numbers = list(numbers)
    return sum(numbers) / len(numbers) if numbers else float("nan")


def bench(path):
    """The lines of a report of `trainer bench --json`."""
    report = json.loads(path.read_text())
    size, seconds = report["size"], report["seconds"]
    parts = ", ".join(
        f"{name} {1e3 * seconds[name]['median']:.1f}"
        for name in ("preparation", "forward", "backward", "norm", "optimizer", "read")
    )
    yield (
        f"step of {size['crystals']} crystals, {size['atoms']} atoms, {size['triplets']} triplets",
        f"{1e3 * seconds['step']['median']:.1f} ms; the host's {parts}",
    )


def pretraining(folder):
    """The lines of the run of pre-training."""
    lines = (folder / "run" / "metrics.jsonl").read_text().splitlines()
    steps = [record for record in map(json.loads, lines) if record["kind"] == "step"]
    steps = steps[int(WARM_UP * len(steps)) :]
    seconds = sum(step["seconds"] for step in steps)
    if not steps:
        yield "pre-training", "no steps: see pretrain.txt"
        return
    yield "pre-training", f"{sum(step['crystals'] for step in steps) / seconds:.0f} crystals/s"
    yield "  a step", f"{1e3 * seconds / len(steps):.1f} ms"
    for part in steps[0]["host_seconds"]:
        yield f"  {part}", f"{1e3 * mean(step['host_seconds'][part] for step in steps):.2f} ms"
    yield "  uploaded", f"{mean(step['uploaded_bytes'] for step in steps) / 1e6:.2f} MB"
    busy = [int(line) for line in (folder / "busy.txt").read_text().split() if line.isdigit()]
    if busy:
        yield "  GPU busy", f"{mean(busy[int(WARM_UP * len(busy)) :]):.0f} %"


def main():
    folder = pathlib.Path(sys.argv[1])
    seconds = float(sys.argv[3]) - float(sys.argv[2])
    rows = [line.split("\t", 1) for line in (folder / "table").read_text().splitlines()]
    for name in ("first.json", "drawn.json"):
        rows += bench(folder / name)
    reference = folder / "reference.json"
    if reference.exists() and reference.stat().st_size:
        step = json.loads(reference.read_text())["seconds"]["step"]
        rows.append(("PyTorch's step, the first of these", f"{1e3 * step['median']:.1f} ms"))
    rows += pretraining(folder)
    crystals = json.loads((folder / "store.store" / "manifest.json").read_text())["counts"]["kept"]
    rows.append(("embeddings", f"{crystals / seconds:.0f} crystals/s, with reading and writing"))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:{width}}  {value}")


main()
