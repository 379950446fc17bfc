"""Models: predictions, embeddings, fine-tuning and tests."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Union

from crystal_mmpt import _native
from crystal_mmpt.errors import InputError
from crystal_mmpt.features import bound_options
from crystal_mmpt.progress import ProgressOption, watching
from crystal_mmpt.store import DEFAULT_BATCH_CRYSTALS, Store, build_store
from crystal_mmpt.structures import entries
from crystal_mmpt.table import Table

PathLike = Union[str, "os.PathLike[str]"]

DEFAULT_BATCH_TRIPLETS = 1 << 18
"""Most triplets in a batch, so that large crystals cannot exhaust the memory."""


@dataclass(frozen=True)
class Predictions:
    """Predictions of a model, or of several as an ensemble.

    Attributes:
        table: A row for each crystal and property: ``material_id``, ``formula``, ``property``, ``unit`` (of
            the property), ``prediction``, ``deviation`` (of several models), ``lower_90`` and ``upper_90``,
            ``domain_distance``, ``unseen_elements`` and ``out_of_domain``. For classes ``confidence`` and
            the probability of each, for numbers of sites ``site`` and ``element``.
        rejects: A row for each structure without a prediction, with ``reason`` and ``message``; ``None`` if
            there is none.
        unread: Files in folders that were not read, such as ``"2 *.csv"``.
        noted: Number of predicted crystals by the code of a remark about them.
    """

    table: Table
    rejects: Table | None
    unread: str
    noted: dict[str, int] = field(default_factory=dict)

    def to_pandas(self):
        """The table as a frame of pandas."""
        return self.table.to_pandas()

    def to_polars(self):
        """The table as a frame of polars."""
        return self.table.to_polars()

    def __len__(self) -> int:
        return len(self.table)


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of crystals.

    Attributes:
        table: ``material_id``, ``h_l`` ``[width of the lattice]``, ``h_s_mean`` and ``h_s_max`` ``[width of
            the atoms]`` and, if asked for, ``h_s`` with a vector for each site: 32-bit floats without a unit.
        rejects: A row for each structure without an embedding; ``None`` for a store.
    """

    table: Table
    rejects: Table | None


@dataclass(frozen=True)
class Tuned:
    """A fine-tuning.

    Attributes:
        folder: Its folder, which :func:`predict` takes as weights and :func:`evaluate` tests.
        members: A dictionary for each fold and seed: ``fold``, ``seed``, ``folder``, ``train`` (number of
            crystals), ``validation_error`` (of a number in its unit), ``best_epoch`` and ``epochs``.
        excluded: A dictionary for each crystal that was left out, and for each structure of a frame that is
            no crystal: ``id``, ``value`` and ``reason``.
        remarks: What is unusual about the division of the crystals and may not be meant, such as test crystals that
            have the structure hash of a training crystal.
    """

    folder: Path
    members: list[dict[str, Any]]
    excluded: list[dict[str, Any]]
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Scores:
    """Scores of a fine-tuning on crystals that it has not seen.

    Attributes:
        by_property: The content of ``evaluation.json`` for each property.
        files: The files written: scores, predictions, the report page.
    """

    by_property: dict[str, dict[str, Any]]
    files: list[Path] = field(default_factory=list)

    def __getitem__(self, score: str) -> Any:
        """A mean over the folds of the only property, such as ``scores["mae"]``, in its unit."""
        if len(self.by_property) != 1:
            raise KeyError(f"{score} of which property: {', '.join(self.by_property)}?")
        (record,) = self.by_property.values()
        return record["mean"][score]


