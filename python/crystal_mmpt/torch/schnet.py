"""SchNet (Schütt et al. 2017, arXiv:1706.08566): convolutions whose filters are functions of the distance.

    x   = embedding(Z)                                     "kgcnn" only: x = lin_in(x)
    w_e = filter(g(d_e))                                   "pyg" only: times ½ (cos(π d_e / 8 Å) + 1)
    x_i ← x_i + lin3(ssp(lin2(Σ_{e into i} lin1(x)_source(e) ⊙ w_e)))
    ŷ   = mean_i head(x_i)

Letters in shapes: B crystals, N atoms, E edges, K outputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from .batch import Batch, Inputs
from .layers import ATOM_TYPES, KERAS_BOUND, Gaussians, ShiftedSoftplus, initialise_xavier, mean_by, perceptron, sum_by
from .model import Encoding, HeadSize, PropertyModel

ENVELOPE_CUTOFF_ANGSTROM = 8.0
"""Where the envelope and the Gaussians of the style "pyg" end."""


@dataclass(frozen=True)
class SchNetSettings:
    """Sizes and variants; the defaults are those of MMPT's paper for MatBench."""

    edges: str = "r5"
    """Edges of the stores."""
    style: Literal["kgcnn", "pyg"] = "kgcnn"
    """Implementation: that of MatBench's leaderboard, or PyTorch Geometric's."""
    embedding_width: int = 64
    """Width of the embedding of an element."""
    atom_width: int = 128
    """Width of an atom's embedding; with "pyg" also that of an element's."""
    filter_width: int = 128
    """Width of the filters."""
    interactions: int = 4
    """Interaction blocks."""
    gaussians: int = 25
    """Gaussians of a distance."""
    head_widths: tuple[int, ...] = (128, 64)
    """Widths of the hidden layers after the last block."""


class Interaction(nn.Module):
    """A convolution with filters of the distance; see the formula of x above."""

    def __init__(self, settings: SchNetSettings) -> None:
        super().__init__()
        width, filters = settings.atom_width, settings.filter_width
        self.lin1 = nn.Linear(width, filters, bias=False)
        self.filter = perceptron([settings.gaussians, filters, filters], ShiftedSoftplus)
        self.lin2 = nn.Linear(filters, width)
        self.lin3 = nn.Linear(width, width)
        self.activation = ShiftedSoftplus()

    def forward(self, x: Tensor, distances: Tensor, envelope: Tensor | None, batch: Batch) -> Tensor:
        """Updates the atoms: x and output `[N, atom_width]`, expanded distances `[E, gaussians]`, envelope `[E, 1]`."""
        filters = self.filter(distances)
        if envelope is not None:
            filters = filters * envelope
        sums = sum_by(self.lin1(x)[batch.source] * filters, batch.target, batch.atoms)
        updated: Tensor = x + self.lin3(self.activation(self.lin2(sums)))
        return updated


class SchNet(PropertyModel):
    """SchNet in the style of kgcnn or of PyTorch Geometric."""

    kind = "schnet"

    def __init__(self, settings: SchNetSettings | None = None, head: HeadSize | None = None) -> None:
        super().__init__(head)
        self.settings = settings = SchNetSettings() if settings is None else settings
        width = settings.atom_width
        self.embedding = nn.Embedding(ATOM_TYPES, settings.embedding_width)
        is_kgcnn = settings.style == "kgcnn"
        self.lin_in = nn.Linear(settings.embedding_width, width) if is_kgcnn else None
        self.interactions = nn.ModuleList(Interaction(settings) for _ in range(settings.interactions))
        if self.add_site_head(width, width) and head is not None:
            self.head = perceptron([width, *settings.head_widths, head.outputs], ShiftedSoftplus)
        initialise_xavier(self)
        if is_kgcnn:
            nn.init.uniform_(self.embedding.weight, -KERAS_BOUND, KERAS_BOUND)

    @property
    def inputs(self) -> Inputs:
        """The store's edges."""
        return Inputs()

    @property
    def gaussians(self) -> Gaussians:
        """Expansion of distances in Å."""
        count = self.settings.gaussians
        if self.settings.style == "kgcnn":
            return Gaussians.kgcnn(count)
        step = ENVELOPE_CUTOFF_ANGSTROM / (count - 1)
        return Gaussians.between(0.0, ENVELOPE_CUTOFF_ANGSTROM, count, 0.5 / step**2)

    def encode(self, batch: Batch) -> Encoding:
        """Returns x of every atom, `[N, atom_width]`; there are no crystals."""
        x: Tensor = self.embedding(batch.atomic_numbers)
        if self.lin_in is not None:
            x = self.lin_in(x)
        lengths = batch.distances
        distances = self.gaussians.expand(lengths).to(x.dtype)
        envelope = None
        if self.settings.style == "pyg":
            envelope = (0.5 * (torch.cos(math.pi / ENVELOPE_CUTOFF_ANGSTROM * lengths) + 1.0)).to(x.dtype)[:, None]
        for interaction in self.interactions:
            x = interaction(x, distances, envelope, batch)
        return Encoding(x, None)

    def read_out(self, encoding: Encoding, batch: Batch) -> Tensor:
        """Returns the outputs of every crystal, `[B, K]`."""
        return mean_by(self.head(encoding.atoms), batch.crystal_of_atom, batch.crystals)
