"""Makes the small fixture beside this file: three crystals through a small configuration of the PyTorch
reference in ../shared, laid out as ../shared/golden (specification, section 8), less what no test reads.

    python tests/golden/make.py    # needs torch, torch_geometric, timm, scipy, safetensors
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[2] / "shared" / "reference"))
from mmpt_ref import MMPT, Batch, Config, Crystal, PropertyModel, build_graph, mmpt_losses  # noqa: E402

# Of the seeds tried, one from which single precision keeps to double: elsewhere sums nearly cancel.
SEED = 46
LEARNING_RATE = 1e-5
# Parameters of more entries are left out of the optimiser's step, to keep the fixture small.
MOST_STEPPED = 128
# The width between the two maps of a basis stays 8: the fused triplet sum is made for it.
SMALL = dict(
    d_a=16, hidden=16, d_s=8, n_blocks=2, int_emb=8, basis_emb=8, out_emb=16, num_output_layers=2,
    l_dec_hidden=8, mlp_hidden=8, pal_hidden=8, head_hidden=8,
)
# Identifier, rows of the lattice in angstrom, atomic numbers, fractional coordinates.
CRYSTALS = [
    ("copper", [[0.0, 1.8075, 1.8075], [1.8075, 0.0, 1.8075], [1.8075, 1.8075, 0.0]], [29], [[0.0, 0.0, 0.0]]),
    (
        "skewed-cell",
        [[4.1, 0.0, 0.0], [-0.7, 5.2, 0.0], [0.4, -1.1, 4.8]],
        [11, 35, 8],
        [[0.02, 0.11, 0.97], [0.46, 0.53, 0.38], [0.71, 0.08, 0.55]],
    ),
    (
        "rutile",
        [[4.5937, 0.0, 0.0], [0.0, 4.5937, 0.0], [0.0, 0.0, 2.9587]],
        [22, 22, 8, 8, 8, 8],
        [
            [0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.3053, 0.3053, 0.0],
            [0.6947, 0.6947, 0.0], [0.1947, 0.8053, 0.5], [0.8053, 0.1947, 0.5],
        ],
    ),
]
# Hidden by the first view: none of one atom, half of the others' atoms rounded down.
HIDDEN = [2, 4, 6, 9]
RULES = ("cut", "shell")
# What the head is to predict for each crystal.
TARGETS = [-0.5, 0.25, 1.0]


def model_with_weights(config):
    """The reference's start with every zero replaced, so that no gradient is zero for want of weights."""
    torch.manual_seed(SEED)
    model = MMPT(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.startswith("structure.out.") and name.endswith(".lin.weight"):
                parameter.normal_(0.0, 0.05)
            elif parameter.dim() == 1:
                parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def write_case(index, identifier, crystal, graphs):
    """One crystal and its edges under both tie rules; gives the manifest's entry."""
    integers = lambda array: torch.from_numpy(np.ascontiguousarray(array, dtype=np.int64))
    floats = lambda array: torch.from_numpy(np.ascontiguousarray(array, dtype=np.float64))
    tensors = dict(z=integers(crystal.z), lattice=floats(crystal.lattice), frac=floats(crystal.frac))
    for rule, prefix in zip(RULES, ("", "shell_")):
        for name in ("tgt", "src", "img", "dir27"):
            tensors[prefix + name] = integers(getattr(graphs[rule], name))
    file = f"cases/{index:02}_{identifier}.safetensors"
    save_file(tensors, FOLDER / file)
    return dict(file=file, material_id=identifier)


def head_weights(config):
    """The head of the fine-tuned model, of the same seed but not of the same draws as the rest."""
    torch.manual_seed(SEED)
    return {name: value for name, value in PropertyModel(config).state_dict().items() if name.startswith("head.")}


def finetune(config, weights, batch):
    """Features, predictions and head gradients of the fine-tuned model, and its mean absolute error."""
    model = PropertyModel(config)
    model.load_state_dict({name: weights[name] for name in model.state_dict()})
    model = model.double()
    features = model.features(batch)
    predictions = model.head(features).squeeze(-1)
    error = (predictions - torch.tensor(TARGETS, dtype=torch.float64)).abs().mean()
    error.backward()
    tensors = dict(features=features.detach(), pred=predictions.detach())
    for name, parameter in model.head.named_parameters():
        tensors[f"grad.head.{name}"] = parameter.grad
    norm = sum(parameter.grad.norm().item() ** 2 for parameter in model.parameters()) ** 0.5
    return tensors, dict(pred=predictions.tolist(), y=TARGETS, l1=error.item(), grad_norm_total=norm)


def main():
    torch.set_num_threads(1)
    config = Config(**SMALL)
    weights = model_with_weights(config).state_dict()
    own = list(weights)
    weights.update(head_weights(config))
    save_file(weights, FOLDER / "weights.safetensors")

    (FOLDER / "cases").mkdir(exist_ok=True)
    cases, graphs = [], {rule: [] for rule in RULES}
    for index, (identifier, lattice, numbers, positions) in enumerate(CRYSTALS):
        crystal = Crystal(np.array(numbers), np.array(lattice), np.array(positions), identifier)
        built = {rule: build_graph(crystal, Config(**SMALL, ties=rule)) for rule in RULES}
        cases.append(write_case(index, identifier, crystal, built))
        for rule in RULES:
            graphs[rule].append(built[rule])

    sizes = [len(numbers) for _, _, numbers, _ in CRYSTALS]
    hidden = torch.zeros(sum(sizes), dtype=torch.bool)
    hidden[HIDDEN] = True
    losses, norms, tuned = {}, {}, {}
    for rule in RULES:
        model = MMPT(config)
        model.load_state_dict({name: weights[name] for name in own})
        model = model.double()
        batch, captured = Batch(graphs[rule], config, torch.float64), {}
        terms, captured["bt_C"] = mmpt_losses(model, model(batch, hidden, captured), batch, hidden)
        terms["loss"].backward()
        # One column a feature of one triplet: it is never built here.
        del captured["sbf"]
        if rule == "shell":
            captured = {name: captured[name] for name in ("h_S", "h_L", "v1_p_A", "v2_p_A")}
        save_file(
            {name: tensor.detach().contiguous() for name, tensor in captured.items()},
            FOLDER / f"batch_{rule}_f64.safetensors",
        )
        run = f"{rule}_f64"
        losses[run] = {name: term.item() for name, term in terms.items()}
        gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
        norms[run] = {name: gradient.norm().item() for name, gradient in gradients.items()}
        tensors, tuned[run] = finetune(config, weights, batch)
        save_file(tensors, FOLDER / f"finetune_{rule}_f64.safetensors")
        norms[run]["__total__"] = sum(norm**2 for norm in norms[run].values()) ** 0.5
        if rule == "cut":
            stored = {name: gradient.float() for name, gradient in gradients.items()}
            save_file(stored, FOLDER / "grads_cut_f64.safetensors")
            # The step starts from the gradients as stored, which is what a test has.
            for name, parameter in model.named_parameters():
                parameter.grad = stored[name].double()
            torch.optim.Adam(model.parameters(), lr=LEARNING_RATE).step()
            stepped = {
                name: parameter.detach()
                for name, parameter in model.named_parameters()
                if parameter.numel() <= MOST_STEPPED
            }
            save_file(stepped, FOLDER / "adam1_cut_f64.safetensors")

    manifest = dict(
        config=config.to_dict(),
        cases=cases,
        losses=losses,
        grad_norms=norms,
        finetune=tuned,
        mask_M_atom_indices_in_batch=HIDDEN,
        batch_n_atoms=sizes,
    )
    (FOLDER / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
