"""Models from the weights files of the trainer: safetensors whose header tells kind and settings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

import torch
from torch import Tensor

from .alignn import ALIGNN, ALIGNNSettings
from .cgcnn import CGCNN, CGCNNSettings
from .description import Description, describe, settings
from .errors import WeightsError
from .matformer import Matformer, MatformerSettings
from .megnet import MEGNet, MEGNetSettings
from .mmpt import MMPT, MMPTSettings
from .model import HeadSize, PropertyModel
from .schnet import SchNet, SchNetSettings

SHA256_KEY = "content_sha256"
"""Metadata key of the SHA-256 of all other metadata and the tensors."""
OPTIMISER_PREFIX = "optimiser."
"""Prefix of the optimiser's state in a checkpoint."""
SNAPSHOT_PREFIX = "snapshot."
"""Beginning of the names of weights at the ends of cycles, whose predictions the trainer averages."""
PRETRAINING_PREFIXES = (
    *("mask_token", "lattice_dec.", "coord_gin.", "coord_out.", "atom_gin.", "atom_mlp.", "pal_"),  # MMPT
    "fc_head.",  # Crystal Twins
    *("local_d.", "global_d."),  # InfoGraph
    "noise.",  # denoising
)
"""Beginnings of the names of decoders and projectors, which no model of this package has."""
HEAD_PREFIXES = ("head.", "site_head.", "fcs.", "fc_out.", "fc.")
"""Beginnings of the names of heads. Weights without a target may hold one that nothing is known of."""

_KINDS: dict[str, tuple[Callable[..., PropertyModel], type[Any]]] = {
    MMPT.kind: (MMPT, MMPTSettings),
    CGCNN.kind: (CGCNN, CGCNNSettings),
    SchNet.kind: (SchNet, SchNetSettings),
    MEGNet.kind: (MEGNet, MEGNetSettings),
    ALIGNN.kind: (ALIGNN, ALIGNNSettings),
    Matformer.kind: (Matformer, MatformerSettings),
}


def load(path: str | Path, *, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> PropertyModel:
    """Loads a model from a weights file or checkpoint of the trainer, in evaluation mode.

    Fine-tuned weights give a model with head and target; of pre-trained ones the encoder alone is taken. A file without
    a description, such as one of another program, is one of MMPT with the paper's settings.

    Args:
        path: The file, `*.safetensors`.
        device: Device of the model.
        dtype: Precision of the model.

    Raises:
        OSError: For a file that cannot be opened.
        WeightsError: For a file that is damaged or holds another model than it says, with the file and what is wrong.
    """
    path = Path(path)
    metadata, tensors = _read(path)
    try:
        description = describe(metadata)
        model = build(description, tensors)
        _fill(model, tensors)
    except ValueError as error:
        raise WeightsError(path, str(error)) from error
    return model.to(device=device, dtype=dtype).eval()


def build(description: Description | None, names: Iterable[str]) -> PropertyModel:
    """Makes the model of a description with fresh weights. `names` are those of the tensors of its file.

    Raises:
        ValueError: For a description that cannot be understood.
    """
    if description is None:
        return MMPT()
    if description.kind not in _KINDS:
        raise ValueError(f"mmpt.kind = {description.kind!r} is none of {', '.join(_KINDS)}")
    model_class, settings_class = _KINDS[description.kind]
    config, target = settings(settings_class, description.config), description.target
    head = None
    if target is not None:
        head = HeadSize(target.outputs, description.head_width, target.per_site)
    model: PropertyModel
    if model_class is CGCNN:
        model = CGCNN(config, head, embeds_crystals="conv_to_fc.weight" in set(names))
    else:
        model = model_class(config, head)
    model.target, model.features = target, description.features
    return model


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Returns metadata and tensors of a file, half precision as single."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise WeightsError(path, f"is no safetensors file: {error}") from error
    tensors = {name: tensor if tensor.dtype == torch.float64 else tensor.float() for name, tensor in tensors.items()}
    expected = metadata.pop(SHA256_KEY, None)
    if expected is not None:
        found = content_sha256(metadata, tensors)
        if found != expected:
            raise WeightsError(path, f"is damaged: its content has the SHA-256 {found}, not {expected}")
    return metadata, tensors


def content_sha256(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    """Returns the SHA-256 of metadata and tensors in the order of their names: texts, shapes and numbers after their
    lengths, all in little-endian order."""
    digest = hashlib.sha256()

    def count(number: int) -> None:
        digest.update(number.to_bytes(8, "little"))

    def text(value: str) -> None:
        encoded = value.encode()
        count(len(encoded))
        digest.update(encoded)

    count(len(metadata))
    # Rust sorts texts by their bytes.
    for key in sorted(metadata, key=str.encode):
        text(key)
        text(metadata[key])
    count(len(tensors))
    for name in sorted(tensors, key=str.encode):
        tensor = tensors[name]
        text(name)
        text("F64" if tensor.dtype == torch.float64 else "F32")
        count(tensor.dim())
        for size in tensor.shape:
            count(size)
        numbers = tensor.contiguous().numpy()
        digest.update(numbers.astype(numbers.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _fill(model: PropertyModel, tensors: Mapping[str, Tensor]) -> None:
    """Gives a model the tensors of a file, which must be those of the model."""
    # A checkpoint may have heads for noise that is learnt beside the property.
    ignored = [OPTIMISER_PREFIX, "noise."]
    if model.target is None:
        ignored += [*PRETRAINING_PREFIXES, *HEAD_PREFIXES]
    cycles = {name.split(".")[1] for name in tensors if name.startswith(SNAPSHOT_PREFIX)}
    if cycles:
        raise ValueError(
            f"it has the weights at the ends of {len(cycles) + 1} cycles (finetune.snapshots), whose predictions are "
            "averaged: no single module predicts that"
        )
    own = model.state_dict()
    for name, parameter in own.items():
        if name not in tensors:
            raise ValueError(f"there is no tensor {name}")
        found = tensors[name]
        if found.shape != parameter.shape:
            raise ValueError(f"{name} has the shape {list(found.shape)}, not {list(parameter.shape)}")
        if not torch.isfinite(found).all():
            raise ValueError(f"{name} has values that are infinite or not a number")
        if name.endswith((".running_var", "lattice.std")) and (found < 0.0).any():
            raise ValueError(f"{name} has negative values")
    for name in tensors:
        if name not in own and not name.startswith(tuple(ignored)):
            raise ValueError(f"the tensor {name} is not one of {type(model).__name__}")
    model.load_state_dict({name: tensors[name] for name in own})
