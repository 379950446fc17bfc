"""MMPT as a module against the numbers of the reference."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch_golden import (
    DOUBLE,
    DOUBLE_STORED,
    FIXTURES,
    SINGLE,
    SINGLE_GRADIENT,
    assert_close,
    cases,
    manifest,
    rows,
)
from torch_pretraining import Labels, Pretraining, centre_distances

from crystal_mmpt.torch import MMPT, Batch, HeadSize, MMPTSettings

PRECISIONS = [(torch.float64, DOUBLE), (torch.float32, SINGLE)]
fixtures = pytest.mark.parametrize("folder", FIXTURES, ids=lambda folder: folder.parent.name)
precisions = pytest.mark.parametrize(("dtype", "limit"), PRECISIONS)
rules = pytest.mark.parametrize("rule", ["cut", "shell"])


def settings(folder: Path) -> MMPTSettings:
    """The settings of a fixture's model."""
    config = manifest(folder)["config"]
    return MMPTSettings(
        hidden=config["hidden"],
        structure_width=config["d_s"],
        interaction_blocks=config["n_blocks"],
        interaction_width=config["int_emb"],
        layers_before_skip=config["num_before_skip"],
        layers_after_skip=config["num_after_skip"],
        output_width=config["out_emb"],
        output_layers=config["num_output_layers"],
        lattice_width=config["l_dim"],
        lattice_heads=config["l_heads"],
        lattice_feed_forward=int(config["l_dim"] * config["l_mlp_ratio"]),
    )


def model(folder: Path, dtype: torch.dtype) -> MMPT:
    """The fine-tuned model of a fixture."""
    mmpt = MMPT(settings(folder), HeadSize(width=manifest(folder)["config"]["head_hidden"]))
    weights = load_file(folder / "weights.safetensors")
    mmpt.load_state_dict({name: weights[name] for name in mmpt.state_dict()})
    return mmpt.to(dtype)


def batch(folder: Path, rule: str) -> Batch:
    """The crystals of a fixture."""
    return Batch.from_rows(rows(folder, rule), MMPT(settings(folder)).inputs)


def trace(mmpt: MMPT, of: Batch) -> dict[str, Tensor]:
    """Runs the encoder and returns its intermediates by their names in the fixtures."""
    found: dict[str, Tensor] = {}
    structure = mmpt.structure
    for name, layer in {"atom_emb": structure.atom_emb, "attn_out": structure.attn, "rbf": structure.rbf}.items():
        layer.register_forward_hook(lambda _, __, output, name=name: found.__setitem__(name, output))
    for index, block in enumerate(structure.out):
        block.register_forward_hook(lambda _, inputs, __, name=f"msg{index}": found.__setitem__(name, inputs[0]))
    encoding = mmpt.encode(of)
    assert encoding.crystals is not None
    found |= {"h_S": encoding.atoms, "h_L": encoding.crystals}
    found["attn_eps"] = structure.attn.weights(structure.attn.W(found["atom_emb"]), of.source, of.target)
    return found


@fixtures
@rules
@precisions
def test_intermediates_are_those_of_the_reference(folder: Path, rule: str, dtype: torch.dtype, limit: float) -> None:
    expected = load_file(folder / f"batch_{rule}_f64.safetensors")
    found = trace(model(folder, dtype), batch(folder, rule))
    shared = expected.keys() & found.keys()
    assert len(shared) >= (8 if rule == "cut" else 2)
    for name in sorted(shared):
        assert found[name].dtype == dtype
        assert_close(found[name], expected[name], limit, name)


@fixtures
@precisions
def test_predictions_and_gradients_of_the_head(folder: Path, dtype: torch.dtype, limit: float) -> None:
    expected = load_file(folder / "finetune_cut_f64.safetensors")
    run = manifest(folder)["finetune"]["cut_f64"]
    mmpt, crystals = model(folder, dtype), batch(folder, "cut")
    assert_close(mmpt.pooled(mmpt.encode(crystals), crystals), expected["features"], limit, "features")
    outputs = mmpt(crystals)[:, 0]
    assert_close(outputs, expected["pred"], limit, "pred")
    error = (outputs - torch.tensor(run["y"], dtype=dtype)).abs().mean()
    assert_close(error, run["l1"], limit, "l1")
    torch.autograd.backward(error)
    gradients = {name: parameter.grad for name, parameter in mmpt.named_parameters() if parameter.grad is not None}
    norm = torch.stack([gradient.norm() for gradient in gradients.values()]).norm()
    gradient_limit = SINGLE_GRADIENT if dtype == torch.float32 else DOUBLE
    assert_close(norm, run["grad_norm_total"], gradient_limit, "norm of all gradients")
    for name, gradient in gradients.items():
        if f"grad.{name}" in expected:
            assert_close(gradient, expected[f"grad.{name}"], gradient_limit, name)


