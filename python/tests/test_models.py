"""Models in the process against the program."""

from __future__ import annotations

import json
import re
import shutil
import warnings

import pandas
import polars
import pytest
from ase.calculators.calculator import PropertyNotImplementedError
from conftest import SAMPLE, SMALL

from crystal_mmpt import InputError, embed, evaluate, finetune, open_store, predict
from crystal_mmpt.calculator import EnergyCalculator


def test_predictions_are_the_bytes_of_the_program(run, tuned, tmp_path):
    ours, theirs = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    predictions = predict(SAMPLE, tuned.folder, out=ours)
    run("trainer", "predict", SAMPLE, "--weights", tuned.folder, "--out", theirs)
    assert ours.read_bytes() == theirs.read_bytes()
    assert len(predictions) == len(ours.read_text().splitlines()) - 1
    in_memory = predict(SAMPLE, tuned.folder).to_pandas()
    pandas.testing.assert_frame_equal(in_memory, predictions.to_pandas(), check_dtype=False)
    assert predictions.unread == "2 *.csv, 1 *.md"
    assert set(in_memory["unit"]) == {"eV"}


def atoms_of(store, name):
    """A crystal of a store as ASE has it."""
    return next(open_store(store).to_ase(f'material_id = "{name}"'))


def test_structures_in_memory_are_predicted_as_their_files(tuned, store, cifs):
    by_path = predict(cifs, tuned.folder).table.to_pydict()
    texts = {path.stem: path.read_text() for path in cifs}
    assert predict(texts, tuned.folder, threads=1).table.to_pydict() == by_path
    of_pymatgen = next(open_store(store).to_pymatgen(f'material_id = "{cifs[2].stem}"'))
    mixture = [cifs[0], texts[cifs[1].stem], of_pymatgen, atoms_of(store, cifs[3].stem)]
    found = predict(mixture, tuned.folder).table.to_pydict()
    assert found["material_id"] == [cifs[0].stem, "1", "2", "3"]
    assert found["prediction"] == pytest.approx(by_path["prediction"][:4], abs=1e-4)


def test_a_fine_tuning_predicts_by_itself(tuned, cifs):
    by_folder = predict(cifs[:4], tuned.folder).table.to_pydict()
    assert predict(cifs[:4], tuned).table.to_pydict() == by_folder
    member = tuned.members[0]["folder"]
    assert predict(cifs[:4], [tuned, member]).table.to_pydict() == by_folder


