"""CGCNN (Xie and Grossman 2018, doi:10.1103/PhysRevLett.120.145301): gated convolutions over the neighbours of an atom.

    x   = embedding(f92)
    t_e = bn1(fc_full([x_target ‖ x_source ‖ g(d_e)]))            the first half are gates, the second cores
    x_i ← softplus(x_i + bn2(Σ_{e into i} sigmoid(gate_e) · softplus(core_e)))
    h   = softplus(conv_to_fc(softplus(mean_i x_i)))
    ŷ   = fc_out(h)                                               after the hidden layers fcs

Letters in shapes: B crystals, N atoms, E edges, K outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from .batch import Batch, Inputs
from .layers import (
    ATOM_FEATURES,
    LAST_FEATURED_ELEMENT,
    BatchNorm,
    Gaussians,
    Softplus,
    atom_features,
    mean_by,
    perceptron,
    softplus,
    sum_by,
)
from .model import Encoding, HeadSize, PropertyModel

GAUSSIANS = Gaussians(first=0.0, step=0.2, count=41, gamma=25.0)
"""Expansion of distances: 41 functions up to 8 Å with a width of 0.2 Å."""


@dataclass(frozen=True)
class CGCNNSettings:
    """Sizes and variants; the defaults are those of MMPT's paper for MatBench."""

    edges: str = "knn12"
    """Edges of the stores."""
    atom_width: int = 64
    """Width of atom embeddings."""
    crystal_width: int = 32
    """Width of a crystal's embedding and of the hidden layers after it."""
    convolutions: int = 3
    """Graph convolutions."""
    hidden_layers: int = 1
    """Layers of the crystal's embedding, the first included."""
    output: Literal["linear", "perceptron"] = "linear"
    """Last layers: one, or two with softplus between them, as in the fine-tuning of Crystal Twins
    (arXiv:2205.01893)."""


class Convolution(nn.Module):
    """A gated convolution; see the formula of t and x above."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc_full = nn.Linear(2 * width + GAUSSIANS.count, 2 * width)
        self.bn1 = BatchNorm(2 * width)
        self.bn2 = BatchNorm(width)

    def forward(self, x: Tensor, distances: Tensor, batch: Batch) -> Tensor:
        """Updates the atoms: x and output `[N, atom_width]`, expanded distances `[E, 41]`."""
        pairs = torch.cat([x[batch.target], x[batch.source], distances], dim=1)
        gates, cores = self.bn1(self.fc_full(pairs)).chunk(2, dim=1)
        sums = sum_by(torch.sigmoid(gates) * softplus(cores), batch.target, batch.atoms)
        return softplus(x + self.bn2(sums))


class CGCNN(PropertyModel):
    """CGCNN. Encoders that Crystal Twins and InfoGraph pre-train are CGCNNs, too; that of InfoGraph embeds atoms
    alone."""

    kind = "cgcnn"
    last_element = LAST_FEATURED_ELEMENT

    def __init__(
        self, settings: CGCNNSettings | None = None, head: HeadSize | None = None, *, embeds_crystals: bool = True
    ) -> None:
        super().__init__(head)
        self.settings = settings = CGCNNSettings() if settings is None else settings
        width, crystal_width = settings.atom_width, settings.crystal_width
        self.embedding = nn.Linear(ATOM_FEATURES, width)
        self.convs = nn.ModuleList(Convolution(width) for _ in range(settings.convolutions))
        self.conv_to_fc = nn.Linear(width, crystal_width) if embeds_crystals else None
        if self.add_site_head(width, width) and head is not None:
            hidden = range(settings.hidden_layers - 1)
            self.fcs = nn.ModuleList(nn.Linear(crystal_width, crystal_width) for _ in hidden)
            last = [crystal_width, max(crystal_width // 2, 1), head.outputs]
            is_linear = settings.output == "linear"
            self.fc_out = nn.Linear(crystal_width, head.outputs) if is_linear else perceptron(last, Softplus)

    @property
    def inputs(self) -> Inputs:
        """The store's edges."""
        return Inputs()

    def encode(self, batch: Batch) -> Encoding:
        """Returns x of every atom, `[N, atom_width]`, and h of every crystal, `[B, crystal_width]`."""
        x = self.embedding(atom_features(batch.atomic_numbers, self.dtype))
        distances = GAUSSIANS.expand(batch.distances).to(x.dtype)
        for convolution in self.convs:
            x = convolution(x, distances, batch)
        if self.conv_to_fc is None:
            return Encoding(x, None)
        pool = mean_by(x, batch.crystal_of_atom, batch.crystals)
        return Encoding(x, softplus(self.conv_to_fc(softplus(pool))))

    def read_out(self, encoding: Encoding, batch: Batch) -> Tensor:  # noqa: ARG002
        """Returns the outputs of every crystal, `[B, K]`."""
        h = encoding.crystals
        if h is None:
            raise ValueError("the encoder embeds atoms alone")
        for layer in self.fcs:
            h = softplus(layer(h))
        outputs: Tensor = self.fc_out(h)
        return outputs
