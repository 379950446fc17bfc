"""Modules against the trainer: predictions and embeddings of weights that it has just made, on the same crystals.

The programs are those of the environment variables CRYSTAL_MMPT_TRAINER and CRYSTAL_MMPT_ETL, or of `target/release`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_golden import ROOT, assert_close

from crystal_mmpt.torch import PropertyModel, load

STORE = ROOT / "tests" / "trainer" / "store"
SAMPLE = ROOT / "data" / "sample"
CIFS = ["NaCl-rocksalt", "CsCl-CsCl", "Fe-bcc", "Cu-fcc", "Si-diamond", "TiO2-rutile", "MoS2-2H", "Li3N-hexagonal"]
LIMIT = 1e-5
"""Largest deviation from the program in single precision, relative to the largest magnitude."""
MEMBER = "fold-0/seed-123/best.safetensors"


@dataclass(frozen=True)
class Case:
    """A small model, and what it is trained on for an epoch or two."""

    settings: dict[str, Any]
    """Settings of the model."""
    of: tuple[str, ...] = ("--property", "band_gap_ev")
    """Options that say what it learns."""

    @property
    def options(self) -> list[str]:
        """Options of the fine-tuning."""
        return [*self.of, *(word for key, value in self.settings.items() for word in ("--set", f"model.{key}={value}"))]


MMPT_SMALL = {
    "mmpt.hidden": 16,
    "mmpt.structure_width": 16,
    "mmpt.interaction_blocks": 1,
    "mmpt.interaction_width": 16,
    "mmpt.output_width": 16,
    "mmpt.output_layers": 1,
}
CGCNN_SMALL = {"kind": "cgcnn", "cgcnn.atom_width": 8, "cgcnn.crystal_width": 8}
SCHNET_SMALL = {
    "kind": "schnet",
    "schnet.embedding_width": 8,
    "schnet.atom_width": 8,
    "schnet.filter_width": 8,
    "schnet.interactions": 2,
    "schnet.head_widths": "[8]",
}
MEGNET_SMALL = {
    "kind": "megnet",
    "megnet.embedding_width": 8,
    "megnet.inner_width": 8,
    "megnet.width": 8,
    "megnet.block_widths": "[8, 8]",
    "megnet.blocks": 2,
    "megnet.readout_width": 4,
}
ALIGNN_SMALL = {
    "kind": "alignn",
    "alignn.width": 8,
    "alignn.embedding_width": 8,
    "alignn.alignn_layers": 1,
    "alignn.gcn_layers": 1,
    "alignn.edge_gaussians": 8,
    "alignn.angle_gaussians": 4,
}
MATFORMER_SMALL = {
    "kind": "matformer",
    "matformer.width": 8,
    "matformer.heads": 2,
    "matformer.layers": 2,
    "matformer.gaussians": 16,
    "matformer.head_width": 8,
}
CASES = {
    "mmpt": Case(MMPT_SMALL),
    "mmpt simple": Case(MMPT_SMALL | {"mmpt.graph": "simple", "mmpt.attention_values": "projected"}),
    "mmpt without attention": Case(MMPT_SMALL | {"mmpt.attention": "false"}),
    "classes": Case(MMPT_SMALL, ("--property", "band_gap_ev", "--above", "0.1")),
    "several": Case(MMPT_SMALL, ("--property", "band_gap_ev,bulk_modulus_gpa")),
    "transformed": Case(MMPT_SMALL, ("--property", "bulk_modulus_gpa", "--transform", "sqrt")),
    "cgcnn": Case(CGCNN_SMALL),
    "cgcnn perceptron": Case(CGCNN_SMALL | {"cgcnn.output": "perceptron", "cgcnn.hidden_layers": 2}),
    "schnet": Case(SCHNET_SMALL | {"schnet.edges": "knn12"}),
    "schnet pyg": Case(SCHNET_SMALL | {"schnet.edges": "knn12", "schnet.style": "pyg"}),
    "megnet": Case(MEGNET_SMALL | {"megnet.edges": "knn12"}),
    "megnet lstm": Case(MEGNET_SMALL | {"megnet.edges": "knn12", "megnet.style": "lstm", "megnet.state_width": 2}),
    "alignn": Case(ALIGNN_SMALL),
    "alignn once": Case(ALIGNN_SMALL | {"alignn.self_edges": "once"}),
    "matformer": Case(MATFORMER_SMALL),
}


def program(name: str) -> Path:
    """The path of a program; the test is skipped without one."""
    named = os.environ.get(f"CRYSTAL_MMPT_{name.upper()}")
    path = Path(named) if named else ROOT / "target" / "release" / name
    if named is None and not path.exists():
        pytest.skip(f"{name} is not built, and CRYSTAL_MMPT_{name.upper()} is not set")
    return path


def run(name: str, *arguments: str | Path) -> None:
    """Runs a program, which must succeed."""
    command = [str(program(name)), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


def finetune(options: Sequence[str], store: Path, folder: Path) -> Path:
    """Fine-tunes a model for two epochs and returns its weights."""
    out = folder / "tuned"
    rest = ["--from-scratch", "--folds", "3", "--epochs", "2", "--batch", "8", "--threads", "1", "--quiet"]
    run("trainer", "finetune", "--shards", store, "--out", out, *rest, "--learning-rate", "3e-3", *options)
    return out / MEMBER


def read(path: Path) -> Any:
    """A table of the program."""
    return pytest.importorskip("pyarrow.parquet").read_table(path)


def crystals(model: PropertyModel, store: Path) -> list[Any]:
    """The batches of a store's shards, in their order."""
    return [model.batch(shard) for shard in sorted(store.glob("*.parquet"))]


