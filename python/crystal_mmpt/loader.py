"""Batches of a store for PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import IterableDataset, get_worker_info

from crystal_mmpt import _native
from crystal_mmpt.errors import InputError


class StoreBatches(IterableDataset):
    """Epochs of batches of graphs; :meth:`crystal_mmpt.Store.to_torch` makes it and says what a batch has.

    Attributes:
        epoch: Number of the next epoch, from 0. It decides the order of a shuffled one.
    """

    def __init__(self, store: _native.Store, options: dict[str, Any]) -> None:
        super().__init__()
        self._store = store
        self._options = options
        self.epoch = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if get_worker_info() is not None:
            # A worker counts the epochs of a copy: every one would have the order of the first.
            raise InputError("num_workers must be 0: threads of the store build the batches (workers=...)")
        batches = self._store.batches({**self._options, "epoch": self.epoch})
        self.epoch += 1
        for batch in batches:
            yield {name: _tensor(value) for name, value in batch.items()}


def _tensor(value: Any) -> Any:
    """A tensor that shares the memory of an array; anything else as it is."""
    if isinstance(value, dict):
        return {name: _tensor(array) for name, array in value.items()}
    return value if isinstance(value, list) else torch.from_numpy(value)
