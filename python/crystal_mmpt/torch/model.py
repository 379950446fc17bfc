"""What all models share: an encoder of atoms and crystals, with a head if it is fine-tuned.

Letters in shapes: B crystals, N atoms, K outputs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

import torch
from torch import Tensor, nn

from .batch import CUTOFF_KEY, Batch, Inputs
from .errors import FeatureError
from .layers import max_by, mean_by, perceptron
from .rows import LAST_ATOMIC_NUMBER, Rows, read
from .target import Target


@dataclass(frozen=True)
class HeadSize:
    """Sizes of a head that are those of no encoder."""

    outputs: int = 1
    """Number of outputs K of a crystal: one a number or one a class."""
    width: int = 128
    """Width of the hidden layers of MMPT's head; the other kinds have their own widths."""
    per_site: bool = False
    """Whether there is an output of every site instead."""


class Encoding(NamedTuple):
    """Output of an encoder."""

    atoms: Tensor
    """Embedding of every atom, `[N, atom_width]`."""
    crystals: Tensor | None
    """Embedding of every crystal that is not made from its atoms alone, `[B, crystal_width]`; `None` for encoders
    without one."""


class Embedding(NamedTuple):
    """Embeddings of crystals, named as the columns of `trainer embed`."""

    h_l: Tensor | None
    """The encoder's own embedding of every crystal, `[B, crystal_width]`; MMPT's is that of the lattice."""
    h_s_mean: Tensor
    """Mean over the atoms of every crystal, `[B, atom_width]`."""
    h_s_max: Tensor
    """Maximum over the atoms of every crystal, `[B, atom_width]`."""


class PropertyModel(nn.Module, ABC):
    """An encoder, and a head that predicts properties if the weights are fine-tuned.

    The names of parameters and statistics are those of a weights file of the trainer.
    """

    kind: ClassVar[str]
    """Word for the encoder in settings."""
    last_element: ClassVar[int] = LAST_ATOMIC_NUMBER
    """Last atomic number that the encoder tells from others."""

    target: Target | None = None
    """What the outputs stand for; `None` for a model that was not loaded from fine-tuned weights."""
    features: Mapping[str, str] = {}
    """Settings of the features that the weights were trained on, as in the metadata of a store; empty for none."""

    def __init__(self, head: HeadSize | None) -> None:
        super().__init__()
        self.head_size = head

    @property
    @abstractmethod
    def inputs(self) -> Inputs:
        """The parts of a batch that the encoder reads."""

    @abstractmethod
    def encode(self, batch: Batch) -> Encoding:
        """Encodes a batch."""

    @abstractmethod
    def read_out(self, encoding: Encoding, batch: Batch) -> Tensor:
        """Returns the outputs of every crystal, `[B, K]`."""

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the parameters."""
        return next(self.parameters()).dtype

    @property
    def device(self) -> torch.device:
        """Device of the parameters."""
        return next(self.parameters()).device

    def batch(self, rows: Rows) -> Batch:
        """Makes a batch for this model, on its device; usable as the `collate_fn` of a `DataLoader` over rows.

        Args:
            rows: See `Batch.from_rows`.

        Raises:
            CrystalError: For rows that hold no valid crystal, or an element that the model does not know.
            FeatureError: For a table whose features have other settings than the weights' training set.
        """
        crystals = read(rows)
        if crystals.features:
            for key, expected in self.features.items():
                found = crystals.features.get(key, "nothing")
                if found != expected:
                    raise FeatureError(key, found, expected)
        numbers = crystals.atomic_numbers
        for atom in np.flatnonzero(numbers > self.last_element)[:1]:
            reason = f"{self.kind} knows the elements to {self.last_element}, not {numbers[atom]}"
            raise crystals.refuse_atom(int(atom), reason)
        cutoff = float(self.features[CUTOFF_KEY]) if CUTOFF_KEY in self.features else None
        batch = Batch.from_crystals(crystals, self.inputs, cutoff)
        return batch.to(self.device, torch.float32 if self.device.type == "mps" else None)

    def forward(self, batch: Batch) -> Tensor:
        """Returns the outputs of every crystal, `[B, K]`, or of every site, `[N, 1]`: standardised targets or logits of
        classes.

        Raises:
            ValueError: For a model without a head.
        """
        if self.head_size is None:
            raise ValueError("the model has no head: its weights are pre-trained, not fine-tuned")
        encoding = self.encode(batch)
        if self.head_size.per_site:
            outputs: Tensor = self.site_head(encoding.atoms)
            return outputs
        return self.read_out(encoding, batch)

    def predict(self, batch: Batch) -> Tensor:
        """Returns predictions: numbers in the units of their properties, `[B, K]`, or probabilities of the classes
        without calibration. Of a number of the sites there is a row for every site, `[N, 1]`.

        It neither changes the mode of the model (`eval()` is that of a loaded one) nor switches gradients off.

        Raises:
            ValueError: For a model that was not loaded from fine-tuned weights.
        """
        if self.target is None:
            raise ValueError("the model has no target: load fine-tuned weights, or use the outputs of forward")
        return self.target.restore(self(batch).to(batch.vectors.dtype))

    def embed(self, batch: Batch) -> Embedding:
        """Returns the embeddings of every crystal, without a head."""
        atoms, crystals = self.encode(batch)
        grouping = (batch.crystal_of_atom, batch.crystals)
        return Embedding(crystals, mean_by(atoms, *grouping), max_by(atoms, *grouping))

    def add_site_head(self, atom_width: int, hidden: int) -> bool:
        """Adds the head of sites, `ŷ_i = MLP(h_i)` with the widths `(atom_width, hidden, 1)`, if the head is one of
        sites. Returns whether there is room for one of crystals instead."""
        if self.head_size is not None and self.head_size.per_site:
            self.site_head = perceptron([atom_width, hidden, 1])
        return self.head_size is not None and not self.head_size.per_site