@fixtures
@pytest.mark.parametrize(("dtype", "limit"), [(torch.float64, DOUBLE_STORED), (torch.float32, SINGLE_GRADIENT)])
def test_gradients_of_the_pre_training_are_those_of_the_reference(
    folder: Path, dtype: torch.dtype, limit: float
) -> None:
    about, crystals, tensors = manifest(folder), batch(folder, "cut"), cases(folder)
    pretraining = Pretraining(MMPT(settings(folder)), about["config"]["mlp_hidden"])
    weights = load_file(folder / "weights.safetensors")
    pretraining.load_state_dict({name: weights[name] for name in pretraining.state_dict()})
    hidden = torch.zeros(crystals.atoms, dtype=torch.bool)
    hidden[about["mask_M_atom_indices_in_batch"]] = True
    centres = torch.cat([centre_distances(crystal["frac"], crystal["lattice"]) for crystal in tensors])
    labels = Labels(hidden, torch.cat([crystal["dir27"] for crystal in tensors]), centres)
    terms = pretraining.to(dtype).losses(crystals, labels)
    for name, value in about["losses"]["cut_f64"].items():
        term_limit = SINGLE if dtype == torch.float32 else DOUBLE
        assert_close(terms[name], value, term_limit, name)
    torch.autograd.backward(terms["loss"])
    expected = load_file(folder / "grads_cut_f64.safetensors")
    scale = max(float(gradient.abs().max()) for gradient in expected.values())
    parameters = dict(pretraining.named_parameters())
    assert expected.keys() == parameters.keys()
    for name, gradient in expected.items():
        found = parameters[name].grad
        assert found is not None
        assert_close(found, gradient, limit, name, scale)


def test_a_batch_of_crystals_is_each_of_them() -> None:
    folder = FIXTURES[0]
    mmpt, crystals = model(folder, torch.float64), rows(folder, "shell")
    together = mmpt(Batch.from_rows(crystals, mmpt.inputs))
    alone = torch.cat([mmpt(Batch.from_rows([crystal], mmpt.inputs)) for crystal in crystals])
    assert_close(together, alone, 1e-13, "outputs")


def test_half_precision_is_near() -> None:
    folder = FIXTURES[0]
    crystals = batch(folder, "shell")
    found, expected = model(folder, torch.bfloat16)(crystals), model(folder, torch.float64)(crystals)
    assert found.dtype == torch.bfloat16
    assert_close(found, expected, 0.05, "outputs")


def test_atoms_that_share_the_largest_value_share_its_gradient() -> None:
    from crystal_mmpt.torch.layers import max_by  # noqa: PLC0415

    values = torch.tensor([[1.0], [5.0], [5.0], [2.0]], requires_grad=True)
    torch.autograd.backward(max_by(values, torch.tensor([0, 0, 0, 1]), 2).sum())
    assert values.grad is not None
    assert values.grad[:, 0].tolist() == [0.0, 0.5, 0.5, 1.0]


def test_the_gradient_by_displacements_is_that_of_differences() -> None:
    folder = FIXTURES[0]
    mmpt, crystals = model(folder, torch.float64), batch(folder, "shell")
    direction = torch.randn(crystals.vectors.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def output(step: float | Tensor) -> Tensor:
        moved = Batch(**{**vars(crystals), "vectors": crystals.vectors + step * direction})
        total: Tensor = mmpt(moved).sum()
        return total

    step = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(output(step), step)
    difference = (output(1e-5) - output(-1e-5)) / 2e-5
    assert_close(slope, difference, 1e-6, "slope")


@pytest.mark.parametrize(
    "variant", [MMPTSettings(graph="simple"), MMPTSettings(attention=False), MMPTSettings(attention_values="projected")]
)
def test_variants_differ_from_the_default(variant: MMPTSettings) -> None:
    crystals = rows(FIXTURES[0], "shell")
    torch.manual_seed(0)
    default = MMPT()
    for name, parameter in default.named_parameters():
        if name.startswith("structure.out.") and name.endswith(".lin.weight"):
            torch.nn.init.normal_(parameter)
    other = MMPT(variant)
    other.load_state_dict(default.state_dict())
    found, base = (mmpt.encode(Batch.from_rows(crystals, mmpt.inputs)).atoms for mmpt in (other, default))
    assert torch.isfinite(found).all()
    assert not torch.allclose(found, base)


def test_a_fresh_encoder_begins_at_zero() -> None:
    crystals = batch(FIXTURES[0], "shell")
    encoder = MMPT()
    assert encoder.encode(crystals).atoms.abs().max() == 0.0
    # Standardised lattices of crystals are near 0.
    assert encoder.lattice.standardise(crystals.lattice_parameters).abs().max() < 4.0
