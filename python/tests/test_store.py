"""Stores: columns, rows, crystals of other libraries, batches."""

from __future__ import annotations

import hashlib
import json
import zipfile

import numpy
import pandas
import polars
import pyarrow
import pyarrow.parquet
import pytest
from pymatgen.core import Lattice, Structure

from crystal_mmpt import InputError, build_store, featurise, open_store

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


def test_rows_of_labels_belong_to_their_structures(tmp_path):
    made = iter(range(100))

    def values(structures, labels, **options):
        store = build_store(structures, tmp_path / f"{next(made)}", labels=labels, **options)
        rows = store.table(["material_id", "x"]).to_pydict()
        return dict(zip(rows["material_id"], rows["x"]))

    # Files whose names are the numbers of others.
    paths = [tmp_path / f"{name}.cif" for name in (0, 1, 10, 2)]
    for path in paths:
        SALT.to(str(path))
    assert values(paths, {"x": [0, 1, 10, 2]}) == {"0": 0, "1": 1, "2": 10, "3": 2}
    assert values(paths, {"x": [0, 1, 10, 2]}, ids=[path.stem for path in paths])["10"] == 10
    with pytest.raises(InputError, match="can be given identifiers"):
        values(tmp_path, {"x": [1]})
    # A column of identifiers is what counts, in any order.
    frame = pandas.DataFrame({"material_id": ["2", "10", "0"], "x": [2, 10, 0]})
    assert values(paths, frame) == {"0": 0, "1": None, "10": 10, "2": 2}
    assert values({"a": SALT, "b": SALT}, {"material_id": ["b", "a"], "x": [1, 2]}) == {"a": 2, "b": 1}
    # An index of the same identifiers has to be in their order.
    frame = pandas.DataFrame({"s": [SALT, SALT], "x": [1, 2]}, index=["a", "b"])
    assert values(frame["s"], frame[["x"]]) == values(frame["s"], frame[["x"]].reset_index(drop=True))
    with pytest.raises(InputError, match="row 0 has the index b, which is structure 1"):
        values(frame["s"], frame[["x"]][::-1])


def test_labels_at_fault_are_named(tmp_path):
    for labels, ids, message in [
        ({"x": [1, float("inf")]}, ["a", "b"], "column x of b is inf"),
        ({"x": [1, 2]}, ["a", "a"], 'labels: line 3: "a" stands there a second time'),
        ({"x": [1, 2]}, ["a", None], "structure 1 has no identifier: None"),
        ({"x": [1, 2]}, ["a", float("nan")], "structure 1 has no identifier: nan"),
        ({"material_id": ["a", None], "x": [1, 2]}, ["a", "b"], "labels: line 3: no identifier"),
    ]:
        with pytest.raises(InputError, match=message) as raised:
            build_store([SALT, SALT], tmp_path / "store", ids=ids, labels=labels)
        assert not (tmp_path / "store").exists()
        assert "line 3" not in message or raised.value.line == 3


def test_lists_of_labels_keep_their_numbers(tmp_path):
    charges = [0.123456789, -1.98765e-05]
    # More sites than NumPy prints.
    large, many = SALT * (8, 8, 8), numpy.arange(1024) / 7
    given = [
        numpy.array(charges),
        numpy.array(charges, dtype=numpy.longdouble),
        tuple(charges),
        [numpy.float64(charge) for charge in charges],
        pandas.Series(charges),
        polars.Series(charges),
        pyarrow.array([charges])[0],
    ]
    single = numpy.array(charges, dtype=numpy.float32)
    structures = {f"{number}": SALT for number in range(len(given))}
    structures |= {"single": SALT, "none": SALT, "large": large}
    labels = {"site_charge": [*given, single, None, many], "x": [numpy.array(1.5)] * len(structures)}
    with numpy.printoptions(precision=3, suppress=True):
        store = build_store(structures, tmp_path / "store", labels=labels)
    rows = store.table(["site_charge", "x"]).to_pydict()
    assert rows["site_charge"] == [charges] * len(given) + [single.tolist(), None, many.tolist()]
    assert set(rows["x"]) == {1.5}
    # Of a single site, too, it is a list.
    one = Structure(Lattice.cubic(3.35), ["Po"], [[0, 0, 0]])
    store = build_store([one], tmp_path / "one", labels={"site_charge": [numpy.array([0.5])]})
    assert store.table(["site_charge"]).to_pydict() == {"site_charge": [[0.5]]}
    for value, shown in [(float("nan"), "nan"), (None, "None"), (pandas.NA, "<NA>"), (-numpy.inf, "-inf")]:
        with pytest.raises(InputError, match=f"of a: item 1 of the list is {shown}") as raised:
            build_store({"a": SALT}, tmp_path / "other", labels={"site_charge": [[0.5, value]]})
        assert (raised.value.id, raised.value.value) == ("a", shown)
    assert not (tmp_path / "other").exists()