def predict(
    structures: Any,
    weights: PathLike | Tuned | Sequence[PathLike | Tuned],
    *,
    ids: Sequence[str] | None = None,
    out: PathLike | None = None,
    overwrite: bool = False,
    device: str = "cpu",
    threads: int | None = None,
    batch: int = DEFAULT_BATCH_CRYSTALS,
    batch_triplets: int = DEFAULT_BATCH_TRIPLETS,
    max_sites: int = 10_000,
    min_contact: float | str | None = None,
    reject_isolated: bool = False,
    min_volume: float = 0.0,
    min_distance: float = 0.0,
    progress: ProgressOption = None,
) -> Predictions:
    """Predicts with fine-tuned models, as ``trainer predict`` does and with its numbers.

    Args:
        structures: As those of :func:`crystal_mmpt.featurise`; or a :class:`crystal_mmpt.Store` or the path
            of one.
        weights: A weights file, a fine-tuning or its folder with all its members, a name of ``trainer weights
            list``, or several of them as an ensemble. Members without weights are left out with a warning.
        ids: Identifiers of the structures in a list; their numbers from 0 unless given.
        out: A table to write as well, ``.csv`` or ``.parquet``: the file that the program writes.
        overwrite: Whether to replace it.
        device: ``cpu``, or a device of :data:`crystal_mmpt.DEVICES`.
        threads: Number of threads; every core unless given. The predictions do not depend on it.
        batch: Most crystals in a batch.
        batch_triplets: Most triplets in a batch.
        max_sites: Largest number of sites; a larger crystal is a reject.
        min_contact: As that of :func:`crystal_mmpt.featurise`, and so are the options up to ``min_distance``.
        progress: A bar or a function.

    Raises:
        InputError: The weights, a path or an option is at fault, or no crystal could be predicted.
    """
    store = _path_of_store(structures, ids)
    given = entries(structures if store is None else store, ids)
    several = [weights] if isinstance(weights, (str, os.PathLike, Tuned)) else list(weights)
    files = [one.folder if isinstance(one, Tuned) else Path(one) for one in several]
    if out is not None and Path(out).suffix not in (".csv", ".parquet"):
        raise InputError(f"out = {out}: .csv or .parquet", file=os.fspath(out), value=Path(out).suffix)
    with tempfile.TemporaryDirectory() as folder, watching(progress, "predict") as callback:
        target = Path(folder) / "predictions.parquet" if out is None else Path(out)
        summary = _native.predict(
            given,
            files,
            target,
            overwrite,
            device,
            threads,
            batch,
            batch_triplets,
            bound_options(max_sites, min_contact, reject_isolated, min_volume, min_distance),
            callback,
        )
        told = json.loads(summary)
        for member in told["absent"]:
            warnings.warn(f"{member} has no weights yet and predicts nothing", stacklevel=2)
        left_out = told["left_out_table"]
        rejects = None if left_out is None else Table(_native.read_table(left_out))
        return Predictions(Table(_native.read_table(target)), rejects, told["unread"], dict(told["noted"]))


def embed(
    structures: Any,
    weights: PathLike,
    *,
    ids: Sequence[str] | None = None,
    per_atom: bool = False,
    device: str = "cpu",
    threads: int | None = None,
    batch: int = DEFAULT_BATCH_CRYSTALS,
    batch_triplets: int | None = None,
    progress: ProgressOption = None,
) -> Embeddings:
    """Embeds crystals by the encoder of pre-trained or fine-tuned weights, as ``trainer embed`` does.

    Args:
        structures: As those of :func:`crystal_mmpt.featurise`; or a :class:`crystal_mmpt.Store` or the path
            of one.
        weights: A weights file, or a name of ``trainer weights list``.
        ids: Identifiers of the structures in a list; their numbers from 0 unless given.
        per_atom: Whether to add ``h_s``, a vector for each site.
        device: ``cpu``, or a device of :data:`crystal_mmpt.DEVICES`.
        threads: Number of threads; every core unless given.
        batch: Most crystals in a batch.
        batch_triplets: Most triplets in a batch.
        progress: A bar or a function.

    Raises:
        InputError: The weights, a path or an option is at fault, or a store has other features than the
            weights need.
    """
    store = _path_of_store(structures, ids)
    shards = [] if store is None else [str(store)]
    given = entries(structures, ids) if store is None else None
    with tempfile.TemporaryDirectory() as folder, watching(progress, "embed") as callback:
        out = Path(folder) / "embeddings.parquet"
        described, rejects = _native.embed(
            shards,
            given,
            Path(weights),
            out,
            False,
            per_atom,
            device,
            threads,
            batch,
            batch_triplets,
            callback,
        )
        _warn(described, weights)
        return Embeddings(Table(_native.read_table(out)), None if rejects is None else Table(rejects))


