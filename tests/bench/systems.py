"""The systems that bench_systems.py compares: what the trainer and the PyTorch reference call each.

Sizes are those of MMPT's paper for MatBench, or the published ones, and the optimisers those that the
systems are trained with. A step takes as long with any learning rate.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class System:
    """A system.

    `reference` is its name in the reference's CONFIGS, `edges` those of the store it needs, by the
    trainer's name for them, and `settings` are keys of the trainer's configuration.
    """

    title: str
    reference: str
    edges: str
    optimiser: str
    weight_decay: float
    settings: tuple
    pretraining: bool = False

    def options(self):
        """The options of `trainer bench` for a step of this system."""
        optimiser = (f"optimiser.kind={self.optimiser}", f"optimiser.weight_decay={self.weight_decay}")
        options = [] if self.pretraining else ["--finetune"]
        return options + [word for setting in (*self.settings, *optimiser) for word in ("--set", setting)]


CGCNN = "model.kind=cgcnn"
# No crystals held out, which the recipes of the pre-trainings do.
WHOLE = ("data.validation=none", "data.drop_incomplete=false", "run.select=train")
SYSTEMS = {
    "cgcnn": System("CGCNN", "cgcnn_matbench", "knn12", "sgd", 0.0, (CGCNN,)),
    "schnet": System("SchNet", "schnet_matbench", "r5", "adam", 0.0, ("model.kind=schnet",)),
    "megnet": System("MEGNet", "megnet_matbench", "r5", "adam", 0.0, ("model.kind=megnet",)),
    "alignn": System("ALIGNN", "alignn", "knn12", "adamw", 1e-5, ("model.kind=alignn",)),
    "matformer": System("Matformer", "matformer", "knn12", "adamw", 1e-5, ("model.kind=matformer",)),
    "crystal-twins": System(
        "Crystal Twins",
        "ct",
        "knn12",
        "adam",
        1e-6,
        (CGCNN, "model.cgcnn.crystal_width=128", "pretrain.method=crystal-twins", *WHOLE),
        pretraining=True,
    ),
    "infograph": System(
        "InfoGraph",
        "infograph",
        "knn12",
        "adam",
        1e-6,
        (CGCNN, "pretrain.method=infograph", *WHOLE),
        pretraining=True,
    ),
}
