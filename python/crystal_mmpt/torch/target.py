"""What a fine-tuned model predicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Transform = Literal["none", "log10", "log1p", "sqrt"]

_INVERSES: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda target: target,
    "log10": lambda target: 10.0**target,
    "log1p": torch.expm1,
    "sqrt": lambda target: target.clamp(min=0.0) ** 2,
}


@dataclass(frozen=True)
class TargetNumber:
    """A number that a model predicts. Its target is `transform(property) = mean + std · output`."""

    property: str
    """Name of the property's column in the store of the task."""
    unit: str
    """Unit of the property, such as `GPa`; `1` for pure numbers."""
    transform: Transform
    """Transform from the property to the target."""
    mean: float
    """Mean of the training targets, in the unit of the target."""
    std: float
    """Standard deviation of the training targets, in the unit of the target."""

    def restore(self, outputs: Tensor) -> Tensor:
        """Returns the property in its unit from standardised outputs, element by element. A negative square root is
        that of the least value, 0."""
        return _INVERSES[self.transform](self.mean + self.std * outputs)

    def standardise(self, values: Tensor) -> Tensor:
        """Returns standardised targets of values in the property's unit, element by element: what to train the outputs
        on. A value without a target, such as the logarithm's of 0, gives NaN or an infinity."""
        transforms: dict[str, Callable[[Tensor], Tensor]] = {
            "none": lambda value: value,
            "log10": torch.log10,
            "log1p": torch.log1p,
            "sqrt": torch.sqrt,
        }
        return (transforms[self.transform](values) - self.mean) / self.std


@dataclass(frozen=True)
class Target:
    """The targets of a fine-tuned model: one output a class, or one a number."""

    task: str
    """Name of the task."""
    numbers: tuple[TargetNumber, ...]
    """The numbers in the order of the outputs; of classes their property alone."""
    classes: tuple[str, ...] = ()
    """Names of the classes in the order of the outputs; none if numbers are predicted."""
    per_site: bool = False
    """Whether the only number is one of every site instead of every crystal."""

    @property
    def outputs(self) -> int:
        """Number of outputs K of a crystal, or of a site."""
        return len(self.classes) or len(self.numbers)

    def restore(self, outputs: Tensor) -> Tensor:
        """Returns predictions from the outputs of a model: numbers in the units of their properties, or probabilities
        of the classes.

        Shapes:
            input and output `[B, K]`; `[N, 1]` for sites.
        """
        if self.classes:
            return torch.softmax(outputs, dim=1)
        columns = zip(self.numbers, outputs.unbind(dim=1), strict=True)
        return torch.stack([number.restore(column) for number, column in columns], dim=1)
