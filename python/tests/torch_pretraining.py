"""MMPT's pre-training beside the module of its encoder, for the gradients of the fixtures (specification, sections 5
and 6). It is part of the tests alone: the package has the encoder and heads."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from crystal_mmpt.torch import MMPT, Batch
from crystal_mmpt.torch.layers import perceptron, sum_by

BARLOW_WEIGHT, BARLOW_LAMBDA, BARLOW_EPSILON = 0.5, 0.0051, 1e-8
TYPE_WEIGHT = 5.0


class Labels(NamedTuple):
    """What the decoders are to predict of a batch."""

    hidden: Tensor
    """Whether the first view hides an atom, `[N]`."""
    direction: Tensor
    """Direction class of every edge, `[E]`."""
    centre_distance: Tensor
    """Distance of every atom from the centre of its crystal in Å, `[N]`."""


class EdgeGin(nn.Module):
    """`MLP(g_i + e_self + Σ_{e into i} (g_src(e) + Linear(rbf_e)))`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.e_self = nn.Parameter(torch.zeros(width))
        self.edge = nn.Linear(6, width)
        self.mlp = perceptron([width, 2 * width, width])

    def forward(self, g: Tensor, radial: Tensor, batch: Batch) -> Tensor:
        """Decodes masked encodings."""
        heard = sum_by(g[batch.source] + self.edge(radial), batch.target, batch.atoms)
        decoded: Tensor = self.mlp(g + self.e_self + heard)
        return decoded


class Pretraining(nn.Module):
    """The encoder with its decoders, whose parameters have the names of a weights file."""

    def __init__(self, encoder: MMPT, width: int) -> None:
        super().__init__()
        structure, lattice = encoder.settings.structure_width, 2 * encoder.settings.lattice_width
        self.structure, self.lattice = encoder.structure, encoder.lattice
        self.mask_token = nn.Parameter(torch.zeros(structure))
        self.lattice_dec = perceptron([lattice, *[width] * 4, 6])
        self.coord_gin, self.atom_gin = EdgeGin(structure), EdgeGin(structure)
        self.coord_out = nn.Linear(structure, 1)
        self.atom_mlp = perceptron([structure, *[width] * 4, 119])
        self.pal_dir = perceptron([2 * structure, width, 27])
        self.pal_unit = perceptron([2 * structure, width, 2])
        self.pal_dist = perceptron([2 * structure, width, 1])

    def losses(self, batch: Batch, labels: Labels) -> dict[str, Tensor]:
        """Returns the terms of the loss, and their sum as `loss`."""
        lattice = self.lattice_dec(self.lattice(batch.lattice_parameters))
        target = self.lattice.standardise(batch.lattice_parameters)
        structure = self.structure(batch)
        radial = self.structure.rbf(batch.distances / batch.cutoff_angstrom)
        views = [self.view(structure, radial, hides, batch, labels) for hides in (labels.hidden, ~labels.hidden)]
        terms = {name: 0.5 * (views[0][name] + views[1][name]) for name in ("L_A", "L_X", "L_Die", "L_Unit", "L_Dis")}
        terms["L_L"] = ((lattice - target) ** 2).mean()
        terms["L_BT"] = barlow_twins(views[0]["p_A"], views[1]["p_A"])
        weights = {"L_A": TYPE_WEIGHT, "L_BT": BARLOW_WEIGHT}
        terms["loss"] = torch.stack([weights.get(name, 1.0) * term for name, term in terms.items()]).sum()
        return terms

    def view(self, structure: Tensor, radial: Tensor, hides: Tensor, batch: Batch, labels: Labels) -> dict[str, Tensor]:
        """Returns the terms of a view that hides some atoms, and its p_A."""
        g = torch.where(hides[:, None], self.mask_token, structure)
        distances = self.coord_out(self.coord_gin(g, radial, batch))[:, 0]
        p = self.atom_gin(g, radial, batch)
        pairs = torch.cat([p[batch.target], p[batch.source]], dim=1)
        same_cell = (labels.direction == 13).long()
        return {
            "L_A": functional.cross_entropy(self.atom_mlp(p)[hides], batch.atomic_numbers[hides]),
            "L_X": (distances - labels.centre_distance)[hides].abs().mean(),
            "L_Die": functional.cross_entropy(self.pal_dir(pairs), labels.direction),
            "L_Unit": functional.cross_entropy(self.pal_unit(pairs), same_cell),
            "L_Dis": (self.pal_dist(pairs)[:, 0] - batch.distances).abs().mean(),
            "p_A": p,
        }


def barlow_twins(first: Tensor, second: Tensor) -> Tensor:
    """Returns L_BT of the encodings of two views, `[N, width]` each."""
    first, second = (view - view.mean(dim=0) for view in (first, second))
    norms = [torch.sqrt((view**2).sum(dim=0) + BARLOW_EPSILON) for view in (first, second)]
    correlation = first.T @ second / (norms[0][:, None] * norms[1])
    diagonal = torch.diagonal(correlation)
    off_diagonal = (correlation**2).sum() - (diagonal**2).sum()
    return ((1.0 - diagonal) ** 2).sum() + BARLOW_LAMBDA * off_diagonal


def centre_distances(fractional: Tensor, lattice: Tensor) -> Tensor:
    """Returns the minimum-image distance of every atom of a crystal from the mean of all in Å (section 2.6)."""
    offsets = fractional - fractional.mean(dim=0)
    offsets = offsets - torch.round(offsets)
    steps = torch.arange(-1, 2, dtype=fractional.dtype)
    shifts = torch.cartesian_prod(steps, steps, steps)
    distances: Tensor = torch.linalg.vector_norm((offsets[:, None] + shifts) @ lattice, dim=2).amin(dim=1)
    return distances
