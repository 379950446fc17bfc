"""Batches of crystals as tensors.

Letters in shapes: B crystals, N atoms, E edges, T triplets, L pairs of the line graph.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

import torch
from torch import Tensor

from .graphs import Edges, Graph, Pairs, connect, line_graph, triplets
from .rows import FEATURE_PREFIX, Crystals, Doubles, Integers, Rows, read

DEFAULT_CUTOFF_ANGSTROM = 8.0
CUTOFF_KEY = f"{FEATURE_PREFIX}cutoff_angstrom"
_CUTOFF_TOLERANCE = 1e-9
"""Relative tolerance of the lengths of edges: the writer of a store may have summed in another order."""


@dataclass(frozen=True)
class Inputs:
    """The parts of a batch that an encoder reads."""

    graph: Graph = Graph.MULTIGRAPH
    """Edges."""
    triplets: bool = False
    """Whether triplets of atoms are needed (DimeNet++)."""
    line_graph: bool = False
    """Whether the line graph is needed (ALIGNN)."""


@dataclass(frozen=True)
class Batch:
    """B crystals with N atoms and E edges, concatenated: atoms in the order of the store, edges ascending by target.

    Floats are doubles until `to` casts them. Distances and angles are computed from `vectors`, so that a gradient with
    respect to these goes through all encoders.
    """

    material_ids: tuple[str, ...]
    """Identifiers, `[B]`."""
    atomic_numbers: Tensor
    """Atomic number of every atom, `[N]`."""
    crystal_of_atom: Tensor
    """Index of the crystal of every atom, `[N]`."""
    atom_counts: Tensor
    """Number of atoms of every crystal, `[B]`."""
    lattice_parameters: Tensor
    """a, b, c in Å and α, β, γ in degrees, `[B, 6]`."""
    source: Tensor
    """Index of the neighbour j of every edge, `[E]`. Messages flow from source to target."""
    target: Tensor
    """Index of the centre i of every edge, `[E]`."""
    images: Tensor
    """Cell k of the neighbour of every edge, `[E, 3]`."""
    vectors: Tensor
    """Displacement `v = x_j + k · L - x_i` of every edge in Å, `[E, 3]`."""
    cutoff_angstrom: float
    """Radius of the search for neighbours in Å."""
    triplet_incoming: Tensor | None = None
    """Index of the edge kj of every triplet k→j→i, `[T]`."""
    triplet_outgoing: Tensor | None = None
    """Index of the edge ji of every triplet, `[T]`."""
    line_source: Tensor | None = None
    """Index of the edge e1 that every pair of the line graph leaves, `[L]`."""
    line_target: Tensor | None = None
    """Index of the edge e2 that every pair of the line graph ends at, `[L]`."""

    @classmethod
    def from_rows(cls, rows: Rows, inputs: Inputs | None = None, cutoff_angstrom: float | None = None) -> Batch:
        """Makes a batch of rows of a store.

        Args:
            rows: The path of a shard, a pyarrow table or record batch, another object that exports an Arrow stream, or
                a sequence of mappings from the names of a store's columns to the values of a row.
            inputs: Parts that the encoder reads; those of a model are `model.inputs`. The store's edges alone by
                default.
            cutoff_angstrom: Radius of the search for neighbours in Å. By default that in the metadata of a table, and
                8 Å for rows without any.

        Raises:
            CrystalError: For rows that hold no valid crystal, with its identifier.
        """
        return cls.from_crystals(read(rows), inputs, cutoff_angstrom)

    @classmethod
    def from_crystals(
        cls, crystals: Crystals, inputs: Inputs | None = None, cutoff_angstrom: float | None = None
    ) -> Batch:
        """Makes a batch of crystals that have been read; see `from_rows`."""
        inputs = Inputs() if inputs is None else inputs
        if cutoff_angstrom is None:
            cutoff_angstrom = float(crystals.features.get(CUTOFF_KEY, DEFAULT_CUTOFF_ANGSTROM))
        atoms = len(crystals.atomic_numbers)
        stored = Edges(crystals.source, crystals.target, crystals.images)
        _check_lengths(crystals, _vectors(crystals, stored), cutoff_angstrom)
        edges = connect(stored, inputs.graph, atoms)
        bends = triplets(edges, atoms) if inputs.triplets else None
        line = line_graph(edges, atoms, inputs.graph) if inputs.line_graph else None
        return cls(
            material_ids=crystals.material_ids,
            atomic_numbers=_tensor(crystals.atomic_numbers),
            crystal_of_atom=_tensor(crystals.crystal_of_atom),
            atom_counts=_tensor(crystals.atom_counts),
            lattice_parameters=_tensor(crystals.lattice_parameters),
            source=_tensor(edges.source),
            target=_tensor(edges.target),
            images=_tensor(edges.images),
            vectors=_tensor(_vectors(crystals, edges)),
            cutoff_angstrom=cutoff_angstrom,
            **_ends(bends, "triplet_incoming", "triplet_outgoing"),
            **_ends(line, "line_source", "line_target"),
        )

    @property
    def crystals(self) -> int:
        """Number of crystals B."""
        return len(self.atom_counts)

    @property
    def atoms(self) -> int:
        """Number of atoms N."""
        return len(self.atomic_numbers)

    @property
    def edges(self) -> int:
        """Number of edges E."""
        return len(self.source)

    @property
    def distances(self) -> Tensor:
        """Length of every edge in Å, `[E]`."""
        lengths: Tensor = torch.linalg.vector_norm(self.vectors, dim=1)
        return lengths

    @property
    def triplet_cosines(self) -> Tensor:
        """`cos θ` of every triplet between `r_j - r_i` and `r_k - r_j`, `[T]`: 1 for a straight path
        (specification, section 2.5)."""
        kj, ji = self.triplet_pairs
        return self._cosines(kj, ji)

    @property
    def line_cosines(self) -> Tensor:
        """Cosine of the angle between both edges of every pair of the line graph at the atom they share, `[L]`: 1 for
        an edge and its reverse, -1 for a straight path."""
        return -self._cosines(*self.line_pairs)

    @property
    def triplet_pairs(self) -> tuple[Tensor, Tensor]:
        """Edges kj and ji of the triplets, `[T]` each."""
        if self.triplet_incoming is None or self.triplet_outgoing is None:
            raise ValueError("the batch has no triplets: make it with the inputs of the model")
        return self.triplet_incoming, self.triplet_outgoing

    @property
    def line_pairs(self) -> tuple[Tensor, Tensor]:
        """Edges e1 and e2 of the pairs of the line graph, `[L]` each."""
        if self.line_source is None or self.line_target is None:
            raise ValueError("the batch has no line graph: make it with the inputs of the model")
        return self.line_source, self.line_target

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Batch:
        """Returns the batch on a device. With `dtype`, floats are cast: do so only for a device without doubles, since
        features are as precise as the distances they are made from."""

        def moved(value: Tensor) -> Tensor:
            return value.to(device=device, dtype=dtype if value.is_floating_point() else None)

        values = {field.name: getattr(self, field.name) for field in fields(self)}
        tensors: dict[str, Any] = {name: moved(value) for name, value in values.items() if isinstance(value, Tensor)}
        return replace(self, **tensors)

    def _cosines(self, first: Tensor, second: Tensor) -> Tensor:
        units = self.vectors / self.distances[:, None]
        return (units[first] * units[second]).sum(dim=1).clamp(-1.0, 1.0)


def _tensor(values: Integers | Doubles) -> Tensor:
    """Copies an array, which may be a view of a table that nobody may write to."""
    return torch.from_numpy(np.array(values))


def _ends(pairs: Pairs | None, incoming: str, outgoing: str) -> dict[str, Tensor]:
    if pairs is None:
        return {}
    return {incoming: _tensor(pairs.incoming), outgoing: _tensor(pairs.outgoing)}


def _vectors(crystals: Crystals, edges: Edges) -> Doubles:
    """`v = (f_j + k - f_i) · L` of every edge in Å (specification, section 2.2), `[E, 3]`."""
    fractional = crystals.positions[edges.source] - crystals.positions[edges.target] + edges.images
    lattices = crystals.lattices[crystals.crystal_of_atom[edges.target]]
    vectors: Doubles = np.einsum("ea,eab->eb", fractional, lattices)
    return vectors


def _check_lengths(crystals: Crystals, vectors: Doubles, cutoff_angstrom: float) -> None:
    lengths = np.linalg.norm(vectors, axis=1)
    is_valid = (lengths > 0.0) & (lengths <= cutoff_angstrom * (1.0 + _CUTOFF_TOLERANCE))
    for edge in np.flatnonzero(~is_valid)[:1]:
        reason = f"its length {lengths[edge]} Å is not above 0 and at most {cutoff_angstrom} Å"
        raise crystals.refuse_edge(int(edge), reason)
