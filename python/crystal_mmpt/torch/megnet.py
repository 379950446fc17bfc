"""MEGNet (Chen et al. 2019, doi:10.1021/acs.chemmater.9b01294): blocks that update edges, atoms and a global state of
every crystal in turn.

    v = node_in(embedding(Z)), e = edge_in(g(d)), u = state_in(0)
    v, e, u ← v + v', e + e', u + u'                       in each block, see `Block`
    ŷ = head([s2s_node(v) ‖ s2s_edge(e) ‖ u])

Letters in shapes: B crystals, N atoms, E edges, K outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from .batch import Batch, Inputs
from .layers import ATOM_TYPES, KERAS_BOUND, Gaussians, ShiftedSoftplus, initialise_xavier, mean_by, perceptron
from .model import Encoding, HeadSize, PropertyModel
from .set2set import Set2Set

GAUSSIAN_WIDTH_ANGSTROM = 0.5
"""Width of the Gaussians of the style "lstm": `γ = 1/width²`."""


@dataclass(frozen=True)
class MEGNetSettings:
    """Sizes and variants; the defaults are those of MMPT's paper for MatBench."""

    edges: str = "r5"
    """Edges of the stores."""
    style: Literal["kgcnn", "lstm"] = "kgcnn"
    """Implementation: that of MatBench's leaderboard, whose readouts have no memory, or readouts with an LSTM."""
    embedding_width: int = 64
    """Width of the embedding of an element."""
    state_width: int = 1
    """Numbers of the global state, which are all zero."""
    gaussians: int = 25
    """Gaussians of a distance."""
    gaussians_end: float = 9.0
    """Where the centres of the Gaussians of the style "lstm" end, in Å."""
    inner_width: int = 64
    """Width of the first layer of an input or feed-forward network."""
    width: int = 32
    """Width of the features of atoms, edges and crystals."""
    block_widths: tuple[int, ...] = (64, 32, 32)
    """Widths of the layers of a block's three networks; the last is the width of the features."""
    blocks: int = 3
    """Blocks."""
    readout_width: int = 16
    """Width of the readouts."""
    readout_steps: int = 3
    """Steps of the readouts."""


class Features(NamedTuple):
    """Features of a batch."""

    v: Tensor
    """Atoms, `[N, width]`."""
    e: Tensor
    """Edges, `[E, width]`."""
    u: Tensor
    """States of the crystals, `[B, width]`."""


class Block(nn.Module):
    """A block: from the features v, e and u, fed forward in all blocks but the first,

        e' = phi_e([v_target ‖ v_source ‖ e ‖ u])
        v' = phi_v([mean_{e into i} e' ‖ v ‖ u])
        u' = phi_u([mean over the crystal's edges of e' ‖ mean over its atoms of v' ‖ u])

    to v + v', e + e' and u + u', with the features before they are fed forward.
    """

    def __init__(self, settings: MEGNetSettings, *, feeds_forward: bool) -> None:
        super().__init__()
        width = settings.width

        def feeding() -> nn.Module:
            widths = [width, settings.inner_width, width]
            return perceptron(widths, ShiftedSoftplus, activate_last=True) if feeds_forward else nn.Identity()

        self.node_ff, self.edge_ff, self.state_ff = feeding(), feeding(), feeding()
        self.phi_e = perceptron([4 * width, *settings.block_widths], ShiftedSoftplus)
        self.phi_v = perceptron([3 * width, *settings.block_widths], ShiftedSoftplus)
        self.phi_u = perceptron([3 * width, *settings.block_widths], ShiftedSoftplus)

    def forward(self, before: Features, batch: Batch, crystal_of_edge: Tensor) -> Features:
        """Updates the features; `crystal_of_edge` is the index of the crystal of every edge, `[E]`."""
        v, e, u = self.node_ff(before.v), self.edge_ff(before.e), self.state_ff(before.u)
        e = self.phi_e(torch.cat([v[batch.target], v[batch.source], e, u[crystal_of_edge]], dim=1))
        of_edges = mean_by(e, batch.target, batch.atoms)
        v = self.phi_v(torch.cat([of_edges, v, u[batch.crystal_of_atom]], dim=1))
        means = [mean_by(e, crystal_of_edge, batch.crystals), mean_by(v, batch.crystal_of_atom, batch.crystals)]
        u = self.phi_u(torch.cat([*means, u], dim=1))
        return Features(before.v + v, before.e + e, before.u + u)


class MEGNet(PropertyModel):
    """MEGNet in the style of kgcnn, or with an LSTM in its readouts."""

    kind = "megnet"

    def __init__(self, settings: MEGNetSettings | None = None, head: HeadSize | None = None) -> None:
        super().__init__(head)
        self.settings = settings = MEGNetSettings() if settings is None else settings
        width, inner, readout = settings.width, settings.inner_width, settings.readout_width
        has_memory = settings.style == "lstm"

        def entry(inputs: int) -> nn.Sequential:
            return perceptron([inputs, inner, width], ShiftedSoftplus, activate_last=True)

        self.embedding = nn.Embedding(ATOM_TYPES, settings.embedding_width)
        self.node_in = entry(settings.embedding_width)
        self.edge_in = entry(settings.gaussians)
        self.state_in = entry(settings.state_width)
        self.blocks = nn.ModuleList(Block(settings, feeds_forward=index > 0) for index in range(settings.blocks))
        self.s2s_node = Set2Set(width, readout, settings.readout_steps, has_memory=has_memory)
        self.s2s_edge = Set2Set(width, readout, settings.readout_steps, has_memory=has_memory)
        if self.add_site_head(width, width) and head is not None:
            self.head = perceptron([4 * readout + width, width, readout, head.outputs], ShiftedSoftplus)
        initialise_xavier(self)
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
        return Gaussians.between(0.0, self.settings.gaussians_end, count, 1.0 / GAUSSIAN_WIDTH_ANGSTROM**2)

    def encode(self, batch: Batch) -> Encoding:
        """Returns v of every atom, `[N, width]`, and both readouts with the state of every crystal,
        `[B, 4 · readout_width + width]`."""
        embedded = self.embedding(batch.atomic_numbers)
        features = Features(
            v=self.node_in(embedded),
            e=self.edge_in(self.gaussians.expand(batch.distances).to(embedded.dtype)),
            u=self.state_in(embedded.new_zeros(batch.crystals, self.settings.state_width)),
        )
        crystal_of_edge = batch.crystal_of_atom[batch.target]
        for block in self.blocks:
            features = block(features, batch, crystal_of_edge)
        of_atoms = self.s2s_node(features.v, batch.crystal_of_atom, batch.crystals)
        of_edges = self.s2s_edge(features.e, crystal_of_edge, batch.crystals)
        return Encoding(features.v, torch.cat([of_atoms, of_edges, features.u], dim=1))

    def read_out(self, encoding: Encoding, batch: Batch) -> Tensor:  # noqa: ARG002
        """Returns the outputs of every crystal, `[B, K]`."""
        outputs: Tensor = self.head(encoding.crystals)
        return outputs
