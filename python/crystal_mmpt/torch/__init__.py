"""The project's encoders as PyTorch modules: MMPT and the systems that its paper compares it with.

    from crystal_mmpt.torch import load

    model = load("band_gap.safetensors")      # weights of the trainer, fine-tuned or pre-trained
    batch = model.batch(rows)                 # rows of a store: an Arrow table or a list of mappings
    model.predict(batch)                      # in the property's unit, [B, K]
    model.embed(batch).h_s_mean               # embeddings, [B, atom_width]

Everything is differentiable and plain PyTorch; `model(batch)` are the standardised outputs to train on.
"""

from __future__ import annotations

from .alignn import ALIGNN, ALIGNNSettings
from .batch import Batch, Inputs
from .cgcnn import CGCNN, CGCNNSettings
from .errors import CrystalError, FeatureError, WeightsError
from .graphs import Graph
from .matformer import Matformer, MatformerSettings
from .megnet import MEGNet, MEGNetSettings
from .mmpt import MMPT, MMPTSettings
from .model import Embedding, Encoding, HeadSize, PropertyModel
from .schnet import SchNet, SchNetSettings
from .target import Target, TargetNumber
from .weights import load

__all__ = [
    "ALIGNN",
    "CGCNN",
    "MMPT",
    "ALIGNNSettings",
    "Batch",
    "CGCNNSettings",
    "CrystalError",
    "Embedding",
    "Encoding",
    "FeatureError",
    "Graph",
    "HeadSize",
    "Inputs",
    "MEGNet",
    "MEGNetSettings",
    "MMPTSettings",
    "Matformer",
    "MatformerSettings",
    "PropertyModel",
    "SchNet",
    "SchNetSettings",
    "Target",
    "TargetNumber",
    "WeightsError",
    "load",
]
