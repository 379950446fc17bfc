"""Matformer (Yan et al. 2022, arXiv:2209.11807): attention without a softmax on the undirected multigraph of a crystal,
in which every atom also has edges to its images along the lattice. These edges show the cell to the model: crystals in
another cell have other predictions.

    x = atom_embedding(f92)        w = rbf(g(d)), two layers with softplus between them
    x ← layer(x, w)                in every layer, see `Attention`
    ŷ = fc_out(SiLU(fc(mean_i x_i)))

Letters in shapes: B crystals, N atoms, E edges, K outputs, h heads, C the width of x, of w and of each head.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .batch import Batch, Inputs
from .graphs import Graph
from .layers import (
    ATOM_FEATURES,
    LAST_FEATURED_ELEMENT,
    NORM_EPSILON,
    BatchNorm,
    Gaussians,
    Softplus,
    atom_features,
    mean_by,
    perceptron,
    sum_by,
)
from .model import Encoding, HeadSize, PropertyModel

LONGEST_DISTANCE_ANGSTROM = 8.0
"""Centre of the last Gaussian of a distance. Edges along the lattice may be longer."""
PARTS = 3
"""Parts of a message: the atom that receives, the one that sends, and the edge."""


@dataclass(frozen=True)
class MatformerSettings:
    """Sizes; the defaults are the published ones."""

    edges: str = "knn12"
    """Edges of the stores, from which the undirected multigraph is made."""
    width: int = 128
    """Width of the features of atoms and edges, and of each attention head."""
    heads: int = 4
    """Attention heads."""
    layers: int = 5
    """Layers."""
    gaussians: int = 128
    """Gaussians of a distance."""
    head_width: int = 128
    """Width of the hidden layer after the mean over the atoms."""


class Attention(nn.Module):
    """A layer of atoms x and edges w:

        q, k, v = lin_query(x), lin_key(x), lin_value(x)        ε = lin_edge(w)
        α_e = [q_target ⊙ k_target ‖ q_target ⊙ k_source ‖ q_target ⊙ ε_e] / √(3C)
        μ_e = msg_layer(lin_msg_update([v_target ‖ v_source ‖ ε_e]) ⊙ sigmoid(layer_norm(α_e)))
        x_i ← SiLU(bn(lin_concate(Σ_{e into i} μ_e))) + lin_skip(x_i)

    `lin_msg_update`, `msg_layer` and `layer_norm` are shared by the heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.lin_query = nn.Linear(width, heads * width)
        self.lin_key = nn.Linear(width, heads * width)
        self.lin_value = nn.Linear(width, heads * width)
        self.lin_edge = nn.Linear(width, heads * width, bias=False)
        self.layer_norm = nn.LayerNorm(PARTS * width, eps=NORM_EPSILON)
        self.lin_msg_update = nn.Linear(PARTS * width, PARTS * width)
        norm = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.msg_layer = nn.Sequential(nn.Linear(PARTS * width, width), norm)
        self.lin_concate = nn.Linear(heads * width, width)
        self.bn = BatchNorm(width)
        self.lin_skip = nn.Linear(width, width)

    def forward(self, x: Tensor, w: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Updates the atoms: x and output `[N, C]`, w `[E, C]`, ends of the edges `[E]`."""
        query, key, value = (self._heads(layer(x)) for layer in (self.lin_query, self.lin_key, self.lin_value))
        edge = self._heads(self.lin_edge(w))
        parts = torch.cat([key[target], key[source], edge], dim=2)
        attention = query[target].repeat(1, 1, PARTS) * parts / math.sqrt(parts.shape[2])
        messages = self.lin_msg_update(torch.cat([value[target], value[source], edge], dim=2))
        messages = self.msg_layer(messages * torch.sigmoid(self.layer_norm(attention)))
        sums = self.lin_concate(sum_by(messages.flatten(start_dim=1), target, len(x)))
        updated: Tensor = functional.silu(self.bn(sums)) + self.lin_skip(x)
        return updated

    def _heads(self, rows: Tensor) -> Tensor:
        """`[rows, h C]` to `[rows, h, C]`."""
        return rows.view(len(rows), self.heads, rows.shape[1] // self.heads)


class Matformer(PropertyModel):
    """Matformer."""

    kind = "matformer"
    last_element = LAST_FEATURED_ELEMENT

    def __init__(self, settings: MatformerSettings | None = None, head: HeadSize | None = None) -> None:
        super().__init__(head)
        self.settings = settings = MatformerSettings() if settings is None else settings
        width = settings.width
        self.atom_embedding = nn.Linear(ATOM_FEATURES, width)
        self.rbf = perceptron([settings.gaussians, width, width], Softplus)
        self.att_layers = nn.ModuleList(Attention(width, settings.heads) for _ in range(settings.layers))
        if self.add_site_head(width, width) and head is not None:
            self.fc = nn.Linear(width, settings.head_width)
            self.fc_out = nn.Linear(settings.head_width, head.outputs)

    @property
    def inputs(self) -> Inputs:
        """The undirected multigraph with edges along the lattice."""
        return Inputs(graph=Graph.UNDIRECTED_WITH_LATTICE)

    def encode(self, batch: Batch) -> Encoding:
        """Returns x of every atom, `[N, width]`; there are no crystals."""
        x: Tensor = self.atom_embedding(atom_features(batch.atomic_numbers, self.dtype))
        gaussians = Gaussians.between(0.0, LONGEST_DISTANCE_ANGSTROM, self.settings.gaussians)
        w = self.rbf(gaussians.expand(batch.distances).to(x.dtype))
        for layer in self.att_layers:
            x = layer(x, w, batch.source, batch.target)
        return Encoding(x, None)

    def read_out(self, encoding: Encoding, batch: Batch) -> Tensor:
        """Returns the outputs of every crystal, `[B, K]`."""
        pool = mean_by(encoding.atoms, batch.crystal_of_atom, batch.crystals)
        outputs: Tensor = self.fc_out(functional.silu(self.fc(pool)))
        return outputs
