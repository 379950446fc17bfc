"""Times training steps of a system in PyTorch, by the reference in ../shared, and prints JSON.

    systems_reference.py REFERENCE CRYSTALS.pkl --from-csv CRYSTALS.csv
    systems_reference.py REFERENCE CRYSTALS.pkl SYSTEM --batch N --steps N --threads N --ties cut|shell

REFERENCE is the folder with baselines_ref. The first form reads the CIFs of a table (column `cif`) and
keeps their Niggli cells, for which alone pymatgen is needed. The second takes the first N of them.

A step is the forward pass in training mode with its loss, the backward pass and the optimiser's step,
as `trainer bench` counts it. The batch is made before, and so are the two views of Crystal Twins. The loss
of a property's model is the mean absolute prediction, as it is there.
"""

import argparse
import csv
import json
import os
import pathlib
import pickle
import statistics
import sys
import time
import warnings

from systems import SYSTEMS

# Steps before the timed ones, as many as the trainer's.
WARMUP = 2
# Of initial weights and of the views of Crystal Twins.
SEED = 123
# The trainer's default.
LEARNING_RATE = 1e-5
MOMENTUM = 0.9


def read_crystals(table, out):
    from mmpt_ref.data import crystal_from_cif

    csv.field_size_limit(sys.maxsize)
    with table.open(newline="") as file:
        crystals = [crystal_from_cif(row["cif"], mid=row["material_id"]) for row in csv.DictReader(file)]
    out.write_bytes(pickle.dumps(crystals))


def optimiser(system, model):
    import torch

    common = {"lr": LEARNING_RATE, "weight_decay": system.weight_decay}
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    if system.optimiser == "sgd":
        return torch.optim.SGD(model.parameters(), momentum=MOMENTUM, **common)
    return kinds[system.optimiser](model.parameters(), **common)


def twin_views(crystals, ties):
    """The batches of two views of each crystal."""
    import baselines_ref as reference
    import numpy as np
    import torch

    generator = np.random.default_rng(SEED)
    for _ in range(2):
        views = [reference.draw_view(crystal, generator, ties=ties) for crystal in crystals]
        graphs, atoms, edges, _ = zip(*views)
        masks = (torch.from_numpy(np.concatenate(mask)) for mask in (atoms, edges))
        yield reference.apply_view(reference.Batch(graphs), *masks)


def objective(name, crystals, ties):
    """The model of a system, a function of its loss, and the batch."""
    import baselines_ref as reference

    make, kind, form = reference.CONFIGS[SYSTEMS[name].reference]
    model = make().train()
    batch = reference.Batch([reference.build(crystal, kind, ties, form) for crystal in crystals])
    if name == "crystal-twins":
        views = list(twin_views(crystals, ties))
        return model, lambda: reference.barlow(*map(model, views))[0], batch
    if name == "infograph":
        return model, lambda: model(batch)[0], batch
    return model, lambda: model(batch).abs().mean(), batch


def step_times(model, loss, optimiser, steps):
    """Wall and CPU seconds of each timed step."""
    wall, cpu = [], []
    for _ in range(WARMUP + steps):
        start, cpu_start = time.perf_counter(), time.process_time()
        value = loss()
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - cpu_start)
    return wall[WARMUP:], cpu[WARMUP:]


def figures(times):
    return {"min": min(times), "median": statistics.median(times), "max": max(times)}


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("reference", type=pathlib.Path)
    parser.add_argument("crystals", type=pathlib.Path)
    parser.add_argument("system", choices=SYSTEMS, nargs="?")
    parser.add_argument("--from-csv", type=pathlib.Path)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--ties", choices=("cut", "shell"), default="cut")
    arguments = parser.parse_args()
    if (arguments.from_csv is None) == (arguments.system is None):
        parser.error("either a system or --from-csv is needed")

    # Before PyTorch is loaded, which reads it then.
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(arguments.reference))
    import baselines_ref  # noqa: F401  # puts mmpt_ref on the path
    import torch

    if arguments.from_csv is not None:
        read_crystals(arguments.from_csv, arguments.crystals)
        return
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    crystals = pickle.loads(arguments.crystals.read_bytes())[: arguments.batch]
    model, loss, batch = objective(arguments.system, crystals, arguments.ties)
    steps = optimiser(SYSTEMS[arguments.system], model)
    wall, cpu = step_times(model, loss, steps, arguments.steps)
    result = {
        "torch": torch.__version__,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "size": {"crystals": batch.num_graphs, "atoms": batch.num_atoms, "edges": batch.num_edges},
        "seconds": {"step": figures(wall), "cpu_seconds_step": figures(cpu)},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
