"""Batches: what is read of rows, which edges encoders see, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch_golden import BASELINES, FIXTURES, ROOT, SMALL, SYSTEM_FIXTURES, WHOLE, Row, assert_close, cases, row, rows

from crystal_mmpt.torch import ALIGNN, MMPT, Batch, CrystalError, Graph, Inputs, Matformer
from crystal_mmpt.torch.bases import bessel_constants, spherical_angular, spherical_radial

STORE = ROOT / "tests" / "trainer" / "store"
CUBE = 5.0


def cube(edges: list[tuple[int, int, tuple[int, int, int]]], positions: list[list[float]]) -> Row:
    """A cubic cell of 5 Å with edges (source, target, image)."""
    return {
        "material_id": "cube",
        "atomic_numbers": [3] * len(positions),
        "lattice_vectors": (CUBE * np.eye(3)).tolist(),
        "fractional_site_positions": positions,
        "edge_source": [source for source, _, _ in edges],
        "edge_target": [target for _, target, _ in edges],
        **{f"edge_k{axis + 1}": [image[axis] for _, _, image in edges] for axis in range(3)},
        **dict.fromkeys(("a", "b", "c"), CUBE),
        **dict.fromkeys(("alpha", "beta", "gamma"), 90.0),
    }


def ends(batch: Batch) -> list[tuple[int, int, tuple[int, ...]]]:
    """Source, target and image of every edge."""
    images = [tuple(image) for image in batch.images.tolist()]
    return list(zip(batch.source.tolist(), batch.target.tolist(), images, strict=True))


@pytest.mark.parametrize("folder", SYSTEM_FIXTURES, ids=lambda folder: folder.name)
def test_graphs_are_those_of_the_reference(folder: Any) -> None:
    graphs = load_file(folder / "graphs.safetensors")
    golden = SMALL if folder == SMALL / "systems" else WHOLE
    crystals = [row(tensors) for tensors in cases(golden, "shell_")]
    kinds = {
        "directed": Inputs(),
        "undirected+line": ALIGNN().inputs,
        "undirected+lattice": Matformer().inputs,
    }
    for kind, inputs in kinds.items():
        batch = Batch.from_rows(crystals, inputs)
        found = {"tgt": batch.target, "src": batch.source, "img": batch.images}
        if inputs.line_graph:
            found |= dict(zip(("lg_src", "lg_tgt"), batch.line_pairs, strict=True))
        for name, values in found.items():
            expected = graphs.get(f"knn12+{kind}/{name}")
            # The small fixture has no images.
            assert expected is not None or (name == "img" and folder != BASELINES), name
            assert expected is None or torch.equal(values, expected.long()), f"{kind} {name}"
        assert_close(batch.distances, graphs[f"knn12+{kind}/dist"], 1e-12, "distances")
        if inputs.line_graph:
            assert_close(batch.line_cosines, graphs[f"knn12+{kind}/cos"], 1e-12, "cosines")
    assert torch.equal(batch.crystal_of_atom, graphs["batch"].long())


@pytest.mark.skipif(WHOLE not in FIXTURES, reason="../shared is not there")
@pytest.mark.parametrize("prefix", ["", "shell_"])
def test_triplets_and_bases_are_those_of_the_reference(prefix: str) -> None:
    zeros, norms = bessel_constants()
    constants = load_file(WHOLE / "bessel_constants.safetensors")
    assert_close(zeros, constants["zeros"], 1e-14, "zeros")
    assert_close(norms, constants["norm"], 1e-13, "norms")
    for tensors in cases(WHOLE, prefix):
        batch = Batch.from_rows([row(tensors)], MMPT().inputs)
        incoming, outgoing = batch.triplet_pairs
        assert torch.equal(incoming, tensors[f"{prefix}idx_kj"])
        assert torch.equal(outgoing, tensors[f"{prefix}idx_ji"])
        assert_close(batch.triplet_cosines, tensors[f"{prefix}cosang"], 1e-12, "cosines")
        if prefix:
            continue
        assert_close(batch.lattice_parameters[0], tensors["lat6"], 1e-12, "lattice parameters")
        assert_close(batch.vectors, tensors["vec"], 1e-12, "vectors")
        assert_close(spherical_radial(batch.distances / 8.0), tensors["sbf_rad"], 1e-12, "radial functions")
        assert_close(spherical_angular(batch.triplet_cosines), tensors["sbf_ang"], 1e-12, "angular functions")


def test_a_table_is_what_its_rows_are() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    tables = [parquet.read_table(path) for path in sorted(STORE.glob("*.parquet"))]
    table = tables[0]
    whole = Batch.from_rows(table, MMPT().inputs)
    assert whole.crystals == len(table)
    assert whole.cutoff_angstrom == 8.0
    lists = Batch.from_rows(table.to_pylist(), MMPT().inputs)
    for name, value in vars(whole).items():
        other = getattr(lists, name)
        assert torch.equal(value, other) if isinstance(value, torch.Tensor) else value == other, name
    # A part of a table, and record batches of it.
    part = Batch.from_rows(table.slice(3, 4), MMPT().inputs)
    assert part.material_ids == whole.material_ids[3:7]
    assert torch.equal(part.vectors, Batch.from_rows(table.to_pylist()[3:7]).vectors)
    stream = Batch.from_rows(table.to_batches()[0])
    assert stream.material_ids == whole.material_ids[: stream.crystals]
    stored = np.concatenate([np.asarray(distances) for distances in table.column("edge_distance").to_pylist()])
    assert_close(whole.distances, torch.from_numpy(stored), 1e-6, "distances")


class Exporter:
    """A table of another library, as Polars and DuckDB hand it over."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def __arrow_c_stream__(self, schema: object = None) -> object:
        return self.table.__arrow_c_stream__(schema)