def test_a_store_of_other_structures_is_told(tmp_path):
    moved, text = SALT.copy(), SALT.to(fmt="cif")
    moved.translate_sites([1], [0.01, 0, 0])
    path, labels = tmp_path / "store", {"x": [1, 2]}
    store = build_store({"a": SALT, "b": SALT}, path, labels=labels)
    held, table = store.manifest["inputs"]
    assert (held["file"], table["file"]) == ("<structures in memory>", "labels.csv")
    assert held["bytes"] == 2 * 65, "a hash and a line feed for each"
    again = build_store({"a": SALT, "b": SALT}, path, labels=labels)
    assert again.manifest == store.manifest
    for others in [{"a": SALT, "b": moved}, {"b": SALT, "a": SALT}, {"a": SALT, "b": text}]:
        with pytest.raises(InputError, match="with an earlier state of input <structures in memory>"):
            build_store(others, path, labels=labels)
    with pytest.raises(InputError, match="with an earlier state of input labels.csv"):
        build_store({"a": SALT, "b": SALT}, path, labels={"x": [1, 3]})
    assert open_store(path).manifest == store.manifest
    replaced = build_store({"a": SALT, "b": moved}, path, labels=labels, force=True)
    assert replaced.manifest["inputs"][0] != held


def test_files_between_structures_in_memory_are_inputs(tmp_path):
    file, folder, archive = tmp_path / "x.cif", tmp_path / "folder", tmp_path / "packed.zip"
    folder.mkdir()
    for path in (file, folder / "y.cif"):
        SALT.to(str(path))
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(file, "z.cif")
    mixture = [archive, SALT, SALT, folder, file, SALT]
    store = build_store(mixture, tmp_path / "store")
    held = "<structures in memory>"
    names = [given["file"] for given in store.manifest["inputs"]]
    assert names == ["packed.zip", held, "folder", "x.cif", held]
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert store.manifest["inputs"][3]["sha256"] == digest
    assert build_store(mixture, tmp_path / "store").manifest == store.manifest
    (folder / "y.cif").write_text(file.read_text() + "# changed\n")
    with pytest.raises(InputError, match="an earlier state of input folder"):
        build_store(mixture, tmp_path / "store")


def test_entries_that_are_no_crystals_are_told(tmp_path):
    store = build_store({"good": SALT, "broken": "data_x\nno cell\n"}, tmp_path / "store")
    rejects = store.rejects.to_pydict()
    assert (rejects["material_id"], rejects["reason"]) == (["broken"], ["cif_syntax"])


def test_damaged_rejects_are_told_with_their_file(tmp_path):
    store = build_store([SALT], tmp_path / "store")
    rejects = tmp_path / "store.store" / "rejects.parquet"
    rejects.write_bytes(rejects.read_bytes()[:-20])
    with pytest.raises(InputError, match="rejects.parquet: not a readable Parquet file") as error:
        store.rejects.to_pydict()
    assert error.value.file.endswith("rejects.parquet")


def test_limits_are_those_of_the_etl(tmp_path):
    wide = Structure(Lattice.cubic(6.0), ["Xe"], [[0, 0, 0]])
    store = build_store({"near": SALT, "wide": wide}, tmp_path / "store", min_distance=5.5)
    assert store.table(["material_id"]).to_pydict() == {"material_id": ["wide"]}
    rejects = store.rejects.to_pydict()
    assert (rejects["material_id"], rejects["reason"]) == (["near"], ["filtered"])
    for value in [-1.0, float("nan")]:
        with pytest.raises(InputError, match="min_volume"):
            build_store([SALT], tmp_path / "other", min_volume=value)
        with pytest.raises(InputError, match="min_volume"):
            featurise([SALT], min_volume=value)


def test_stores_of_an_earlier_format_version_are_read(tmp_path):
    store = build_store([SALT, SALT], tmp_path / "store", labels={"x": [1, 2]})
    (shard,) = store.path.glob("*.parquet")
    table = pyarrow.parquet.ParquetFile(shard).read()
    new = list(store.columns)
    new = new[new.index("immutable_id") : new.index("structure_hash") + 1]
    metadata = {**table.schema.metadata, b"mmpt.format_version": b"2"}
    table = table.drop_columns(new).replace_schema_metadata(metadata)

    def rewritten(table):
        pyarrow.parquet.write_table(table, shard)
        manifest = {**store.manifest, "format_version": 2}
        # The checksum is the last key, and was not there at first.
        manifest.pop("checksum", None)
        digest = hashlib.sha256(shard.read_bytes()).hexdigest()
        manifest["shards"][0] |= {"sha256": digest, "bytes": shard.stat().st_size}
        (tmp_path / "store.store" / "manifest.json").write_text(json.dumps(manifest))
        return open_store(store.path)

    old = rewritten(table)
    assert len(old) == len(list(old.to_ase())) == 2 and not set(new) & set(old.columns)
    with pytest.raises(InputError, match="no column 'structure_hash'"):
        old.table(["structure_hash"])
    for name in new:
        assert name in open_store.__doc__
    # What is no crystal is not handed on.
    at = table.column_names.index("atomic_numbers")
    field = table.schema.field(at)
    broken = rewritten(table.set_column(at, field, pyarrow.array([[11, 17], [11, 119]], field.type)))
    with pytest.raises(InputError, match="no element has the atomic number 119") as error:
        list(broken.to_ase())
    assert error.value.id == "1"


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
