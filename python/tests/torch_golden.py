"""What the tests of `crystal_mmpt.torch` share: fixtures, formula weights and comparisons.

`tests/golden` is committed and small; `../shared` holds the same of the paper's configurations, where a checkout has
it.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[2]
SMALL = ROOT / "tests" / "golden"
SHARED = ROOT.parent / "shared"
WHOLE = SHARED / "golden"
BASELINES = SHARED / "baselines" / "golden"
FIXTURES = [folder for folder in (SMALL, WHOLE) if folder.is_dir()]
"""Folders with MMPT's numbers."""
SYSTEM_FIXTURES = [folder for folder in (SMALL / "systems", BASELINES) if folder.is_dir()]
"""Folders with the numbers of the other systems."""

DOUBLE = 1e-9
"""Largest deviation in double precision, relative to the largest magnitude."""
DOUBLE_STORED = 1e-7
"""The same for numbers stored in single precision."""
SINGLE = 1e-5
"""Largest deviation in single precision, relative to the largest magnitude."""
SINGLE_GRADIENT = 1e-4
"""The same of gradients, relative to the largest one of the model."""

Row = dict[str, Any]


def manifest(folder: Path) -> dict[str, Any]:
    """Reads what a fixture says about itself."""
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def lattice_parameters(lattice: npt.NDArray[np.float64]) -> list[float]:
    """Returns a, b, c in Å and α, β, γ in degrees of a cell whose rows are the vectors."""
    lengths = np.linalg.norm(lattice, axis=1)
    pairs = ((1, 2), (0, 2), (0, 1))
    cosines = [lattice[i] @ lattice[j] / (lengths[i] * lengths[j]) for i, j in pairs]
    return [*lengths.tolist(), *np.degrees(np.arccos(cosines)).tolist()]


def cases(folder: Path, prefix: str = "") -> list[dict[str, Tensor]]:
    """Returns the tensors of every crystal of MMPT's fixture, edges without the prefix of their rule."""
    found = []
    for case in manifest(folder)["cases"]:
        tensors = load_file(folder / case["file"])
        for name in ("tgt", "src", "img", "dir27"):
            tensors[name] = tensors[prefix + name]
        found.append(tensors)
    return found


def row(tensors: dict[str, Tensor], identifier: str = "crystal") -> Row:
    """Returns a crystal of a fixture as a row of a store."""
    lattice = tensors["lattice"].numpy()
    parameters = zip(("a", "b", "c", "alpha", "beta", "gamma"), lattice_parameters(lattice), strict=True)
    return {
        "material_id": identifier,
        "atomic_numbers": tensors["z"].numpy(),
        "lattice_vectors": lattice,
        "fractional_site_positions": tensors["frac"].numpy(),
        "edge_source": tensors["src"].numpy(),
        "edge_target": tensors["tgt"].numpy(),
        **{f"edge_k{axis + 1}": tensors["img"][:, axis].numpy() for axis in range(3)},
        **dict(parameters),
    }


def rows(folder: Path, rule: str) -> list[Row]:
    """Returns the crystals of MMPT's fixture with the edges of a rule for ties, `cut` or `shell`."""
    prefix = "" if rule == "cut" else "shell_"
    return [row(tensors, f"crystal-{index}") for index, tensors in enumerate(cases(folder, prefix))]


def unit(text: str, count: int) -> npt.NDArray[np.float64]:
    """Returns numbers from -1 to 1 that depend on a text alone, by FNV-1a and SplitMix64."""
    hash_ = 0xCBF29CE484222325
    for byte in text.encode():
        hash_ = (hash_ ^ byte) * 0x100000001B3 % 2**64
    x = np.uint64(hash_) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(40)).astype(np.float64) / 2**23 - 1.0


def formula_weights(system: str, model: nn.Module) -> None:
    """Gives a model the weights that follow from the names of its parameters (baselines, section 12)."""
    gain = {"megnet": 1.5, "schnet": 0.85, "infograph": 0.6}.get(system.split("_", maxsplit=1)[0], 1.0)
    state = model.state_dict()
    for name, tensor in state.items():
        leaf = name.rsplit(".", 1)[-1]
        if leaf == "running_var":
            offset, factor = 4.0, 1.0
        elif tensor.dim() == 1:
            offset, factor = (1.0, 0.25) if leaf == "weight" else (0.0, 0.125)
        elif name.endswith("embedding.weight") and len(tensor) == 119:
            offset, factor = 0.0, 1.0
        else:
            offset, factor = 0.0, gain * math.sqrt(3.0 / tensor.shape[-1])
        values = offset + factor * unit(f"{system}/{name}", tensor.numel())
        state[name] = torch.from_numpy(values.astype(np.float32)).view(tensor.shape)
    model.load_state_dict(state)


def fingerprint(tensor: Tensor) -> Tensor:
    """Returns the norm of a tensor and its product with a fixed vector."""
    flat = tensor.detach().double().flatten()
    return torch.stack([flat.norm(), flat @ torch.from_numpy(unit("fingerprint", flat.numel()))])


def assert_close(found: Tensor, expected: Tensor | float, limit: float, what: str, scale: float = 0.0) -> None:
    """Checks that no number deviates by more than `limit` times the largest magnitude, or times `scale`."""
    found, expected = found.detach().double(), torch.as_tensor(expected, dtype=torch.float64).detach()
    assert found.shape == expected.shape, f"{what}: {tuple(found.shape)} instead of {tuple(expected.shape)}"
    if not found.numel():
        return
    scale = scale or float(expected.abs().max())
    deviation = float((found - expected).abs().max())
    assert deviation <= limit * scale, f"{what} deviates by {deviation:.2e} of {scale:.2e}, more than {limit:.0e}"
