"""What a Python user does with the trainer's files: weights, embeddings and predictions, joined by hand.

    trainer embed   --weights best.safetensors --shards data/textbook --out embeddings.parquet
    trainer predict --weights best.safetensors data/textbook          --out predictions.parquet
    python tests/python/head_by_hand.py best.safetensors embeddings.parquet predictions.parquet

The head of a fine-tuned model is four linear layers on [h_l, h_s_max, h_s_mean], the columns of the
embeddings. Computed here with numpy it must give the predictions. `safetensors.torch.load_file` loads the
same tensors for PyTorch.
"""

import json
import sys

import duckdb
import numpy as np
import pandas as pd
from safetensors import safe_open

TOLERANCE = 1e-4


def head(weights, features):
    """MLP with ReLU between its layers, which PyTorch numbers 0, 2, 4, 6."""
    layers = sorted({int(name.split(".")[1]) for name in weights if name.startswith("head.")})
    for layer in layers:
        features = features @ weights[f"head.{layer}.weight"].T + weights[f"head.{layer}.bias"]
        if layer != layers[-1]:
            features = np.maximum(features, 0.0)
    return features[:, 0]


def main(weights_file, embeddings_file, predictions_file):
    with safe_open(weights_file, framework="numpy") as file:
        target = json.loads(file.metadata()["mmpt.target"])
        weights = {name: file.get_tensor(name) for name in file.keys()}

    embeddings = pd.read_parquet(embeddings_file).set_index("material_id")
    columns = [np.stack(embeddings[name]) for name in ("h_l", "h_s_max", "h_s_mean")]
    standardised = head(weights, np.concatenate(columns, axis=1))
    embeddings["by_hand"] = float(target["mean"]) + float(target["std"]) * standardised

    predictions = duckdb.sql(f"SELECT material_id, prediction FROM '{predictions_file}'").df()
    joined = predictions.set_index("material_id").join(embeddings["by_hand"], how="inner")
    worst = (joined["prediction"] - joined["by_hand"]).abs().max()
    scale = joined["prediction"].abs().max()
    print(f"{target['task']}: {len(joined)} of {len(predictions)} crystals, worst difference {worst:.1e} {target['unit']}")
    if len(joined) != len(predictions) or not worst <= TOLERANCE * max(scale, 1.0):
        sys.exit(f"the head by hand gives other predictions: {worst}")


main(*sys.argv[1:])
