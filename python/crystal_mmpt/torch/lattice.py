"""MMPT's lattice encoder (arXiv:2306.05344; specification, section 4.4)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .layers import NORM_EPSILON

PARAMETERS = 6
"""Lattice parameters: three lengths and three angles."""
TOKENS = 2
"""Tokens of a lattice: its lengths, its angles."""
DEFAULT_MEAN = (4.9, 5.6, 8.0, 89.0, 86.0, 86.0)
"""Means of a, b, c in Å and α, β, γ in degrees for models that have seen no training set."""
DEFAULT_STD = (1.3, 1.5, 4.1, 19.0, 16.0, 19.0)
"""Standard deviations of the same."""


class SelfAttention(nn.Module):
    """Multi-head self-attention `proj(softmax(q kᵀ/√head_width) v)`. The rows of `qkv` are `[q | k | v]`."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Mixes the tokens of each lattice: input and output `[B, 2, width]`."""
        lattices, count, width = tokens.shape
        parts = self.qkv(tokens).view(lattices, count, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        weights = torch.softmax(query @ key.transpose(2, 3) / math.sqrt(width // self.heads), dim=3)
        mixed: Tensor = self.proj((weights @ value).transpose(1, 2).reshape(lattices, count, width))
        return mixed


class FeedForward(nn.Module):
    """`fc2(GELU(fc1(t)))` with the GELU of the error function."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Applies the layers to every token: input and output `[B, 2, width]`."""
        fed: Tensor = self.fc2(nn.functional.gelu(self.fc1(tokens)))
        return fed


class Block(nn.Module):
    """A transformer block with pre-normalisation: `t ← t + MHA(LN t)`, then `t ← t + FF(LN t)`."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.attn = SelfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.mlp = FeedForward(width, hidden)

    def forward(self, tokens: Tensor) -> Tensor:
        """Input and output `[B, 2, width]`."""
        tokens = tokens + self.attn(self.norm1(tokens))
        fed: Tensor = tokens + self.mlp(self.norm2(tokens))
        return fed


class LatticeEncoder(nn.Module):
    """A transformer block over two tokens, one of the lengths and one of the angles; `h_L` is both, one after the
    other. Mean and standard deviation are those of the training set, and not trained."""

    mean: Tensor
    std: Tensor

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(DEFAULT_MEAN))
        self.register_buffer("std", torch.tensor(DEFAULT_STD))
        self.len_emb = nn.Linear(PARAMETERS // TOKENS, width)
        self.ang_emb = nn.Linear(PARAMETERS // TOKENS, width)
        self.block = Block(width, heads, hidden)

    def standardise(self, parameters: Tensor) -> Tensor:
        """Returns `(parameters - mean)/std` with the statistics of the training set, `[B, 6]`."""
        # In the precision of the batch: lattices that differ little must do so once they are standardised.
        standardised = (parameters - self.mean.to(parameters.dtype)) / self.std.to(parameters.dtype)
        return standardised.to(self.mean.dtype)

    def forward(self, parameters: Tensor) -> Tensor:
        """Encodes lattices.

        Shapes:
            parameters (a, b, c in Å, α, β, γ in degrees) `[B, 6]`, output `h_L [B, 2 · width]`.
        """
        lengths, angles = self.standardise(parameters).chunk(TOKENS, dim=1)
        tokens = torch.stack([self.len_emb(lengths), self.ang_emb(angles)], dim=1)
        encoded: Tensor = self.block(tokens).flatten(start_dim=1)
        return encoded
