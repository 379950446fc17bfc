"""Layers that several encoders share.

Letters in shapes: rows of any kind (atoms, edges, pairs of edges), groups of rows (crystals, atoms).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise

import torch
from torch import Tensor, nn

ATOM_TYPES = 119
"""Rows of an embedding of elements: the row is the atomic number, row 0 is unused."""
ATOM_FEATURES = 92
"""Features of an element in the table of CGCNN."""
LAST_FEATURED_ELEMENT = 100
"""Last atomic number with a row in that table."""
KERAS_BOUND = 0.05
"""Bound of the first vectors of the elements in models that follow Keras."""
NORM_EPSILON = 1e-5
"""Added to the variance in normalisations."""
NEGLIGIBLE = 1e-25
"""Gaussians below this are 0: by the subnormal numbers that their products would be, many processors are slowed."""
MOMENTUM = 0.1
"""Share of a batch's moments in the running statistics of a batch normalisation."""


def sum_by(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """Returns the sum of the rows of each group; 0 for a group without rows.

    Shapes:
        values `[rows, width]`, group `[rows]`, output `[groups, width]`.
    """
    return values.new_zeros(groups, values.shape[1]).index_add(0, group, values)


def mean_by(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """Returns the mean of the rows of each group; 0 for a group without rows. Shapes as in `sum_by`."""
    counts = sum_by(values.new_ones(len(values), 1), group, groups).clamp(min=1.0)
    return sum_by(values, group, groups) / counts


def max_by(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """Returns the maximum of the rows of each group, which has to have rows. Rows that share it, such as those of atoms
    related by symmetry, share its gradient in equal parts. Shapes as in `sum_by`."""
    index = group[:, None].expand_as(values)
    lowest = values.new_full((groups, values.shape[1]), -math.inf)
    return lowest.scatter_reduce(0, index, values, "amax", include_self=False)


def softmax_by(scores: Tensor, group: Tensor, groups: int) -> Tensor:
    """Returns the softmax of scores over the rows of each group.

    Shapes:
        scores and output `[rows]`, group `[rows]`.
    """
    largest = max_by(scores.detach()[:, None], group, groups)[group, 0]
    exponentials = torch.exp(scores - largest)
    return exponentials / sum_by(exponentials[:, None], group, groups)[group, 0]


class ShiftedSoftplus(nn.Module):
    """`ssp(x) = ln(1 + eˣ) - ln 2`, the activation of SchNet (arXiv:1706.08566) and MEGNet."""

    def forward(self, x: Tensor) -> Tensor:
        """Applies the function to every number."""
        return softplus(x) - math.log(2.0)


def softplus(x: Tensor) -> Tensor:
    """Returns `ln(1 + eˣ)` without overflow, and without PyTorch's cut at 20, which costs 2e-9."""
    return torch.relu(x) + torch.log1p(torch.exp(-x.abs()))


class Softplus(nn.Module):
    """`softplus(x) = ln(1 + eˣ)`."""

    def forward(self, x: Tensor) -> Tensor:
        """Applies the function to every number."""
        return softplus(x)


def perceptron(
    widths: Sequence[int], activation: type[nn.Module] = nn.ReLU, *, activate_last: bool = False
) -> nn.Sequential:
    """Returns linear layers with an activation between them, and after the last one if asked. Linear layer i has the
    name `2i`.

    Shapes:
        input `[rows, widths[0]]`, output `[rows, widths[-1]]`.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*(layers if activate_last else layers[:-1]))


def initialise_xavier(module: nn.Module) -> None:
    """Draws the weights of all linear layers in a module from `U(±√(6/(in + out)))` and sets their biases to 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class BatchNorm(nn.Module):
    """Batch normalisation (arXiv:1502.03167) over the rows of a batch.

    In training, `y = (x - mean)/√(variance + 1e-5) · weight + bias` with mean and biased variance of the batch, and the
    running statistics take a tenth of the mean and of the unbiased variance. In evaluation, y is made with the running
    statistics. It has the parameters of a weights file and none besides.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalises the columns of `x`.

        Shapes:
            input and output `[rows, width]`.

        Raises:
            ValueError: In training for a single row, which has no variance.
        """
        mean, variance, rows = self.running_mean, self.running_var, len(x)
        if self.training and rows == 1:
            raise ValueError("a batch normalisation cannot be trained on a single row, which has no variance")
        # No rows have no moments.
        if self.training and rows > 1:
            # As accurate for many rows as for few, which `torch.nn.functional.batch_norm` is not on a CPU.
            variance, mean = torch.var_mean(x, dim=0, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, MOMENTUM)
                self.running_var.lerp_(variance * (rows / (rows - 1)), MOMENTUM)
        return (x - mean) * (torch.rsqrt(variance + NORM_EPSILON) * self.weight) + self.bias


@dataclass(frozen=True)
class Gaussians:
    """The functions `g_n(d) = exp(-γ (d - c_n)²)` with the centres `c_n = first + n · step`; 0 below `NEGLIGIBLE`."""

    first: float
    """The first centre, in the unit of d."""
    step: float
    """Distance between two centres, in the unit of d."""
    count: int
    """Number of functions."""
    gamma: float
    """γ, in the inverse square of the unit of d."""

    @classmethod
    def between(cls, first: float, last: float, count: int, gamma: float | None = None) -> Gaussians:
        """Functions with centres from `first` to `last`, both included; γ is `1/step` by default, as in ALIGNN's and
        Matformer's published code."""
        step = (last - first) / (count - 1)
        return cls(first, step, count, 1.0 / step if gamma is None else gamma)

    @classmethod
    def kgcnn(cls, count: int) -> Gaussians:
        """Functions of distances in Å as kgcnn has them: a width of 0.4 Å, and centres from 0 up to, but without,
        5 Å."""
        return cls(0.0, 5.0 / count, count, 1.0 / (2.0 * 0.4**2))

    def expand(self, values: Tensor) -> Tensor:
        """Expands numbers.

        Shapes:
            input `[rows]`, output `[rows, count]`.
        """
        places = torch.arange(self.count, dtype=values.dtype, device=values.device)
        gaussians = torch.exp(-self.gamma * (values[:, None] - (self.first + self.step * places)) ** 2)
        return nn.functional.threshold(gaussians, NEGLIGIBLE, 0.0)


@cache
def atom_feature_table() -> Tensor:
    """Returns the features of every element, `[119, 92]`, by atomic number; zeros for 0 and for elements after 100.

    The table is that of CGCNN (doi:10.1103/PhysRevLett.120.145301): one-hot blocks of group, period, electronegativity,
    covalent radius, valence electrons, first ionisation energy, electron affinity, block and molar volume.
    """
    table = torch.zeros(ATOM_TYPES, ATOM_FEATURES)
    file = resources.files(__package__) / "tables" / "atom_features_92.csv"
    for line in file.read_text(encoding="utf-8").splitlines()[1:]:
        number, _, *features = line.split(",")
        table[int(number)] = torch.tensor([float(feature) for feature in features])
    return table


def atom_features(atomic_numbers: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns the 92 features of every atom, `[N]` to `[N, 92]`."""
    return atom_feature_table().to(atomic_numbers.device, dtype)[atomic_numbers]
