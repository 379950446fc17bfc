"""Stores: columns, rows, crystals of other libraries, batches."""

from __future__ import annotations

import pyarrow
import pyarrow.parquet
import pytest
from pymatgen.core import Lattice, Structure

from crystal_mmpt import InputError, build_store, open_store

SALT = Structure(Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_columns_have_units_and_descriptions(store):
    opened = open_store(store)
    assert len(opened) == opened.manifest["counts"]["kept"]
    distance = opened.columns["edge_distance"]
    assert (distance.unit, distance.shape, distance.type) == ("Å", "[nedges]", "[float32]")
    assert opened.columns["band_gap_ev"].unit == "eV" and opened.columns["band_gap_ev"].description
    assert list(opened.columns) == opened.table().column_names


def test_rows_are_those_of_the_files(store):
    whole = pyarrow.concat_tables(
        pyarrow.parquet.read_table(path) for path in sorted(store.glob("*.parquet"))
    )
    opened = open_store(store)
    assert opened.to_pyarrow().cast(whole.schema).equals(whole)
    reader = pyarrow.RecordBatchReader.from_stream(opened.stream(["volume", "material_id"]))
    assert reader.read_all()["volume"].to_pylist() == whole["volume"].to_pylist()


def test_filters_and_columns_choose(store):
    opened = open_store(store)
    frame = opened.to_polars(["material_id", "volume"], ["nsites <= 2", "elements HAS O"])
    every = opened.to_pandas()
    expected = [
        row.material_id for row in every.itertuples() if row.nsites <= 2 and "O" in list(row.elements)
    ]
    assert (
        expected and frame["material_id"].to_list() == expected and frame.columns == ["material_id", "volume"]
    )
    with pytest.raises(InputError, match="no column 'volum'") as error:
        opened.table(["volum"])
    assert error.value.value == "volum"
    with pytest.raises(InputError, match="no field 'x'"):
        opened.table(filters="x > 1")


def test_crystals_of_other_libraries(store):
    opened = open_store(store)
    rows = opened.table(["material_id", "nsites", "volume", "atomic_numbers"]).to_pydict()
    atoms = list(opened.to_ase())
    structures = list(opened.to_pymatgen())
    assert [a.info["material_id"] for a in atoms] == rows["material_id"]
    assert [s.properties["material_id"] for s in structures] == rows["material_id"]
    for position in range(0, len(atoms), 17):
        assert list(atoms[position].numbers) == rows["atomic_numbers"][position]
        assert atoms[position].cell.volume == pytest.approx(rows["volume"][position], rel=1e-9)
        assert structures[position].volume == pytest.approx(rows["volume"][position], rel=1e-9)
    assert len(list(opened.to_ase("nsites = 1"))) == rows["nsites"].count(1)


def test_a_store_of_structures_and_labels(tmp_path):
    store = build_store(
        {"a": SALT, "b": SALT},
        tmp_path / "store",
        labels={"band_gap_ev": [1.25, float("nan")], "is_metal": [False, True]},
    )
    rows = store.table(["material_id", "band_gap_ev", "is_metal"]).to_pydict()
    assert rows == {"material_id": ["a", "b"], "band_gap_ev": [1.25, None], "is_metal": [0.0, 1.0]}
    with pytest.raises(InputError, match="store"):
        build_store([SALT], tmp_path / "store")
    build_store([SALT], tmp_path / "store", force=True)
    with pytest.raises(InputError, match="column band_gap_ev has 1 values for 2 structures"):
        build_store([SALT, SALT], tmp_path / "other", labels={"band_gap_ev": [1]})
    assert not (tmp_path / "other").exists()


def test_what_is_no_store_is_refused(tmp_path, store):
    with pytest.raises(InputError) as error:
        open_store(tmp_path / "nothing")
    assert error.value.file is not None
    (damaged,) = (path for path in store.glob("*.parquet"))
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1] + b"x")
    try:
        with pytest.raises(InputError) as error:
            open_store(store)
        assert error.value.file == str(damaged)
    finally:
        damaged.write_bytes(whole)