def test_weights_have_names(store, cifs, tmp_path, monkeypatch):
    monkeypatch.setenv("CRYSTAL_MMPT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    embeddings = embed(cifs[:2], "denoise-mp")
    assert embeddings.table.to_pydict()["material_id"] == [path.stem for path in cifs[:2]]
    (weights,) = (tmp_path / "cache").rglob("*.safetensors")
    assert embed(cifs[:2], weights).table.to_pydict() == embeddings.table.to_pydict()
    settings = {"finetune.fraction": 0.1, "finetune.freeze_encoder": True}
    begun = finetune(
        store, "band_gap_ev", out="a", weights="denoise-mp", epochs=1, fold=[0], settings=settings
    )
    assert len(predict(cifs[:2], begun)) == 2
    for call in [lambda: embed(cifs[:2], "denoise-mq"), lambda: predict(cifs[:2], "denoise-mq")]:
        with pytest.raises(InputError, match="denoise-mp"):
            call()


def test_a_keyword_and_a_setting_do_not_contradict_each_other(store, cifs, tmp_path):
    out = tmp_path / "new"
    frame = pandas.DataFrame({"structure": [path.read_text() for path in cifs], "band_gap_ev": 1.0})
    contradiction = "epochs: run.epochs = 1: settings says 5"
    for data in [store, frame]:
        for five in [5, "5"]:
            with pytest.raises(InputError, match=contradiction) as error:
                finetune(data, "band_gap_ev", out=out, epochs=1, settings={"run.epochs": five})
            assert error.value.value == "1"
        # Nothing is built for what cannot be learnt.
        assert list(tmp_path.iterdir()) == []
    same = {**SMALL, "run.epochs": "1", "seed": 7}
    tuned = finetune(store, "band_gap_ev", out=out, epochs=1, seed=7, fold=[0], settings=same)
    assert [member["seed"] for member in tuned.members] == [7]


def test_members_that_have_not_begun_are_told(tuned, cifs, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = predict(cifs[:1], tuned)
    stopped = shutil.copytree(tuned.folder, tmp_path / "stopped")
    record = (stopped / "finetune.toml").read_text()
    member = '"fold-0/seed-123" = '
    assert member in record and "folds = [0]" in record
    record = record.replace("folds = [0]", "folds = [0, 1]")
    (stopped / "finetune.toml").write_text(record.replace(member, f'"fold-1/seed-123" = "0"\n{member}'))
    with pytest.warns(UserWarning, match="fold-1/seed-123 has no weights yet and predicts nothing"):
        found = predict(cifs[:1], stopped)
    assert found.table.to_pydict() == whole.table.to_pydict()


def test_a_split_column_that_is_not_used_is_told(tuned, store, tmp_path):
    told = (
        "the store has the split columns 'split', 'split_labels', which are not used; "
        'split="split" divides the crystals by the first'
    )
    assert told in tuned.remarks
    by_split = finetune(store, "band_gap_ev", out=tmp_path / "a", split="split", epochs=1, settings=SMALL)
    assert told not in by_split.remarks
    with pytest.raises(InputError, match="neither a file nor a split column of the name 'splat'") as error:
        finetune(store, "band_gap_ev", out=tmp_path / "b", split="splat", settings=SMALL)
    assert error.value.value == "splat"


def test_what_has_no_prediction_is_a_reject(tuned, cifs):
    predictions = predict({"good": cifs[0], "bad": "data_x\n", "-mp-1": "data_y\n"}, tuned.folder)
    assert predictions.table.to_pydict()["material_id"] == ["good"]
    assert predictions.rejects is not None
    assert predictions.rejects.to_pydict()["material_id"] == ["bad", "-mp-1"]
    with pytest.raises(InputError, match="no crystal could be predicted"):
        predict("data_x\n", tuned.folder)


def test_stores_are_predicted_and_embedded(run, tuned, store, tmp_path):
    assert len(predict(open_store(store), tuned.folder)) == len(open_store(store))
    weights = tuned.members[0]["folder"] / "best.safetensors"
    embeddings = embed(open_store(store), weights)
    for path in [store, str(store)]:
        assert embed(path, weights).table.to_pydict() == embeddings.table.to_pydict()
    for data in [open_store(store), store, str(store)]:
        for call in [embed, predict]:
            with pytest.raises(InputError, match=re.escape("ids = ['a']: has no effect: the data is a store")):
                call(data, weights, ids=["a"])
    table = tmp_path / "h.parquet"
    run("trainer", "embed", "--shards", store, "--weights", weights, "--out", table)
    frame = polars.read_parquet(table)
    assert embeddings.table.to_polars().equals(frame) and embeddings.rejects is None
    assert embeddings.table.to_pydict()["material_id"] == frame["material_id"].to_list()


def test_structures_in_memory_are_embedded(tuned, cifs):
    weights = tuned.members[0]["folder"] / "best.safetensors"
    told = []
    embeddings = embed(
        [*cifs[:5], "data_x\n"],
        weights,
        per_atom=True,
        progress=lambda done, total, text: told.append((done, total)),
    )
    rows = embeddings.table.to_pydict()
    assert rows["material_id"] == [path.stem for path in cifs[:5]]
    assert len(rows["h_s_mean"][0]) == SMALL["model.mmpt.structure_width"]
    assert embeddings.rejects is not None and len(embeddings.rejects) == 1
    assert told[-1] == (5, 5)


def test_a_frame_is_learnt_and_tested(tmp_path, store, gaps):
    names = sorted(gaps)[:60]
    structures = {one.properties["material_id"]: one for one in open_store(store).to_pymatgen()}
    frame = pandas.DataFrame(
        {
            "structure": [*(structures[name] for name in names), "data_x\nno cell\n"],
            "name": [*names, "broken"],
            "gap_ev": [*(gaps[name] for name in names), 1.0],
        }
    )
    told = []
    tuned = finetune(
        frame,
        "gap_ev",
        out=tmp_path / "gaps",
        ids="name",
        epochs=2,
        folds=2,
        settings=SMALL,
        progress=lambda *update: told.append(update),
    )
    assert [member["fold"] for member in tuned.members] == ["fold-0", "fold-1"]
    # What is no crystal is told, with the crystals that cannot be learnt.
    (left_out,) = tuned.excluded
    assert (left_out["id"], left_out["reason"].split(":")[0]) == ("broken", "cif_syntax")
    assert told[-1][0] == told[-1][1] and "member 2 of 2, epoch 2 of 2" in told[-1][2]
    scores = evaluate(tuned)
    written = json.loads((tmp_path / "gaps" / "evaluation" / "evaluation.json").read_text())
    assert scores.by_property == {"gap_ev": written} and scores["mae"] == written["mean"]["mae"]
    assert set(scores.files) == {path for path in (tmp_path / "gaps" / "evaluation").iterdir()}
    assert len(predict(frame["structure"], tuned.folder)) == 60
    with pytest.raises(InputError) as error:
        finetune(frame, "gap_ev", out=tmp_path / "gaps", ids="name", settings=SMALL)
    assert error.value.file is not None or "gaps" in str(error.value)
    again = finetune(
        frame, "gap_ev", out=tmp_path / "gaps", ids="name", epochs=2, folds=2, settings=SMALL, resume=True
    )
    assert again == tuned
    with pytest.raises(InputError, match="no column gap") as error:
        finetune(frame, "gap", out=tmp_path / "other")
    assert error.value.value == "gap"


def test_the_store_of_another_frame_is_told(tmp_path, store, gaps):
    names = sorted(gaps)[:30]
    structures = {one.properties["material_id"]: one for one in open_store(store).to_pymatgen()}
    frame = pandas.DataFrame(
        {"structure": [structures[name] for name in names], "gap": [gaps[name] for name in names]}
    )
    options = {"store": tmp_path / "s", "epochs": 1, "folds": 2, "fold": [0], "settings": SMALL}
    first = finetune(frame, "gap", out=tmp_path / "a", **options)
    # The same frame has the store already.
    second = finetune(frame, "gap", out=tmp_path / "b", **options)
    assert [member["train"] for member in second.members] == [member["train"] for member in first.members]
    assert finetune(frame, "gap", out=tmp_path / "a", resume=True, **options) == first
    turned = frame.assign(structure=list(frame["structure"])[::-1])
    shifted = frame.assign(gap=frame["gap"] + 1)
    for other, told in [(turned, "<structures in memory>"), (shifted, "labels.csv")]:
        for out, resume in [("c", False), ("a", True)]:
            with pytest.raises(InputError, match=f"an earlier state of input {told}"):
                finetune(other, "gap", out=tmp_path / out, resume=resume, **options)
    assert not (tmp_path / "c").exists()


def test_what_would_have_no_effect_is_refused(store, tmp_path):
    task = "the task 'textbook_band_gap' says what is learnt and how its crystals are divided"
    gap, both = "band_gap_ev", ["band_gap_ev", "bulk_modulus_gpa"]
    for property, options, message in [
        (gap, {"folds": 3, "split": "split"}, "folds = 3: cannot be used with split = split"),
        (gap, {"folds": 1}, "folds = 1: must be 2 to 100"),
        (both, {"transform": "log1p"}, "transform gives 1 transform for 2 properties"),
        (gap, {"transform": ["log1p", "sqrt"]}, "transform gives 2 transforms for 1 property"),
        (gap, {"classify": True, "transform": "sqrt"}, "classify = true: cannot be used with transform"),
        (gap, {"above": 1, "classify": True}, "above = 1: cannot be used with classify = true"),
        (gap, {"resume": True, "overwrite": True}, "resume = True: cannot be used with overwrite = True"),
        (gap, {"structures": "cell"}, "structures = cell: has no effect: the data is a store"),
        (gap, {"ids": "name"}, "ids = name: has no effect: the data is a store"),
        (gap, {"store": "mine"}, "store = mine: has no effect: the data is a store"),
        (None, {"transform": "log1p"}, f"transform = log1p: has no effect: {task}"),
        (None, {"classify": True}, f"classify = true: has no effect: {task}"),
        (None, {"above": 0.5}, f"above = 0.5: has no effect: {task}"),
        (None, {"folds": 3}, f"folds = 3: has no effect: {task}"),
        (
            gap,
            {"settings": {"finetune.class_weights": "balanced"}},
            "settings: finetune.class_weights = balanced: has no effect: the task predicts numbers",
        ),
        (
            gap,
            {"split": "hash", "settings": {"finetune.validation": "per-fold"}},
            "settings: finetune.validation = per-fold: has no effect: the task has no folds",
        ),
    ]:
        named = "textbook_band_gap" if property is None else None
        with pytest.raises(InputError, match=re.escape(message)):
            finetune(store, property, task=named, out=tmp_path / "a", epochs=1, **options)
        assert not (tmp_path / "a").exists()


def test_a_fine_tuning_is_that_of_the_program(run, store, tuned, tmp_path):
    options = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    run(
        "trainer", "finetune", "--property", "band_gap_ev", "--shards", store, "--from-scratch",
        "--epochs", 1, "--fold", 0, "--out", tmp_path / "gaps", *options,
    )  # fmt: skip
    ours = tuned.members[0]["folder"]
    theirs = tmp_path / "gaps" / ours.relative_to(tuned.folder)
    assert (ours / "best.safetensors").read_bytes() == (theirs / "best.safetensors").read_bytes()


def test_settings_and_weights_at_fault_are_named(tuned, store, tmp_path):
    with pytest.raises(InputError, match="model.mmpt.hiden"):
        finetune(store, "band_gap_ev", out=tmp_path / "a", settings={"model.mmpt.hiden": 8})
    with pytest.raises(InputError, match="band_gap"):
        finetune(store, "band_gap", out=tmp_path / "a")
    with pytest.raises(InputError) as error:
        predict(SAMPLE, tmp_path / "no.safetensors")
    assert error.value.file == str(tmp_path / "no.safetensors")
    with pytest.raises(InputError, match="no device"):
        predict(SAMPLE, tuned.folder, device="gpu")
    with pytest.raises(InputError, match=".csv or .parquet"):
        predict(SAMPLE, tuned.folder, out=tmp_path / "p.txt")
    with pytest.raises(InputError) as error:
        evaluate(tmp_path)
    assert error.value.file == str(tmp_path)
    assert not (tmp_path / "a").exists()


def test_energies_of_a_calculator(tmp_path, store, gaps):
    names = sorted(gaps)[:30]
    frame = polars.DataFrame(
        {"structure": [str(SAMPLE / f"{name}.cif") for name in names], "name": names,
         "formation_energy_ev_per_atom": [-gaps[name] / 3 for name in names]}
    )  # fmt: skip
    energy = "formation_energy_ev_per_atom"
    tuned = finetune(
        frame, energy, out=tmp_path / "e", ids="name", epochs=1, folds=2, fold=[0], settings=SMALL
    )
    atoms = atoms_of(store, "NaCl-rocksalt")
    atoms.calc = EnergyCalculator(tuned.folder)
    per_atom = predict(atoms, tuned.folder).table.to_pydict()["prediction"][0]
    assert atoms.get_potential_energy() == pytest.approx(per_atom * len(atoms))
    with pytest.raises(PropertyNotImplementedError, match="no forces"):
        atoms.get_forces()


def test_a_calculator_wants_energies_per_atom(tuned, store):
    atoms = atoms_of(store, "NaCl-rocksalt")
    atoms.calc = EnergyCalculator(tuned.folder)
    with pytest.raises(
        InputError, match="an energy in eV/atom is needed, and the weights predict band_gap_ev in eV"
    ):
        atoms.get_potential_energy()
