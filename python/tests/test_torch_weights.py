"""Weights files: what is loaded of which, and what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch_golden import ROOT, SHARED, WHOLE, assert_close, rows

from crystal_mmpt.torch import (
    CGCNN,
    MMPT,
    FeatureError,
    HeadSize,
    PropertyModel,
    Target,
    TargetNumber,
    WeightsError,
    load,
)
from crystal_mmpt.torch.weights import SHA256_KEY, content_sha256

TRAINER_TESTS = ROOT / "tests" / "trainer"
EARLIER = TRAINER_TESTS / "earlier"
GAPS = EARLIER / "gaps" / "split" / "seed-123"
PRETRAINED = EARLIER / "pretrain" / "best.safetensors"
OF_PROGRAM = 1e-5
"""Largest deviation from the program in single precision, relative to the largest magnitude."""


def table(name: str) -> Any:
    """The rows of a store of the trainer's tests."""
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    shards = sorted((TRAINER_TESTS / name).glob("*.parquet"))
    return arrow.concat_tables([parquet.read_table(shard) for shard in shards])


def content(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a file."""
    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata() or {})
    return metadata, load_file(path)


def changed(folder: Path, metadata: dict[str, str], tensors: dict[str, Tensor]) -> Path:
    """Writes a file without a checksum."""
    path = folder / "changed.safetensors"
    save_file(tensors, path, {key: value for key, value in metadata.items() if key != SHA256_KEY})
    return path


@pytest.mark.parametrize("file", ["best.safetensors", "last/checkpoint.safetensors"])
def test_fine_tuned_weights_predict_what_the_program_did(file: str) -> None:
    model = load(GAPS / file)
    assert isinstance(model, MMPT)
    assert not model.training
    number = TargetNumber("band_gap_ev", "eV", "none", 2.1186315789473684, 3.2669403070042593)
    assert model.target == Target("gaps", (number,))
    rows_of_store = table("store")
    predicted = model.predict(model.batch(rows_of_store))[:, 0]
    with (EARLIER / "predictions.csv").open() as lines:
        recorded = {line["material_id"]: float(line["prediction"]) for line in csv.DictReader(lines)}
    expected = torch.tensor([recorded[identifier] for identifier in rows_of_store.column("material_id").to_pylist()])
    assert len(recorded) == len(predicted)
    assert_close(predicted, expected, OF_PROGRAM, "predictions")


def test_pre_trained_weights_embed_and_do_not_predict() -> None:
    model = load(PRETRAINED, dtype=torch.float64)
    assert model.dtype == torch.float64
    batch = model.batch(table("store"))
    embedding = model.embed(batch)
    assert embedding.h_l is not None
    assert [part.shape for part in embedding if part is not None] == [(26, 4)] * 3
    with pytest.raises(ValueError, match="has no head: its weights are pre-trained, not fine-tuned"):
        model(batch)
    with pytest.raises(ValueError, match="has no target"):
        model.predict(batch)


def test_a_store_of_other_features_is_refused() -> None:
    pytest.importorskip("pyarrow")
    model = load(PRETRAINED)
    assert model.batch(str(TRAINER_TESTS / "store" / "sample-00000.parquet")).crystals == 16
    with pytest.raises(FeatureError, match=r"the store has mmpt\.ties = cut, but the weights need shell") as error:
        model.batch(TRAINER_TESTS / "cut" / "cut-00000.parquet")
    assert (error.value.key, error.value.found, error.value.expected) == ("mmpt.ties", "cut", "shell")


def test_unknown_elements_are_refused() -> None:
    crystal = rows(ROOT / "tests" / "golden", "shell")[0] | {"atomic_numbers": [101]}
    assert MMPT().batch([crystal]).atoms == 1
    with pytest.raises(ValueError, match="crystal-0: site 0: cgcnn knows the elements to 100, not 101"):
        CGCNN().batch([crystal])


@pytest.mark.skipif(not WHOLE.is_dir(), reason="../shared is not there")
def test_weights_without_a_description_are_of_the_paper() -> None:
    model = load(WHOLE / "weights.safetensors", dtype=torch.float64)
    assert model.target is None
    expected = load_file(WHOLE / "batch_shell_f64.safetensors")
    encoding = model.encode(model.batch(rows(WHOLE, "shell")))
    assert_close(encoding.atoms, expected["h_S"], 1e-9, "h_S")


@pytest.mark.skipif(not (SHARED / "weights").is_dir(), reason="../shared is not there")
def test_weights_of_a_long_run_are_read() -> None:
    model = load(SHARED / "weights" / "mp150k-4-epochs.safetensors")
    embedding = model.embed(model.batch(table("store")))
    assert embedding.h_s_mean.shape == (26, 64)
    assert torch.isfinite(embedding.h_s_mean).all()


def test_classes_are_probabilities_and_numbers_come_back_in_their_units() -> None:
    logits = torch.tensor([[0.0, 1.0, -1.0]])
    classes = Target("kinds", (TargetNumber("kind", "1", "none", 0.0, 1.0),), ("a", "b", "c"))
    assert classes.outputs == 3
    assert_close(classes.restore(logits), torch.softmax(logits, 1), 1e-7, "probabilities")
    numbers = [TargetNumber("x", "GPa", transform, 1.5, 2.0) for transform in ("none", "log10", "log1p", "sqrt")]
    several = Target("several", tuple(numbers))
    outputs = torch.tensor([[0.25] * 4, [-1.0] * 4], dtype=torch.float64)
    expected = torch.tensor([[2.0, 100.0, 2.718281828459045**2 - 1.0, 4.0], [-0.5, 10**-0.5, 0.6065306597 - 1.0, 0.0]])
    assert_close(several.restore(outputs), expected, 1e-7, "numbers")
    values = torch.tensor([3.0, 7.5], dtype=torch.float64)
    for number in numbers:
        assert_close(number.restore(number.standardise(values)), values, 1e-12, number.transform)


def test_units_of_transformed_targets_are_those_of_the_property(tmp_path: Path) -> None:
    metadata, tensors = content(GAPS / "best.safetensors")
    target = json.loads(metadata["mmpt.target"])
    target |= {"transform": "log10", "unit": "log10(g/(cm³))", "classes": [], "further": [], "per_site": False}
    path = changed(tmp_path, metadata | {"mmpt.target": json.dumps(target)}, tensors)
    loaded = load(path).target
    assert loaded is not None
    assert loaded.numbers[0].unit == "g/(cm³)"


def test_a_head_of_sites_and_one_of_several_outputs() -> None:
    crystals = rows(ROOT / "tests" / "golden", "shell")
    for head, shape in ((HeadSize(per_site=True), (10, 1)), (HeadSize(outputs=3), (3, 3))):
        model = MMPT(head=head)
        assert model(model.batch(crystals)).shape == shape


def test_the_checksum_of_the_program_is_understood() -> None:
    for path in (PRETRAINED, GAPS / "last" / "checkpoint.safetensors"):
        metadata, tensors = content(path)
        expected = metadata.pop(SHA256_KEY)
        assert content_sha256(metadata, tensors) == expected


def test_heads_of_a_checkpoint_that_learn_noise_are_ignored(tmp_path: Path) -> None:
    metadata, tensors = content(GAPS / "last" / "checkpoint.safetensors")
    more = tensors | {"noise.displacement.0.weight": torch.zeros(2, 2)}
    assert isinstance(load(changed(tmp_path, metadata, more)), MMPT)


def test_damage_is_found(tmp_path: Path) -> None:
    damaged = bytearray(PRETRAINED.read_bytes())
    damaged[-1] ^= 1
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(damaged)
    with pytest.raises(WeightsError, match="is damaged: its content has the SHA-256") as error:
        load(path)
    assert error.value.path == path
    path.write_bytes(damaged[:1000])
    with pytest.raises(WeightsError, match="is no safetensors file"):
        load(path)
    with pytest.raises(OSError, match="absent"):
        load(tmp_path / "absent.safetensors")


Edit = tuple[str, Any, str]
CONFIG = "mmpt.config"


@pytest.mark.parametrize(
    ("key", "edit", "message"),
    [
        ("mmpt.cutoff_angstrom", None, "the metadata have no mmpt.cutoff_angstrom"),
        ("mmpt.kind", "gpt", "mmpt.kind = 'gpt' is none of mmpt, cgcnn"),
        ("mmpt.colour", "red", "this version knows no mmpt.colour"),
        (CONFIG, "{", "mmpt.config is no JSON"),
        (CONFIG, "[]", r"mmpt.config = \[\] is no JSON object"),
        (CONFIG, {"hidden": 8}, "has the shape"),
        (CONFIG, {"hidden": "4"}, "has hidden = '4', which is no"),
        (CONFIG, {"hidden": -4}, "has hidden = -4, which is no"),
        (CONFIG, {"graph": "tree"}, "has graph = 'tree', which is no"),
        (CONFIG, {"colour": 1}, "has colour = 1: there is no such setting"),
        (CONFIG, {"hidden": None}, "has hidden = None"),
        ("mmpt.target", {"std": "0"}, "mmpt.target: mean = .* and std = 0.0 are not finite and positive"),
        ("mmpt.target", {"transform": "cube"}, "mmpt.target: transform = 'cube' is not known"),
        ("mmpt.target", {"head_width": 8}, r"head\.\d\.\w+ has the shape"),
    ],
)
def test_a_description_of_another_model_is_refused(tmp_path: Path, key: str, edit: Any, message: str) -> None:
    metadata, tensors = content(GAPS / "best.safetensors")
    if edit is None:
        del metadata[key]
    elif isinstance(edit, dict):
        metadata[key] = json.dumps(json.loads(metadata[key]) | edit)
    else:
        metadata[key] = edit
    with pytest.raises(WeightsError, match=message):
        load(changed(tmp_path, metadata, tensors))


def test_tensors_of_another_model_are_refused(tmp_path: Path) -> None:
    metadata, tensors = content(GAPS / "best.safetensors")
    name = "structure.attn.a_tgt"

    def refusal(edit: dict[str, Tensor | None]) -> str:
        edited = {key: value for key, value in (tensors | edit).items() if value is not None}
        with pytest.raises(WeightsError) as error:
            load(changed(tmp_path, metadata, edited))
        return str(error.value)

    assert f"there is no tensor {name}" in refusal({name: None})
    assert f"{name} has the shape [3], not [4]" in refusal({name: torch.zeros(3)})
    assert f"{name} has values that are infinite or not a number" in refusal({name: torch.full((4,), torch.nan)})
    assert "lattice.std has negative values" in refusal({"lattice.std": -torch.ones(6)})
    assert "the tensor colour is not one of MMPT" in refusal({"colour": torch.zeros(1)})
    # A decoder belongs to pre-trained weights alone.
    assert "the tensor mask_token is not one of MMPT" in refusal({"mask_token": torch.zeros(4)})
    # One of several models whose predictions are averaged would be wrong without a word.
    assert "at the ends of 2 cycles" in refusal({f"snapshot.1.{name}": tensors[name].clone()})


def test_half_precision_is_read_as_single(tmp_path: Path) -> None:
    metadata, tensors = content(PRETRAINED)
    half = {name: tensor.half() for name, tensor in tensors.items()}
    model: PropertyModel = load(changed(tmp_path, metadata, half))
    weight = model.state_dict()["structure.attn.W.weight"]
    assert weight.dtype == torch.float32
    assert torch.equal(weight, half["structure.attn.W.weight"].float())


def test_the_table_of_features_is_the_trainers() -> None:
    for name in ("atom_features_92.csv", "atom_features_92.LICENSE.txt"):
        own = ROOT / "python" / "crystal_mmpt" / "torch" / "tables" / name
        assert own.read_bytes() == (ROOT / "trainer" / "tables" / name).read_bytes()