def predicted(weights: Path, store: Path, folder: Path) -> Any:
    """What the program predicts of a store."""
    out = folder / "predictions.parquet"
    run("trainer", "predict", store, "--weights", weights, "--out", out, "--quiet", "--overwrite")
    return read(out)


def assert_embeddings(weights: Path, store: Path, folder: Path) -> None:
    """Compares the embeddings of a store with those of the program."""
    out = folder / "embeddings.parquet"
    run("trainer", "embed", "--weights", weights, "--shards", store, "--out", out, "--overwrite")
    table, model = read(out), load(weights)
    with torch.no_grad():
        found = [model.embed(batch)._asdict() for batch in crystals(model, store)]
    names = {name for name, value in found[0].items() if value is not None}
    assert names == set(table.column_names) - {"material_id"}
    for name in sorted(names):
        expected = torch.tensor(table.column(name).to_pylist())
        assert_close(torch.cat([embedding[name] for embedding in found]), expected, LIMIT, name)


@pytest.mark.parametrize("name", CASES)
def test_models_predict_and_embed_what_the_program_does(name: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    weights = finetune(CASES[name].options, STORE, tmp_path)
    table, model = predicted(weights, STORE, tmp_path), load(weights)
    target = model.target
    assert target is not None
    with torch.no_grad():
        found = torch.cat([model.predict(batch) for batch in crystals(model, STORE)])
    assert_close(found, columns(table, target.classes, target.outputs), LIMIT, "predictions")
    if not target.classes:
        units = dict(zip(table.column("property").to_pylist(), table.column("unit").to_pylist(), strict=True))
        assert units == {number.property: number.unit for number in target.numbers}
    assert_embeddings(weights, STORE, tmp_path)


def columns(table: Any, classes: Sequence[str], outputs: int) -> Tensor:
    """The numbers of a table of predictions, a row for each crystal."""
    if classes:
        probabilities = [name for name in table.column_names if name.startswith("probability_")]
        return torch.tensor([table.column(name).to_pylist() for name in probabilities], dtype=torch.float64).T
    numbers = torch.tensor(table.column("prediction").to_pylist(), dtype=torch.float64)
    return numbers.view(-1, outputs)


@pytest.mark.parametrize(
    "options",
    [
        [word for key, value in MMPT_SMALL.items() for word in ("--set", f"model.{key}={value}")],
        ["--set", "pretrain.method=crystal-twins", "--set", "model.kind=cgcnn", "--set", "model.cgcnn.atom_width=8"],
        ["--set", "pretrain.method=infograph", "--set", "model.kind=cgcnn", "--set", "model.cgcnn.atom_width=8"],
    ],
    ids=["mmpt", "crystal-twins", "infograph"],
)
def test_pre_trained_encoders_embed_what_the_program_does(options: list[str], tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    out = tmp_path / "pretrained"
    rest = ["--epochs", "1", "--batch", "8", "--threads", "1", "--quiet"]
    run("trainer", "pretrain", "--shards", STORE, "--out", out, *rest, *options)
    assert_embeddings(out / "best.safetensors", STORE, tmp_path)


def test_numbers_of_sites_and_all_neighbours_within_a_radius(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    cifs, store, labels = tmp_path / "cifs", tmp_path / "store", tmp_path / "charges.csv"
    cifs.mkdir()
    for name in CIFS:
        (cifs / f"{name}.cif").write_bytes((SAMPLE / f"{name}.cif").read_bytes())
    edges = ["--neighbours", "all", "--cutoff", "5"]
    plain = tmp_path / "plain"
    run("etl", "build", "cif", "--quiet", "--input", cifs, "--out", plain, *edges)
    lines = ["material_id,site_charge"]
    for shard in sorted(plain.glob("*.parquet")):
        stored = read(shard)
        numbers = stored.column("atomic_numbers").to_pylist()
        charges = ([0.1 * number for number in sites] for sites in numbers)
        identifiers = stored.column("material_id").to_pylist()
        lines += [f'{name},"{charge}"' for name, charge in zip(identifiers, charges, strict=True)]
    labels.write_text("\n".join(lines) + "\n")
    run("etl", "build", "cif", "--quiet", "--input", cifs, "--labels", labels, "--out", store, *edges)
    case = Case(SCHNET_SMALL, ("--property", "site_charge"))
    weights = finetune(case.options, store, tmp_path)
    model = load(weights)
    assert model.target is not None
    assert model.target.per_site
    with torch.no_grad():
        found = torch.cat([model.predict(batch) for batch in crystals(model, store)])
    assert_close(found, columns(predicted(weights, store, tmp_path), (), 1), LIMIT, "numbers of the sites")
    assert_embeddings(weights, store, tmp_path)
