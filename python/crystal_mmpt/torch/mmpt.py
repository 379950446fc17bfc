"""MMPT (Yu et al., arXiv:2306.05344; specification, section 4): a periodic multigraph network for the atoms, and a
transformer for the lattice.

Letters in shapes: B crystals, N atoms, E edges, K outputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from .bases import RADIAL, spherical_angular, spherical_radial
from .batch import Batch, Inputs
from .dimenet import BlockSizes, Geometry, Interaction, Output, RadialBasis
from .graphs import Graph
from .lattice import TOKENS, LatticeEncoder
from .layers import ATOM_TYPES, max_by, mean_by, perceptron, softmax_by, sum_by
from .model import Encoding, HeadSize, PropertyModel

ATTENTION_SLOPE = 0.2
"""Slope of the LeakyReLU in the attention for negative scores."""


@dataclass(frozen=True)
class MMPTSettings:
    """Sizes and variants; the defaults are the paper's, or the specification's choices where it is silent."""

    graph: Literal["multigraph", "simple"] = "multigraph"
    """Edges: all of the store's, or the nearest image alone of each pair of different atoms."""
    attention: bool = True
    """Whether neighbours' embeddings are mixed in by attention (Eq. 6)."""
    attention_values: Literal["raw", "projected"] = "raw"
    """What the attention sums: embeddings a_j, or their projections W a_j."""
    hidden: int = 128
    """Width of atom embeddings and edge messages."""
    structure_width: int = 64
    """Width of h_S, the encoding of an atom."""
    interaction_blocks: int = 4
    """Interaction blocks of DimeNet++."""
    interaction_width: int = 64
    """Width of the messages inside the sum over triplets."""
    layers_before_skip: int = 1
    """Residual layers before an interaction block's skip connection."""
    layers_after_skip: int = 2
    """Residual layers after it."""
    output_width: int = 256
    """Width of the output blocks."""
    output_layers: int = 3
    """Hidden layers of each output block."""
    lattice_width: int = 8
    """Width of a lattice token; h_L is twice as wide."""
    lattice_heads: int = 2
    """Attention heads of the lattice encoder."""
    lattice_feed_forward: int = 32
    """Width of the lattice encoder's feed-forward layer."""


