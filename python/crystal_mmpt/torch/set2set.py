"""Set2Set (Vinyals et al. 2016, arXiv:1511.06391): readouts of sets of any size."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .layers import softmax_by, sum_by

_GATES = 4
_FORGET = 1
"""Place of the forget gate among i, f, g, o."""


class Lstm(nn.Module):
    """A long short-term memory (doi:10.1162/neco.1997.9.8.1735), or its gates alone:

        [i ‖ f ‖ g ‖ o] = weight_ih q* + weight_hh h + bias
        c ← sigmoid(i) ⊙ tanh(g) + sigmoid(f) ⊙ c
        h ← sigmoid(o) ⊙ tanh(c)

    Without `weight_hh`, h and c are 0 before every step, and the rows of f have no effect.
    """

    def __init__(self, width: int, *, has_memory: bool) -> None:
        super().__init__()
        gates = _GATES * width
        self.weight_ih = nn.Parameter(nn.init.xavier_uniform_(torch.empty(gates, 2 * width)))
        self.weight_hh = nn.Parameter(nn.init.orthogonal_(torch.empty(gates, width))) if has_memory else None
        bias = torch.zeros(_GATES, width)
        bias[_FORGET] = 1.0
        self.bias = nn.Parameter(bias.flatten())

    def forward(self, inputs: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Returns h and c after a step: inputs `[sets, 2 · width]`, h and c `[sets, width]` each."""
        gates = inputs @ self.weight_ih.T + self.bias
        if self.weight_hh is None:
            cell = torch.zeros_like(cell)
        else:
            gates = gates + hidden @ self.weight_hh.T
        i, f, g, o = gates.chunk(_GATES, dim=1)
        cell = torch.sigmoid(i) * torch.tanh(g) + torch.sigmoid(f) * cell
        return torch.sigmoid(o) * torch.tanh(cell), cell


class Set2Set(nn.Module):
    """A readout that asks for the rows of a set in several steps. From `m = proj(x)` and `q* = 0`, each step makes a
    query, a mean of the rows weighted by their similarity to it, and the next input:

        q  = LSTM(q*)
        a  = softmax(m · q)              over the rows of the set
        q* = [q ‖ Σ a m]                 the sum is 0 for an empty set
    """

    def __init__(self, inputs: int, width: int, steps: int, *, has_memory: bool) -> None:
        super().__init__()
        self.steps = steps
        self.proj = nn.Linear(inputs, width)
        self.lstm = Lstm(width, has_memory=has_memory)

    def forward(self, x: Tensor, group: Tensor, sets: int) -> Tensor:
        """Reads sets out.

        Shapes:
            x `[rows, inputs]`, index of the set of every row `[rows]`, output `[sets, 2 · width]`.
        """
        rows = self.proj(x)
        hidden = cell = rows.new_zeros(sets, rows.shape[1])
        readout: Tensor = rows.new_zeros(sets, 2 * rows.shape[1])
        for _ in range(self.steps):
            hidden, cell = self.lstm(readout, hidden, cell)
            weights = softmax_by((rows * hidden[group]).sum(dim=1), group, sets)
            readout = torch.cat([hidden, sum_by(weights[:, None] * rows, group, sets)], dim=1)
        return readout