def test_other_exporters_of_arrow_are_read() -> None:
    arrow = pytest.importorskip("pyarrow")
    table = pytest.importorskip("pyarrow.parquet").read_table(next(iter(STORE.glob("*.parquet"))))
    # Several chunks, and other types of texts and lists.
    other = arrow.concat_tables([table.slice(0, 5), table.slice(5)])
    for name, kind in {"material_id": arrow.large_string(), "atomic_numbers": arrow.large_list(arrow.uint8())}.items():
        other = other.set_column(other.schema.get_field_index(name), name, other.column(name).cast(kind))
    found, expected = Batch.from_rows(Exporter(other)), Batch.from_rows(table)
    assert found.material_ids == expected.material_ids
    assert torch.equal(found.vectors, expected.vectors)
    assert torch.equal(found.atomic_numbers, expected.atomic_numbers)


def test_no_rows_are_a_batch_without_crystals() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(next(iter(STORE.glob("*.parquet"))))
    empty = Batch.from_rows(table.slice(0, 0), MMPT().inputs)
    assert (empty.crystals, empty.atoms, empty.edges) == (0, 0, 0)
    assert MMPT().encode(empty).atoms.shape == (0, 64)


def test_the_simple_graph_has_the_first_of_parallel_edges() -> None:
    chain = cube(
        [
            (1, 0, (0, 0, 0)),
            (2, 0, (-1, 0, 0)),
            (2, 0, (0, 0, 0)),
            (1, 0, (-1, 0, 0)),
            (0, 1, (1, 0, 0)),
            (1, 1, (1, 0, 0)),
            (0, 2, (1, 0, 0)),
        ],
        [[0.0, 0.0, 0.0], [0.2, 0.0, 0.0], [0.6, 0.0, 0.0]],
    )
    simple = Batch.from_rows([chain, chain], Inputs(graph=Graph.SIMPLE))
    first = [(1, 0, (0, 0, 0)), (2, 0, (-1, 0, 0)), (0, 1, (1, 0, 0)), (0, 2, (1, 0, 0))]
    second = [(source + 3, target + 3, image) for source, target, image in first]
    assert ends(simple) == first + second


