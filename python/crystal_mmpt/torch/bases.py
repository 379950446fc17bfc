"""Bases of DimeNet++ that depend on data alone (arXiv:2003.03123; specification, section 3).

`x = d / cutoff` is a scaled distance. All functions keep the precision of their argument.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

ORDERS = 7
"""Degrees l of the spherical basis, 0 to 6."""
RADIAL = 6
"""Radial functions n of each degree, and of the radial basis."""
SPHERICAL = ORDERS * RADIAL

_ENVELOPE = (1.0, 3.0, 6.0, 10.0, 15.0, 21.0)
_SERIES_TERMS = 30
"""More terms of the power series of a spherical Bessel function than a double resolves for `z < l + 1`."""
_BISECTIONS = 64
"""Halvings of a bracket of width π, after which its ends are neighbouring doubles."""


def envelope(x: Tensor) -> Tensor:
    """Returns `u(x) = 1/x - 28 x⁵ + 48 x⁶ - 21 x⁷` below `x = 1` and 0 from there on.

    It is evaluated as `(1 - x)³ (1 + 3x + 6x² + 10x³ + 15x⁴ + 21x⁵) / x`, which does not cancel near 1.
    """
    factor = torch.zeros_like(x)
    for coefficient in reversed(_ENVELOPE):
        factor = factor * x + coefficient
    return (1.0 - x).clamp(min=0.0) ** 3 * factor / x


def spherical_bessel(order: int, z: Tensor) -> Tensor:
    """Returns `j_l(z)` for `z ≥ 0`: by its power series below `z = l + 1`, where the recurrence amplifies rounding
    errors, and by the upward recurrence `j_{l+1} = (2l+1)/z · j_l - j_{l-1}` above, where the series cancels."""
    is_small = z < order + 1.0
    # The branch that is not taken is evaluated at a harmless argument, so that no gradient is undefined.
    small, large = torch.where(is_small, z, torch.zeros_like(z)), torch.where(is_small, torch.ones_like(z), z)
    return torch.where(is_small, _power_series(order, small), _upward_recurrence(order, large))


def _power_series(order: int, z: Tensor) -> Tensor:
    """`z^l / (2l+1)!! · Σ_k (-z²/2)^k / (k! (2l+3)(2l+5)…(2l+2k+1))`."""
    leading = z**order / math.prod(range(1, 2 * order + 2, 2))
    term = total = torch.ones_like(z)
    for k in range(1, _SERIES_TERMS + 1):
        term = term * (-0.5 * z * z) / (k * (2 * (order + k) + 1))
        total = total + term
    return leading * total


def _upward_recurrence(order: int, z: Tensor) -> Tensor:
    before, current = torch.cos(z) / z, torch.sin(z) / z
    for degree in range(order):
        before, current = current, (2 * degree + 1) / z * current - before
    return current


@cache
def bessel_constants() -> tuple[Tensor, Tensor]:
    """Returns the zeros `z_ln`, the (n+1)-th positive zero of `j_l`, and the norms `N_ln = √2 / |j_{l+1}(z_ln)|`,
    doubles of the shape `[7, 6]` each."""
    below = torch.arange(1, RADIAL + ORDERS + 1, dtype=torch.float64) * math.pi
    zeros, norms = [], []
    for order in range(ORDERS):
        # The zeros of j_l lie between those of j_{l-1}.
        below = below if order == 0 else _zeros_between(order, below[:-1], below[1:])
        zeros.append(below[:RADIAL])
        norms.append(math.sqrt(2.0) / spherical_bessel(order + 1, zeros[-1]).abs())
    return torch.stack(zeros), torch.stack(norms)


def _zeros_between(order: int, low: Tensor, high: Tensor) -> Tensor:
    """The zeros of `j_l` between pairs of arguments at which its signs differ, by bisection."""
    is_rising = spherical_bessel(order, low) < 0.0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        is_below = (spherical_bessel(order, middle) < 0.0) == is_rising
        low, high = torch.where(is_below, middle, low), torch.where(is_below, high, middle)
    return 0.5 * (low + high)


def spherical_radial(x: Tensor) -> Tensor:
    """Returns `S[6l + n] = u(x) N_ln j_l(z_ln x)`, zeros from `x = 1` on.

    Shapes:
        x `[E]`, output `[E, 42]`.
    """
    zeros, norms = (constants.to(x) for constants in bessel_constants())
    columns = [norms[order] * spherical_bessel(order, x[:, None] * zeros[order]) for order in range(ORDERS)]
    return envelope(x)[:, None] * torch.cat(columns, dim=1)


def spherical_angular(cosine: Tensor) -> Tensor:
    """Returns `Y_l(cos θ) = √((2l+1)/4π) P_l(cos θ)` for l = 0 to 6, with the Legendre polynomials P_l.

    Shapes:
        cosine `[T]`, output `[T, 7]`.
    """
    polynomials = [torch.ones_like(cosine), cosine]
    for degree in range(1, ORDERS - 1):
        higher = (2 * degree + 1) * cosine * polynomials[-1] - degree * polynomials[-2]
        polynomials.append(higher / (degree + 1))
    norms = [math.sqrt((2 * degree + 1) / (4.0 * math.pi)) for degree in range(ORDERS)]
    return torch.stack([norm * polynomial for norm, polynomial in zip(norms, polynomials, strict=True)], dim=1)
