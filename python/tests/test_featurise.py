"""Features against the rows that the program writes."""

from __future__ import annotations

import warnings

import ase.io
import pandas
import polars
import pyarrow
import pytest
from conftest import SAMPLE
from pymatgen.core import DummySpecies, Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

from crystal_mmpt import Features, InputError, featurise, open_store

SALT = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def ids(features: Features) -> list[str]:
    """Identifiers of the crystals."""
    return features.crystals.to_pydict()["material_id"]


def test_rows_are_those_of_the_store(store):
    features = featurise(SAMPLE, name="textbook", threads=2)
    stored = open_store(store).to_pyarrow()
    names = [name for name in features.crystals.column_names if name not in ("split", "fold")]
    assert features.crystals.to_pyarrow().select(names).equals(stored.select(names))
    assert len(features.rejects) == open_store(store).manifest["counts"]["rejected"]


def test_any_mixture_comes_in_the_order_of_the_list(cifs):
    text = cifs[0].read_text()
    mixture = [
        AseAtomsAdaptor.get_atoms(SALT, msonable=False),
        cifs[2],
        SALT,
        text,
        str(cifs[3]),
        text.encode(),
        cifs[4],
    ]
    features = featurise(mixture, threads=3)
    assert ids(features) == ["0", cifs[2].stem, "2", "3", cifs[3].stem, "5", cifs[4].stem]
    assert set(features.crystals.to_pydict()["source"]) == {"structures"}


def test_objects_of_other_libraries_have_the_features_of_the_store(store):
    opened = open_store(store)
    stored = opened.to_pandas()
    structures = {structure.properties["material_id"]: structure for structure in opened.to_pymatgen()}
    atoms = {atoms.info["material_id"]: atoms for atoms in opened.to_ase()}
    for objects in (structures, atoms):
        found = featurise(objects).crystals.to_pandas()
        assert list(found["material_id"]) == list(stored["material_id"])
        for column in ("a", "b", "c", "alpha", "volume"):
            assert found[column].to_numpy() == pytest.approx(stored[column].to_numpy(), rel=1e-6)
        pairs = zip(found["edge_source"], stored["edge_source"])
        assert sum(len(ours) != len(theirs) for ours, theirs in pairs) <= 2, "shells at their tolerance"


def test_identifiers_are_keys_or_given():
    assert ids(featurise({"a": SALT, "b": SALT})) == ["a", "b"]
    assert ids(featurise([SALT, SALT], ids=["x", 7])) == ["x", "7"]
    assert ids(featurise(pandas.Series([SALT], index=["row"]))) == ["row"]
    assert ids(featurise(SALT)) == ["0"]
    with pytest.raises(InputError, match="1 for 2 structures"):
        featurise([SALT, SALT], ids=["x"])


def test_what_is_no_crystal_is_a_reject():
    slab = AseAtomsAdaptor.get_atoms(SALT, msonable=False)
    slab.pbc = [True, True, False]
    half = Structure(Lattice.cubic(4), [{"Fe": 0.5, "Ni": 0.5}], [[0, 0, 0]])
    features = featurise(
        {"slab": slab, "half": half, "broken": "data_x\nno cell\n", "good": SALT, "good ": SALT}
    )
    rejects = features.rejects.to_pydict()
    reasons = dict(zip(rejects["material_id"], rejects["reason"]))
    assert reasons["slab"] == "not_periodic" and reasons["half"] == "partial_occupancy", reasons
    assert "broken" in reasons and ids(features)[0] == "good"
    assert set(rejects["source_file"]) == {"list"} and rejects["record"][:2] == [1, 2]
    # The same entry twice.
    twice = featurise([SALT, SALT], ids=["a", "a"])
    assert twice.rejects.to_pydict()["reason"] == ["duplicate_id"]


def test_partial_occupancies_of_ase_are_rejects(tmp_path):
    path = tmp_path / "half.cif"
    Structure(Lattice.cubic(4), [{"Fe": 0.5, "Ni": 0.5}, "O"], [[0, 0, 0], [0.5, 0.5, 0.5]]).to(str(path))
    SALT.to(str(tmp_path / "whole.cif"))
    with warnings.catch_warnings():
        # About both elements of a site.
        warnings.simplefilter("ignore")
        half, whole = ase.io.read(path), ase.io.read(tmp_path / "whole.cif")
    # It has one of both elements, and says so nowhere else.
    assert len(half) == 2 and half.info["occupancy"]
    features = featurise({"half": half, "whole": whole, "oxygen": half[half.numbers == 8]})
    assert ids(features) == ["whole", "oxygen"]
    assert features.rejects.to_pydict()["reason"] == ["partial_occupancy"]
    # Without the kinds nobody knows which sites are meant.
    del half.arrays["spacegroup_kinds"]
    assert len(featurise(half).rejects) == 1


def test_dummies_are_rejects_by_their_name():
    dummy = Structure(Lattice.cubic(4), [DummySpecies("X"), "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    (message,) = featurise(dummy).rejects.to_pydict()["message"]
    assert message == 'site 1: "X" is no element'


def test_options_are_those_of_the_etl(run, tmp_path, cifs):
    folder = tmp_path / "cifs"
    folder.mkdir()
    for path in cifs:
        (folder / path.name).write_bytes(path.read_bytes())
    store = tmp_path / "store"
    run(
        "etl",
        "build",
        "cif",
        "--input",
        folder,
        "--out",
        store,
        "--neighbours",
        6,
        "--cutoff",
        7,
        "--ties",
        "cut",
    )
    features = featurise(folder, name="cif", neighbours=6, cutoff=7.0, ties="cut")
    assert features.crystals.to_pyarrow().equals(open_store(store).to_pyarrow())
    everything = featurise(SALT, neighbours="all", cutoff=4.0).crystals.to_pydict()
    assert max(everything["edge_distance"][0]) <= 4.0
    for option, value in [
        ("neighbours", "some"),
        ("ties", "x"),
        ("cutoff", "near"),
        ("cutoff", -1),
        ("threads", 0),
    ]:
        with pytest.raises(InputError) as error:
            featurise(SALT, **{option: value})
        assert error.value.value == str(value) or str(value) in str(error.value), (option, str(error.value))


def test_libraries_take_the_tables_without_a_copy():
    crystals = featurise({"a": SALT, "b": SALT}).crystals
    table = pyarrow.table(crystals)
    again = pyarrow.table(crystals)
    assert table["volume"].chunk(0).buffers()[1].address == again["volume"].chunk(0).buffers()[1].address
    assert polars.DataFrame(crystals)["material_id"].to_list() == ["a", "b"]
    assert list(pandas.DataFrame.from_arrow(crystals)["material_id"]) == ["a", "b"]
    assert table.schema.field("edge_distance").metadata[b"unit"] == "Å".encode()
    assert table.schema.metadata[b"mmpt.neighbours"] == b"12"
    # Batches outlive what they came from.
    del crystals
    assert table["nsites"].to_pylist() == [2, 2] or table["nsites"].to_pylist() == [8, 8]


def test_errors_name_the_place(tmp_path):
    with pytest.raises(InputError) as error:
        featurise(tmp_path / "missing.cif")
    assert error.value.file == str(tmp_path / "missing.cif") and error.value.id is None
    with pytest.raises(InputError, match="neither ase.Atoms") as error:
        featurise({"odd": 3.5})
    assert error.value.id == "odd"
    with pytest.raises(InputError, match="no input"):
        featurise([])
