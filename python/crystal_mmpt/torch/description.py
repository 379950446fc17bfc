"""The description of weights in the metadata of their file, as the trainer writes it.

| key | value |
|---|---|
| `mmpt.kind` | the encoder |
| `mmpt.config` | its settings, a JSON object |
| `mmpt.target` | the targets of a fine-tuned model, a JSON object |
| `mmpt.cutoff_angstrom`, ... | settings of the features, as in a store |

Files of the trainer's first versions are all of MMPT and name no kind.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from .rows import FEATURE_PREFIX
from .target import Target, TargetNumber, Transform

KIND_KEY = "mmpt.kind"
CONFIG_KEY = "mmpt.config"
TARGET_KEY = "mmpt.target"
FIRST_KIND = "mmpt"
OTHER_KEYS = tuple(
    FEATURE_PREFIX + name for name in ("method", "pretrain", "pal", "lattice_mean", "lattice_std", "state")
)
"""Keys of the pre-training, of statistics that are among the tensors, too, and of checkpoints."""
FEATURE_KEYS = tuple(
    FEATURE_PREFIX + name
    for name in (
        "cutoff_angstrom",
        "neighbours",
        "ties",
        "tie_tolerance_angstrom",
        "wrap_tolerance",
        "niggli_epsilon",
        "centred_tolerance",
    )
)
_PRETRAINING_KEYS = frozenset({"masking", "decoder_width"})
"""Settings of the pre-training among those of the model, in files of the first versions."""
_TRANSFORM_WORDS = {"standard": "none"}
"""Former words for transforms."""

S = TypeVar("S")


@dataclass(frozen=True)
class Description:
    """Description of weights."""

    kind: str
    """Word for the encoder."""
    config: Mapping[str, Any]
    """Settings of the encoder."""
    features: Mapping[str, str]
    """Settings of the features; empty for a file without any."""
    target: Target | None
    """The targets of a fine-tuned model."""
    head_width: int
    """Width of the hidden layers of MMPT's head."""


def describe(metadata: Mapping[str, str]) -> Description | None:
    """Reads a description; `None` for a file without one.

    Raises:
        ValueError: For metadata that cannot be understood, with the key.
    """
    if not any(key.startswith(FEATURE_PREFIX) for key in metadata):
        return None
    known = {KIND_KEY, CONFIG_KEY, TARGET_KEY, *OTHER_KEYS, *FEATURE_KEYS}
    for key in metadata:
        if key.startswith(FEATURE_PREFIX) and key not in known:
            raise ValueError(f"this version knows no {key}")
    config = _section(metadata, CONFIG_KEY)
    if KIND_KEY not in metadata:
        config = {name: value for name, value in config.items() if name not in _PRETRAINING_KEYS}
    missing = [key for key in FEATURE_KEYS if key not in metadata]
    if missing:
        raise ValueError(f"the metadata have no {missing[0]}")
    target, head_width = None, 0
    if TARGET_KEY in metadata:
        target, head_width = _target(_section(metadata, TARGET_KEY))
    features = {key: metadata[key] for key in FEATURE_KEYS}
    return Description(metadata.get(KIND_KEY, FIRST_KIND), config, features, target, head_width)


def settings(template: type[S], values: Mapping[str, Any]) -> S:
    """Makes settings of a class from the values in the metadata.

    Raises:
        ValueError: For a setting that is unknown, missing or of another type, with its name and value.
    """
    hints = get_type_hints(template)
    for name in values:
        if name not in hints:
            raise ValueError(f"{CONFIG_KEY} has {name} = {values[name]!r}: there is no such setting")
    filled: dict[str, Any] = {}
    for field in fields(template):  # type: ignore[arg-type]
        if field.name not in values:
            raise ValueError(f"{CONFIG_KEY} has no {field.name}")
        assert field.default is not MISSING
        value = values[field.name]
        if isinstance(value, list):
            value = tuple(value)
        if not _fits(value, hints[field.name]):
            raise ValueError(f"{CONFIG_KEY} has {field.name} = {value!r}, which is no {hints[field.name]}")
        filled[field.name] = value
    return template(**filled)


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is of a type that settings have."""
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_fits(item, get_args(hint)[0]) for item in value)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    # No size is negative.
    return type(value) is hint and not (hint is int and int(str(value)) < 0)


def _section(metadata: Mapping[str, str], key: str) -> dict[str, Any]:
    if key not in metadata:
        raise ValueError(f"the metadata have no {key}")
    try:
        section = json.loads(metadata[key])
    except json.JSONDecodeError as error:
        raise ValueError(f"{key} is no JSON: {error}") from error
    if not isinstance(section, dict):
        raise ValueError(f"{key} = {metadata[key][:60]} is no JSON object")  # noqa: TRY004
    return section


def _target(section: Mapping[str, Any]) -> tuple[Target, int]:
    """The targets of a fine-tuned model, and the width of its head. Files of earlier versions lack `classes`, `further`
    and `per_site`."""
    try:
        numbers = tuple(_number(entry) for entry in (section, *section.get("further", [])))
        target = Target(
            task=section["task"],
            numbers=numbers,
            classes=tuple(section.get("classes", [])),
            per_site=section.get("per_site", False),
        )
        return target, int(section["head_width"])
    except KeyError as error:
        raise ValueError(f"{TARGET_KEY} has no {error.args[0]}") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"{TARGET_KEY}: {error}") from error


def _number(entry: Mapping[str, Any]) -> TargetNumber:
    word = _TRANSFORM_WORDS.get(entry["transform"], entry["transform"])
    if word not in get_args(Transform):
        raise ValueError(f"transform = {word!r} is not known")
    # Numbers are texts there, so that they come back exactly.
    mean, std = float(entry["mean"]), float(entry["std"])
    if not (math.isfinite(mean) and math.isfinite(std) and std > 0.0):
        raise ValueError(f"mean = {mean} and std = {std} are not finite and positive")
    unit = entry["unit"]
    inner = unit.removeprefix(f"{word}(").removesuffix(")")
    unit_of_property = inner if word != "none" and unit == f"{word}({inner})" else unit
    return TargetNumber(entry["property"], unit_of_property, word, mean, std)
