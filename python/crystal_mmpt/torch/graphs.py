"""Graphs of crystals: the edges that an encoder sees, and pairs of edges that meet in an atom.

Letters in shapes: N atoms, E edges, P pairs of edges. Atoms and edges are counted over all crystals of a batch. An edge
from the neighbour j (source) with image k to the centre i (target) has the displacement `v = x_j + k · L - x_i`.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import numpy as np

from .rows import Integers

LATTICE_IMAGES = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=np.int64)
"""Images that Matformer joins every atom with: l3, l2, l1, l2 + l3, l1 + l3 and l1 + l2."""


class Graph(Enum):
    """Connectivity of a crystal's atoms."""

    MULTIGRAPH = "multigraph"
    """All edges of the store: parallel edges and edges from an atom to its own images are among them."""
    SIMPLE = "simple"
    """The nearest image alone for each pair of different atoms."""
    UNDIRECTED = "undirected"
    """All edges of the store and the reverse of each, as ALIGNN has them (doi:10.1038/s41524-021-00650-1). An edge from
    an atom to its own image is there twice, once for k and once for -k."""
    UNDIRECTED_ONCE = "undirected, self edges once"
    """The same with every edge once."""
    UNDIRECTED_WITH_LATTICE = "undirected with lattice edges"
    """As `UNDIRECTED`, with edges from every atom to its images along the lattice, as Matformer has them
    (arXiv:2209.11807). They may be longer than the cutoff."""


class Edges(NamedTuple):
    """E edges, ascending by target."""

    source: Integers
    """Index of the neighbour j, `[E]`."""
    target: Integers
    """Index of the centre i, `[E]`."""
    images: Integers
    """Cell k of the neighbour, `[E, 3]`."""


class Pairs(NamedTuple):
    """P pairs of edges k→j and j→i, sorted by (outgoing, incoming)."""

    incoming: Integers
    """Index of the edge kj, `[P]`."""
    outgoing: Integers
    """Index of the edge ji, `[P]`."""


def connect(edges: Edges, graph: Graph, atoms: int) -> Edges:
    """Returns the edges of a graph from those of the store.

    Args:
        edges: Edges of the store, ascending by target, nearer neighbours of a target first.
        graph: Form of the graph.
        atoms: Number of atoms N.
    """
    if graph is Graph.MULTIGRAPH:
        return edges
    if graph is Graph.SIMPLE:
        return _simple(edges, atoms)
    own = np.arange(atoms if graph is Graph.UNDIRECTED_WITH_LATTICE else 0)
    lattice_ends = np.repeat(own, len(LATTICE_IMAGES))
    lattice = np.column_stack([lattice_ends, lattice_ends, np.tile(LATTICE_IMAGES, (len(own), 1))])
    ends = np.column_stack([edges.target, edges.source, edges.images])
    is_turned = edges.target > edges.source
    ends[is_turned] = _reversed(ends[is_turned])
    pairs = np.unique(np.concatenate([ends, lattice]), axis=0)
    both = np.concatenate([pairs, _reversed(pairs)])
    both = np.unique(both, axis=0) if graph is Graph.UNDIRECTED_ONCE else both[np.lexsort(both.T[::-1])]
    return Edges(source=both[:, 1], target=both[:, 0], images=both[:, 2:])


def _reversed(ends: Integers) -> Integers:
    """Turns edges, given as `[target, source, k1, k2, k3]`, around."""
    return np.column_stack([ends[:, 1], ends[:, 0], -ends[:, 2:]])


def _simple(edges: Edges, atoms: int) -> Edges:
    """The first of all edges from one atom to another."""
    others = np.flatnonzero(edges.source != edges.target)
    _, first = np.unique(edges.target[others] * atoms + edges.source[others], return_index=True)
    kept = others[np.sort(first)]
    return Edges(*(ends[kept] for ends in edges))


def _meeting(edges: Edges, atoms: int) -> Pairs:
    """All pairs of an edge that ends at an atom with one that starts there, an edge with itself included."""
    degrees = np.bincount(edges.target, minlength=atoms)
    first_incoming = np.cumsum(degrees) - degrees
    counts = degrees[edges.source]
    outgoing = np.repeat(np.arange(len(edges.source)), counts)
    place = np.arange(len(outgoing)) - np.repeat(np.cumsum(counts) - counts, counts)
    return Pairs(incoming=first_incoming[edges.source][outgoing] + place, outgoing=outgoing)


def triplets(edges: Edges, atoms: int) -> Pairs:
    """Returns the triplets k→j→i: all pairs of edges that meet in j, but for an edge and its exact reverse
    (specification, section 2.5)."""
    kj, ji = _meeting(edges, atoms)
    is_back = (edges.source[kj] == edges.target[ji]) & (edges.images[kj] == -edges.images[ji]).all(axis=1)
    return Pairs(kj[~is_back], ji[~is_back])


def line_graph(edges: Edges, atoms: int, graph: Graph) -> Pairs:
    """Returns the pairs of the line graph, whose nodes are the edges: an edge and its reverse are among them. An edge
    meets itself only where the graph has every self edge once: there it is the straight path over an atom's image.

    Source: ALIGNN, doi:10.1038/s41524-021-00650-1.
    """
    e1, e2 = _meeting(edges, atoms)
    is_kept = np.full(len(e1), True) if graph is Graph.UNDIRECTED_ONCE else e1 != e2
    return Pairs(e1[is_kept], e2[is_kept])