def test_self_edges_are_there_twice_or_once() -> None:
    crystal = cube([(0, 0, (0, 0, -1)), (0, 0, (0, 0, 1)), (0, 0, (0, -1, 0))], [[0.0, 0.0, 0.0]])
    below, down, up, above = (0, -1, 0), (0, 0, -1), (0, 0, 1), (0, 1, 0)
    twice = Batch.from_rows([crystal], Inputs(graph=Graph.UNDIRECTED, line_graph=True))
    assert [image for _, _, image in ends(twice)] == [below, down, down, up, up, above]
    assert len(twice.line_pairs[0]) == 6 * 5
    once = Batch.from_rows([crystal], Inputs(graph=Graph.UNDIRECTED_ONCE, line_graph=True))
    assert [image for _, _, image in ends(once)] == [below, down, up, above]
    # An edge meets itself: it is the straight path over the image.
    assert len(once.line_pairs[0]) == 4 * 4
    e1, e2 = once.line_pairs
    assert once.line_cosines[e1 == e2].tolist() == [-1.0] * 4


def test_lattice_edges_join_those_that_are_there() -> None:
    crystal = cube([(0, 0, (-1, 0, 0))], [[0.0, 0.0, 0.0]])
    batch = Batch.from_rows([crystal], Inputs(graph=Graph.UNDIRECTED_WITH_LATTICE))
    images = [image for _, _, image in ends(batch)]
    assert len(images) == 2 * 7
    assert [images.count(image) for image in ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, 1, 1))] == [2, 2, 1, 1]


def test_batches_move_between_precisions() -> None:
    batch = Batch.from_rows(rows(SMALL, "shell"), MMPT().inputs)
    single = batch.to("cpu", torch.float32)
    assert single.vectors.dtype == torch.float32
    assert single.source.dtype == torch.int64
    assert batch.to("cpu").vectors.dtype == torch.float64
    assert MMPT().encode(single).atoms.dtype == torch.float32


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("atomic_numbers", [3, 119], "cube: site 1: atomic number 119 is not 1 to 118"),
        ("edge_source", [0, 2], "cube: edge_source = 2, but there are 2 sites"),
        ("edge_target", [1, 0], "cube: edge 1: its target is below that of the edge before"),
        ("edge_k1", [0], "cube: edge_k1 has 1 values, not 2"),
        ("edge_k1", [7, 0], "cube: edge 0: its length 37.5 Å is not above 0 and at most 8.0 Å"),
        ("atomic_numbers", [14.5, 8.0], "cube: atomic_numbers has 14.5, which is no whole number"),
        ("fractional_site_positions", [0.0] * 3, "cube: fractional_site_positions has 3 values, not 6"),
        ("fractional_site_positions", [[0.0] * 3, [float("nan")] * 3], "site 1: position"),
        ("a", float("inf"), "cube: the lattice is not finite"),
    ],
)
def test_a_crystal_without_a_valid_graph_is_refused(name: str, value: Any, message: str) -> None:
    good = cube([(1, 0, (0, 0, 0)), (0, 1, (0, 0, 0))], [[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]])
    first = good | {"material_id": "first"}
    with pytest.raises(CrystalError, match=message.replace("(", r"\(")) as error:
        Batch.from_rows([first, good | {name: value}])
    assert error.value.material_id == "cube"


def test_what_is_no_row_of_a_store_is_refused() -> None:
    good = cube([(1, 0, (0, 0, 0))], [[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]])
    with pytest.raises(TypeError, match="a sequence of rows, not a single row"):
        Batch.from_rows(good)
    with pytest.raises(CrystalError, match="row 1 has no column material_id"):
        Batch.from_rows([good, {}])
    with pytest.raises(ValueError, match="the batch has no triplets"):
        MMPT().encode(Batch.from_rows([good]))
    with pytest.raises(ValueError, match="the batch has no line graph"):
        ALIGNN().eval().encode(Batch.from_rows([good]))
    table = pytest.importorskip("pyarrow").table({"material_id": ["a"]})
    with pytest.raises(CrystalError, match="the table has no column atomic_numbers"):
        Batch.from_rows(table)