def finetune(
    data: Any,
    property: str | Sequence[str] | None = None,
    *,
    out: PathLike,
    task: PathLike | None = None,
    weights: PathLike | None = None,
    structures: str = "structure",
    ids: str | None = None,
    store: PathLike | None = None,
    transform: str | Sequence[str] = (),
    classify: bool = False,
    above: float | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    seed: int | None = None,
    seeds: Sequence[int] = (),
    folds: int | None = None,
    fold: Sequence[int] | None = None,
    split: PathLike | None = None,
    batch: int | None = None,
    settings: Mapping[str, Any] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    device: str = "cpu",
    threads: int | None = None,
    progress: ProgressOption = None,
) -> Tuned:
    """Fine-tunes a model on properties, as ``trainer finetune`` does.

    Args:
        data: A :class:`crystal_mmpt.Store`, the path of one, or a frame of pandas or polars with a column of
            structures.
        property: Name of the property's column, or names of several that one model learns.
        out: Folder of the fine-tuning.
        task: A built-in task or the file of one, in the place of ``property``.
        weights: Weights to begin with, pre-trained or fine-tuned: a file or a name of ``trainer weights list``;
            fresh ones unless given.
        structures: Of a frame: the column of the structures, each as those of :func:`crystal_mmpt.featurise`.
        ids: Of a frame: the column of the identifiers; the numbers of the rows from 0 unless given.
        store: Of a frame: folder of the store that is built of it; ``out`` with ``-store`` behind unless
            given. A store that is there already has to be that of the same frame.
        transform: ``log10``, ``log1p`` or ``sqrt``, one for each property: the model learns its values.
        classify: Whether each different whole number of the property is a class.
        above: Predict whether the property is above this value, in its unit, as two classes.
        epochs: Passes over the data; the recipe's unless given.
        learning_rate: That of the encoders.
        seed: Seed of weights, folds and order.
        seeds: Seeds, a member for each and for each fold.
        folds: Number of folds; those of the store, or 5 below 5,000 crystals unless given.
        fold: Folds to train, by number from 0; every one unless given.
        split: A split column, a file that lists the crystals of every part, or ``"hash"``.
        batch: Crystals in a batch.
        settings: Further settings by their dotted keys, as ``trainer config`` names them. One that a keyword
            gives, too, must have the same value.
        resume: Whether to go on with the members in ``out``, on the same data.
        overwrite: Whether to remove the members in ``out``, their scores in ``out/evaluation`` and the store of a
            frame, and begin anew.
        device: ``cpu``, or a device of :data:`crystal_mmpt.DEVICES`.
        threads: Number of threads; every core unless given.
        progress: A bar or a function.

    Raises:
        InputError: The data, the weights or a setting is at fault, or has no effect beside another one;
            ``out`` holds a fine-tuning already, or ``store`` the store of another frame.
    """
    properties = [property] if isinstance(property, str) else list(property or ())
    if bool(properties) == (task is not None):
        raise InputError("either a property or a task is learnt")
    if resume and overwrite:
        raise InputError("resume = True: cannot be used with overwrite = True", value="True")
    given = {
        "settings": [f"{key}={_toml(value)}" for key, value in (settings or {}).items() if value is not None],
        "epochs": None if epochs is None else _toml(epochs),
        "learning_rate": None if learning_rate is None else _toml(learning_rate),
        "seed": None if seed is None else _toml(seed),
        "batch": None if batch is None else _toml(batch),
    }
    # Before the store of a frame is built, which may take long.
    _native.check_settings(given)
    rejects: dict[str, list[Any]] = {}
    if isinstance(data, (Store, str, os.PathLike)):
        of_a_frame = {"structures": None if structures == "structure" else structures, "ids": ids, "store": store}
        for name, value in of_a_frame.items():
            if value is not None:
                raise InputError(f"{name} = {value}: has no effect: the data is a store", value=str(value))
        shards = data.path if isinstance(data, Store) else Path(data)
    else:
        shards = Path(f"{Path(out)}-store") if store is None else Path(store)
        built = _store_of(data, properties, structures, ids, shards, threads, overwrite, progress)
        rejects = built.rejects.to_pydict()
    options = {
        "shards": [str(shards)],
        "properties": properties,
        "task": None if task is None else os.fspath(task),
        "transforms": [transform] if isinstance(transform, str) else list(transform),
        "classify": classify,
        "above": above,
        "weights": None if weights is None else Path(weights),
        "out": Path(out),
        "seeds": list(seeds),
        "fold": None if fold is None else list(fold),
        "folds": folds,
        "split": None if split is None else os.fspath(split),
        "given": given,
        "resume": resume,
        "overwrite": overwrite,
        "device": device,
        "threads": threads,
    }
    with watching(progress, "finetune") as callback:
        told = json.loads(_native.finetune(options, callback))
    _warn(told["described"], weights)
    for member in told["members"]:
        member["folder"] = Path(member["folder"])
    refused = zip(*(rejects.get(name, []) for name in ("material_id", "reason", "message")))
    no_crystals = [{"id": id, "value": None, "reason": f"{code}: {message}"} for id, code, message in refused]
    return Tuned(Path(out), told["members"], no_crystals + told["excluded"], told["remarks"])


