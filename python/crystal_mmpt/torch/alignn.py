"""ALIGNN (Choudhary and DeCost 2021, doi:10.1038/s41524-021-00650-1): gated convolutions on the undirected multigraph
of a crystal and on its line graph, whose nodes are the edges of the crystal.

    emb(a) = SiLU(bn(linear(a)))
    x = emb(f92)        y = emb(emb(g(d)))        z = emb(emb(g(cos θ)))                  atoms, edges, pairs
    (x, y) ← node_update(x, y; crystal)           (y, z) ← edge_update(y, z; line graph)  in every ALIGNN layer
    (x, y) ← layer(x, y; crystal)                                                         in every GCN layer
    ŷ = fc(mean_i x_i)

Letters in shapes: B crystals, N atoms, E edges, L pairs of the line graph, K outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from .batch import Batch, Inputs
from .graphs import Graph
from .layers import (
    ATOM_FEATURES,
    LAST_FEATURED_ELEMENT,
    BatchNorm,
    Gaussians,
    atom_features,
    mean_by,
    sum_by,
)
from .model import Encoding, HeadSize, PropertyModel

LONGEST_DISTANCE_ANGSTROM = 8.0
"""Centre of the last Gaussian of a distance."""
GATE_EPSILON = 1e-6
"""Added to the sum of the gates into a node."""


@dataclass(frozen=True)
class ALIGNNSettings:
    """Sizes and variants; the defaults are the published ones."""

    edges: str = "knn12"
    """Edges of the stores, from which the undirected multigraph is made."""
    self_edges: Literal["twice", "once"] = "twice"
    """How often an edge from an atom to its own image is in the multigraph: "twice" as published; with "once" a
    supercell has the same prediction."""
    width: int = 256
    """Width of the features of atoms, edges and angles."""
    embedding_width: int = 64
    """Width of the first layer of the embeddings of edges and angles."""
    alignn_layers: int = 4
    """Layers on the multigraph and its line graph."""
    gcn_layers: int = 4
    """Layers on the multigraph alone."""
    edge_gaussians: int = 80
    """Gaussians of a distance."""
    angle_gaussians: int = 40
    """Gaussians of the cosine of an angle."""


def embedding(inputs: int, outputs: int) -> nn.Sequential:
    """Returns `SiLU(bn(linear(a)))`, `[rows, inputs]` to `[rows, outputs]`."""
    return nn.Sequential(nn.Linear(inputs, outputs), BatchNorm(outputs), nn.SiLU())


class EdgeGated(nn.Module):
    """An edge-gated convolution on a graph of nodes x and edges y:

        m_e = src_gate(x_source) + dst_gate(x_target) + edge_gate(y_e)              σ_e = sigmoid(m_e)
        h_i = Σ_{e into i} σ_e ⊙ dst_update(x_source) / (Σ_{e into i} σ_e + 1e-6)
        x_i ← x_i + SiLU(bn_nodes(src_update(x_i) + h_i))
        y_e ← y_e + SiLU(bn_edges(m_e))

    The names are those of the published code: `src_update` is of the node that receives, `dst_update` of the one that
    sends.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.src_gate = nn.Linear(width, width)
        self.dst_gate = nn.Linear(width, width)
        self.edge_gate = nn.Linear(width, width)
        self.bn_edges = BatchNorm(width)
        self.src_update = nn.Linear(width, width)
        self.dst_update = nn.Linear(width, width)
        self.bn_nodes = BatchNorm(width)

    def forward(self, x: Tensor, y: Tensor, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Updates nodes `x [nodes, width]` and edges `y [edges, width]` with the ends `source` and `target [edges]`."""
        gates = self.src_gate(x)[source] + self.dst_gate(x)[target] + self.edge_gate(y)
        shares = torch.sigmoid(gates)
        sums = sum_by(shares * self.dst_update(x)[source], target, len(x))
        received = sums / (sum_by(shares, target, len(x)) + GATE_EPSILON)
        x = x + functional.silu(self.bn_nodes(self.src_update(x) + received))
        y = y + functional.silu(self.bn_edges(gates))
        return x, y


class ALIGNNLayer(nn.Module):
    """An update of the atoms by their edges, then one of the edges by the angles between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.node_update = EdgeGated(width)
        self.edge_update = EdgeGated(width)

    def forward(self, x: Tensor, y: Tensor, z: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Updates atoms `x [N, width]`, edges `y [E, width]` and pairs `z [L, width]`."""
        x, y = self.node_update(x, y, batch.source, batch.target)
        y, z = self.edge_update(y, z, *batch.line_pairs)
        return x, y, z


class ALIGNN(PropertyModel):
    """ALIGNN."""

    kind = "alignn"
    last_element = LAST_FEATURED_ELEMENT

    def __init__(self, settings: ALIGNNSettings | None = None, head: HeadSize | None = None) -> None:
        super().__init__(head)
        self.settings = settings = ALIGNNSettings() if settings is None else settings
        width, first = settings.width, settings.embedding_width
        self.atom_embedding = embedding(ATOM_FEATURES, width)
        self.edge_embedding = nn.Sequential(embedding(settings.edge_gaussians, first), embedding(first, width))
        self.angle_embedding = nn.Sequential(embedding(settings.angle_gaussians, first), embedding(first, width))
        self.alignn_layers = nn.ModuleList(ALIGNNLayer(width) for _ in range(settings.alignn_layers))
        self.gcn_layers = nn.ModuleList(EdgeGated(width) for _ in range(settings.gcn_layers))
        if self.add_site_head(width, width) and head is not None:
            self.fc = nn.Linear(width, head.outputs)

    @property
    def inputs(self) -> Inputs:
        """The undirected multigraph and its line graph."""
        is_once = self.settings.self_edges == "once"
        return Inputs(graph=Graph.UNDIRECTED_ONCE if is_once else Graph.UNDIRECTED, line_graph=True)

    def encode(self, batch: Batch) -> Encoding:
        """Returns x of every atom, `[N, width]`; there are no crystals."""
        x: Tensor = self.atom_embedding(atom_features(batch.atomic_numbers, self.dtype))
        distances = Gaussians.between(0.0, LONGEST_DISTANCE_ANGSTROM, self.settings.edge_gaussians)
        y = self.edge_embedding(distances.expand(batch.distances).to(x.dtype))
        cosines = Gaussians.between(-1.0, 1.0, self.settings.angle_gaussians)
        z = self.angle_embedding(cosines.expand(batch.line_cosines).to(x.dtype))
        for layer in self.alignn_layers:
            x, y, z = layer(x, y, z, batch)
        for layer in self.gcn_layers:
            x, y = layer(x, y, batch.source, batch.target)
        return Encoding(x, None)

    def read_out(self, encoding: Encoding, batch: Batch) -> Tensor:
        """Returns the outputs of every crystal, `[B, K]`."""
        outputs: Tensor = self.fc(mean_by(encoding.atoms, batch.crystal_of_atom, batch.crystals))
        return outputs
