"""The blocks of DimeNet++ (arXiv:2011.14115), as MMPT's structure encoder has them (specification, section 4.2).

Letters in shapes: N atoms, E edges, T triplets k→j→i of the edges kj and ji.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .bases import RADIAL, SPHERICAL, envelope
from .layers import sum_by

BASIS_WIDTH = 8
"""Width between the two linear maps of each basis."""


@dataclass(frozen=True)
class BlockSizes:
    """Sizes of the blocks; the names are those of the settings."""

    hidden: int
    interaction_width: int
    layers_before_skip: int
    layers_after_skip: int
    output_width: int
    output_layers: int
    structure_width: int


class Geometry(NamedTuple):
    """Edges and triplets of a batch with their bases."""

    source: Tensor
    """Index of the atom j of every edge, `[E]`."""
    target: Tensor
    """Index of the atom i of every edge, `[E]`."""
    incoming: Tensor
    """Index of the edge kj of every triplet, `[T]`."""
    outgoing: Tensor
    """Index of the edge ji of every triplet, `[T]`."""
    spherical: Tensor
    """`S_kj ⊗ Y(cos θ)` of every triplet, `[T, 42]`."""
    atoms: int
    """Number of atoms N."""


def initialise_orthogonal(module: nn.Module) -> None:
    """Draws the weights of all linear layers in a module as (semi-)orthogonal matrices Q, scaled to
    `Q · √(2 / ((rows + columns) · var(Q)))`, and sets their biases to 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.orthogonal_(layer.weight)
            with torch.no_grad():
                layer.weight *= torch.sqrt(2.0 / (sum(layer.weight.shape) * layer.weight.var()))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class RadialBasis(nn.Module):
    """`rbf_n(x) = u(x) sin(ω_n x)` of scaled distances x, with the envelope u and trainable frequencies ω, at first
    `ω_n = nπ`."""

    def __init__(self) -> None:
        super().__init__()
        self.freq = nn.Parameter(torch.arange(1, RADIAL + 1) * torch.pi)

    def forward(self, x: Tensor) -> Tensor:
        """`x [E]` to `[E, 6]`, in the precision of the frequencies."""
        dtype = self.freq.dtype
        return envelope(x).to(dtype)[:, None] * torch.sin(x.to(dtype)[:, None] * self.freq)


class Residual(nn.Module):
    """`h + SiLU(lin2 SiLU(lin1 h))`."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.lin1 = nn.Linear(width, width)
        self.lin2 = nn.Linear(width, width)

    def forward(self, h: Tensor) -> Tensor:
        """Input and output `[E, hidden]`."""
        return h + functional.silu(self.lin2(functional.silu(self.lin1(h))))


class Interaction(nn.Module):
    """Interaction block: messages of the edges kj into atom j act on those of the edges ji out of it.

    With `x_kj = SiLU(lin_down(SiLU(lin_kj m_kj) ⊙ lin_rbf2 lin_rbf1 rbf_kj))`:

        y_ji = Σ_{k→j→i} x_kj ⊙ lin_sbf2 lin_sbf1 (S_kj ⊗ Y(cos θ))
        h    = SiLU(lin_ji m_ji) + SiLU(lin_up y_ji)

    followed by the residual layers before the skip connection, `h ← m_ji + SiLU(lin h)`, and those after it.
    """

    def __init__(self, sizes: BlockSizes) -> None:
        super().__init__()
        width, inner = sizes.hidden, sizes.interaction_width
        self.lin_rbf1 = nn.Linear(RADIAL, BASIS_WIDTH, bias=False)
        self.lin_rbf2 = nn.Linear(BASIS_WIDTH, width, bias=False)
        self.lin_sbf1 = nn.Linear(SPHERICAL, BASIS_WIDTH, bias=False)
        self.lin_sbf2 = nn.Linear(BASIS_WIDTH, inner, bias=False)
        self.lin_kj = nn.Linear(width, width)
        self.lin_ji = nn.Linear(width, width)
        self.lin_down = nn.Linear(width, inner, bias=False)
        self.lin_up = nn.Linear(inner, width, bias=False)
        self.layers_before_skip = nn.ModuleList(Residual(width) for _ in range(sizes.layers_before_skip))
        self.lin = nn.Linear(width, width)
        self.layers_after_skip = nn.ModuleList(Residual(width) for _ in range(sizes.layers_after_skip))
        initialise_orthogonal(self)

    def forward(self, messages: Tensor, radial: Tensor, geometry: Geometry) -> Tensor:
        """Returns the updated messages.

        Shapes:
            messages and output `[E, hidden]`, radial basis `[E, 6]`.
        """
        gated = functional.silu(self.lin_kj(messages)) * self.lin_rbf2(self.lin_rbf1(radial))
        arriving = functional.silu(self.lin_down(gated))
        turned = arriving[geometry.incoming] * self.lin_sbf2(self.lin_sbf1(geometry.spherical))
        heard = sum_by(turned, geometry.outgoing, len(messages))
        h = functional.silu(self.lin_ji(messages)) + functional.silu(self.lin_up(heard))
        for layer in self.layers_before_skip:
            h = layer(h)
        h = messages + functional.silu(self.lin(h))
        for layer in self.layers_after_skip:
            h = layer(h)
        return h


class Output(nn.Module):
    """Output block: `lin(lins(lin_up Σ_{e into i} m_e ⊙ lin_rbf rbf_e))`, with SiLU after each of `lins`. Its last
    layer begins as zero."""

    def __init__(self, sizes: BlockSizes) -> None:
        super().__init__()
        width = sizes.output_width
        self.lin_rbf = nn.Linear(RADIAL, sizes.hidden, bias=False)
        self.lin_up = nn.Linear(sizes.hidden, width, bias=False)
        self.lins = nn.ModuleList(nn.Linear(width, width) for _ in range(sizes.output_layers))
        self.lin = nn.Linear(width, sizes.structure_width, bias=False)
        initialise_orthogonal(self)
        nn.init.zeros_(self.lin.weight)

    def forward(self, messages: Tensor, radial: Tensor, geometry: Geometry) -> Tensor:
        """Reads messages out.

        Shapes:
            messages `[E, hidden]`, radial basis `[E, 6]`, output `[N, structure_width]`.
        """
        h: Tensor = self.lin_up(sum_by(messages * self.lin_rbf(radial), geometry.target, geometry.atoms))
        for layer in self.lins:
            h = functional.silu(layer(h))
        output: Tensor = self.lin(h)
        return output
