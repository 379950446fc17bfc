"""What the tests share: the embedded sample, its store, a small fine-tuned model, and the programs."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample"

SMALL = {
    "model.mmpt.hidden": 8,
    "model.mmpt.structure_width": 8,
    "model.mmpt.interaction_blocks": 1,
    "model.mmpt.interaction_width": 8,
    "model.mmpt.output_width": 8,
    "model.mmpt.output_layers": 1,
}
"""Settings of a model that trains in a second."""


@pytest.fixture(scope="session")
def run():
    """Runs a program of this installation and returns its standard output."""
    from crystal_mmpt.__main__ import program

    def run_program(name: str, *arguments: object, status: int = 0) -> str:
        command = [program(name), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return done.stdout

    return run_program


@pytest.fixture(scope="session")
def cifs() -> list[Path]:
    """Some CIFs of the sample, in order."""
    return sorted(SAMPLE.glob("*.cif"))[:40]


@pytest.fixture(scope="session")
def gaps() -> dict[str, float]:
    """Band gaps in eV by identifier."""
    with (SAMPLE / "labels.csv").open() as file:
        rows = csv.DictReader(file)
        return {
            row["material_id"]: float(row["band_gap_ev"])
            for row in rows
            if row["band_gap_ev"] and "#" not in row["material_id"]
        }


@pytest.fixture(scope="session")
def store(run, tmp_path_factory) -> Path:
    """The store that the program builds of the sample."""
    folder = tmp_path_factory.mktemp("stores") / "textbook"
    run("etl", "build", "cif", "--input", SAMPLE, "--name", "textbook", "--out", folder)
    return folder


@pytest.fixture(scope="session")
def tuned(store, tmp_path_factory):
    """A small model of band gaps, fine-tuned in the process."""
    from crystal_mmpt import finetune

    out = tmp_path_factory.mktemp("runs") / "gaps"
    return finetune(store, "band_gap_ev", out=out, epochs=1, fold=[0], settings=SMALL)
