"""Crystal databases into features, graphs and trained property predictors.

The libraries of the programs ``etl`` and ``trainer``, in the process:

* :func:`featurise`: structures into Arrow tables of features
* :func:`build_store`, :func:`open_store`: feature stores on disk
* :func:`predict`, :func:`embed`: fine-tuned and pre-trained models on structures and stores
* :func:`finetune`, :func:`evaluate`: models of one's own properties
* :class:`crystal_mmpt.calculator.EnergyCalculator`: energies per atom in ASE

Structures are ``ase.Atoms``, pymatgen ``Structure``, texts of CIFs and POSCARs, and paths of files, folders
and archives, in lists of any mixture. Every call works on threads of its own without the interpreter's lock,
and stops at Ctrl-C.
"""

from crystal_mmpt._native import DEVICES
from crystal_mmpt._native import VERSION as __version__
from crystal_mmpt.errors import InputError, MmptError
from crystal_mmpt.features import Features, featurise
from crystal_mmpt.models import Embeddings, Predictions, Scores, Tuned, embed, evaluate, finetune, predict
from crystal_mmpt.store import Store, build_store, open_store
from crystal_mmpt.table import Table

__all__ = [
    "DEVICES",
    "Embeddings",
    "Features",
    "InputError",
    "MmptError",
    "Predictions",
    "Scores",
    "Store",
    "Table",
    "Tuned",
    "__version__",
    "build_store",
    "embed",
    "evaluate",
    "featurise",
    "finetune",
    "open_store",
    "predict",
]