def _path_of_store(structures: Any, ids: Sequence[str] | None) -> Path | None:
    """The path of a store, given as such or as a folder of Parquet files; ``None`` for structures. The crystals of a
    store have identifiers, and ``ids`` would have no effect."""
    store = None
    is_path = isinstance(structures, os.PathLike) or (isinstance(structures, str) and "\n" not in structures)
    if isinstance(structures, Store):
        store = structures.path
    # Folders of structures hold CIFs and POSCARs, and tables of structures are named as files.
    elif is_path and os.path.isdir(structures) and any(Path(structures).glob("*.parquet")):
        store = Path(structures)
    if store is not None and ids is not None:
        raise InputError(f"ids = {list(ids)}: has no effect: the data is a store", value=str(list(ids)))
    return store


def _warn(described: bool, weights: PathLike | None) -> None:
    """Warns the caller's caller of weights that say nothing about themselves."""
    if not described:
        message = "says nothing about its model, features and lattice statistics: the defaults are taken"
        warnings.warn(f"{weights} {message}", stacklevel=3)


def _store_of(
    frame: Any,
    properties: list[str],
    structures: str,
    ids: str | None,
    store: Path,
    threads: int | None,
    overwrite: bool,
    progress: ProgressOption,
) -> Store:
    """Builds the store of a frame, unless it is there already; that of another frame is an error."""
    if not hasattr(frame, "columns"):
        kind = type(frame).__name__
        raise InputError(f"{kind} is neither a store nor a frame with a column of structures", value=kind)
    for name in [structures, *properties, *([] if ids is None else [ids])]:
        if name not in frame.columns:
            there = ", ".join(str(column) for column in frame.columns)
            raise InputError(f"the frame has no column {name}; there are: {there}", value=name)
    return build_store(
        list(frame[structures]),
        store,
        ids=None if ids is None else list(frame[ids]),
        labels={name: list(frame[name]) for name in properties},
        threads=threads,
        force=overwrite,
        progress=progress,
    )


def _toml(value: Any) -> str:
    """A setting as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, (list, tuple)) else str(value)


def evaluate(
    folder: PathLike | Tuned,
    *,
    out: PathLike | None = None,
    on: str = "test",
    shards: Sequence[PathLike] = (),
    device: str = "cpu",
    threads: int | None = None,
) -> Scores:
    """Tests the members of a fine-tuning on the crystals that they have not seen, as ``trainer evaluate``
    does.

    Args:
        folder: A fine-tuning or its folder.
        out: Folder of the results; ``evaluation`` in ``folder`` unless given.
        on: ``"test"``, or ``"validation"`` for the scores of the validation parts alone.
        shards: Stores in the place of those that the fine-tuning was begun with.
        device: ``cpu``, or a device of :data:`crystal_mmpt.DEVICES`.
        threads: Number of threads; every core unless given.

    Raises:
        InputError: There is no fine-tuning, a member is missing, or the store has changed.
    """
    if on not in ("test", "validation"):
        raise InputError(f"on = {on}: test or validation", value=on)
    path = folder.folder if isinstance(folder, Tuned) else Path(folder)
    target = None if out is None else Path(out)
    told = json.loads(
        _native.evaluate(
            path, target, on == "validation", [os.fspath(shard) for shard in shards], device, threads
        )
    )
    records = {record["property"]: record for record in told["scores"]}
    return Scores(records, [Path(file) for file in told["files"]])