class MultigraphAttention(nn.Module):
    """Attention over the edges into every atom, parallel ones included (Eq. 6). For an edge e into atom i:

        r_e = att_t · W a_i + att_s · W a_src(e)
        ε_e = softmax of LeakyReLU(r_e) over the edges that end at i
        â_i = FC(Σ_e ε_e a_src(e))

    The sum is one of `W a_src(e)` for projected values. Without attention, `â_i = FC(a_i)`.
    """

    def __init__(self, settings: MMPTSettings) -> None:
        super().__init__()
        width = settings.hidden
        self.settings = settings
        self.a_tgt = nn.Parameter(torch.empty(width))
        self.a_src = nn.Parameter(torch.empty(width))
        self.W = nn.Linear(width, width, bias=False)
        self.fc = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.W.weight)
        # Xavier's bound of a [2 · width, 1] matrix: both vectors act as one on the pair.
        bound = math.sqrt(6.0 / (2 * width))
        for vector in (self.a_tgt, self.a_src):
            nn.init.uniform_(vector, -bound, bound)

    def weights(self, projected: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Returns ε of every edge from the projections `W a [N, hidden]`, `[E]`."""
        scores = (projected @ self.a_tgt)[target] + (projected @ self.a_src)[source]
        return softmax_by(functional.leaky_relu(scores, ATTENTION_SLOPE), target, len(projected))

    def forward(self, embedding: Tensor, source: Tensor, target: Tensor) -> Tensor:
        """Mixes embeddings: input a and output â `[N, hidden]`."""
        mixed = embedding
        if self.settings.attention:
            projected = self.W(embedding)
            weights = self.weights(projected, source, target)
            values = embedding if self.settings.attention_values == "raw" else projected
            mixed = sum_by(weights[:, None] * values[source], target, len(embedding))
        attended: Tensor = self.fc(mixed)
        return attended


class StructureEncoder(nn.Module):
    """Atom embedding, attention and DimeNet++: the first message of an edge is
    `m_e = SiLU(emb_lin [â_tgt ‖ â_src ‖ SiLU(emb_rbf rbf_e)])`, and `h_S = Σ_b out_b(m_b)` over the output blocks b,
    without pooling over atoms."""

    def __init__(self, settings: MMPTSettings) -> None:
        super().__init__()
        width = settings.hidden
        sizes = BlockSizes(**{name: getattr(settings, name) for name in BlockSizes.__dataclass_fields__})
        self.atom_emb = nn.Embedding(ATOM_TYPES, width)
        nn.init.uniform_(self.atom_emb.weight, -math.sqrt(3.0), math.sqrt(3.0))
        self.attn = MultigraphAttention(settings)
        self.rbf = RadialBasis()
        self.emb_rbf = nn.Linear(RADIAL, width)
        self.emb_lin = nn.Linear(3 * width, width)
        self.inter = nn.ModuleList(Interaction(sizes) for _ in range(settings.interaction_blocks))
        self.out = nn.ModuleList(Output(sizes) for _ in range(settings.interaction_blocks + 1))

    def forward(self, batch: Batch) -> Tensor:
        """Returns h_S of every atom, `[N, structure_width]`."""
        atoms = self.attn(self.atom_emb(batch.atomic_numbers), batch.source, batch.target)
        x = batch.distances / batch.cutoff_angstrom
        radial = self.rbf(x)
        geometry = self.geometry(batch, x)
        ends = [atoms[batch.target], atoms[batch.source], functional.silu(self.emb_rbf(radial))]
        messages = functional.silu(self.emb_lin(torch.cat(ends, dim=1)))
        structure: Tensor = self.out[0](messages, radial, geometry)
        for interaction, output in zip(self.inter, self.out[1:], strict=True):
            messages = interaction(messages, radial, geometry)
            structure = structure + output(messages, radial, geometry)
        return structure

    def geometry(self, batch: Batch, x: Tensor) -> Geometry:
        """Returns edges and triplets with the spherical basis, from scaled distances `x [E]`."""
        incoming, outgoing = batch.triplet_pairs
        angular = spherical_angular(batch.triplet_cosines)
        by_degree = spherical_radial(x).view(len(x), angular.shape[1], RADIAL)[incoming]
        spherical = (by_degree * angular[:, :, None]).flatten(start_dim=1).to(self.emb_lin.weight.dtype)
        return Geometry(batch.source, batch.target, incoming, outgoing, spherical, batch.atoms)


class MMPT(PropertyModel):
    """MMPT's encoder: h_S of every atom and h_L of every lattice. The head is
    `ŷ = MLP([h_L ‖ max_i h_S,i ‖ mean_i h_S,i])` with three hidden layers.

    The decoders of the pre-training are not part of it.
    """

    kind = "mmpt"

    def __init__(self, settings: MMPTSettings | None = None, head: HeadSize | None = None) -> None:
        super().__init__(head)
        self.settings = settings = MMPTSettings() if settings is None else settings
        self.structure = StructureEncoder(settings)
        sizes = (settings.lattice_width, settings.lattice_heads, settings.lattice_feed_forward)
        self.lattice = LatticeEncoder(*sizes)
        if self.add_site_head(settings.structure_width, 0 if head is None else head.width) and head is not None:
            features = TOKENS * settings.lattice_width + 2 * settings.structure_width
            self.head = perceptron([features, head.width, head.width, head.width, head.outputs])

    @property
    def inputs(self) -> Inputs:
        """Edges of the settings, and their triplets."""
        return Inputs(graph=Graph(self.settings.graph), triplets=True)

    def encode(self, batch: Batch) -> Encoding:
        """Returns h_S of every atom, `[N, structure_width]`, and h_L of every lattice, `[B, 2 · lattice_width]`."""
        return Encoding(self.structure(batch), self.lattice(batch.lattice_parameters))

    def read_out(self, encoding: Encoding, batch: Batch) -> Tensor:
        """Returns the outputs of every crystal, `[B, K]`."""
        outputs: Tensor = self.head(self.pooled(encoding, batch))
        return outputs

    def pooled(self, encoding: Encoding, batch: Batch) -> Tensor:
        """Returns the head's input `[h_L ‖ max h_S ‖ mean h_S]`, `[B, 2 · lattice_width + 2 · structure_width]`."""
        atoms, lattices = encoding
        grouping = (batch.crystal_of_atom, batch.crystals)
        pools = [max_by(atoms, *grouping), mean_by(atoms, *grouping)]
        return torch.cat(([] if lattices is None else [lattices]) + pools, dim=1)
