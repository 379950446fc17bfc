//! Every key of the configuration and what it means, in the order in which they are printed.

/// Dotted keys with their meanings; `none` switches off what is marked as optional.
pub(super) const MEANINGS: &[(&str, &str)] = &[
    ("seed", "Seed of initial weights, shuffling and masks."),
    (
        "model.graph",
        "Edges the encoder sees: \"multigraph\" (all of the store's), \"simple\" (for each pair \
         of different atoms the nearest image alone; ablation without PIMG).",
    ),
    (
        "model.attention",
        "Whether neighbours' embeddings are mixed in by attention (Eq. 6); false: ablation \
         MMPT-MGA.",
    ),
    (
        "model.attention_values",
        "What the attention sums: \"raw\" (embeddings, as printed) or \"projected\" (as in graph \
         attention networks).",
    ),
    ("model.hidden", "Width of atom embeddings and edge messages."),
    ("model.structure_width", "Width of h_S, the encoding of an atom."),
    ("model.interaction_blocks", "Interaction blocks of DimeNet++."),
    ("model.interaction_width", "Width of the messages inside the sum over triplets."),
    ("model.layers_before_skip", "Residual layers before an interaction block's skip connection."),
    ("model.layers_after_skip", "Residual layers after it."),
    ("model.output_width", "Width of the output blocks."),
    ("model.output_layers", "Hidden layers of each output block."),
    ("model.lattice_width", "Width of a lattice token; h_L is twice as wide."),
    ("model.lattice_heads", "Attention heads of the lattice encoder; a divisor of lattice_width."),
    ("model.lattice_feed_forward", "Width of the lattice encoder's feed-forward layer."),
    ("model.decoder_width", "Width of the decoders' hidden layers."),
    (
        "model.masking",
        "Masks of the two views: \"mutex\" (complements), \"independent\" (ablation without mutex \
         masks).",
    ),
    (
        "pal.labels",
        "Periodic-attribute labels: \"centred\" (the home cell is put around the centre atom, so \
         that the cell's origin does not matter) or \"cell\" (as in the paper).",
    ),
    ("loss.atom.weight", "L_A, types of masked atoms (cross entropy). A term of weight 0 is not computed."),
    ("loss.coordinate.weight", "L_X, distances of masked atoms from the crystal's centre, in Å."),
    ("loss.coordinate.error", "\"absolute\" or \"squared\"."),
    ("loss.lattice.weight", "L_L, standardised lattice parameters."),
    ("loss.lattice.error", "\"absolute\" or \"squared\"."),
    ("loss.contrast.weight", "L_BT, agreement of the two views (Barlow Twins)."),
    ("loss.contrast.off_diagonal", "λ, factor of the off-diagonal elements."),
    ("loss.contrast.centred", "Whether columns are centred before they are correlated."),
    (
        "loss.contrast.samples",
        "Samples of the correlation: \"atoms\" or \"crystals\" (each the mean of its atoms).",
    ),
    ("loss.direction.weight", "L_Die, direction of every edge (cross entropy)."),
    ("loss.same_cell.weight", "L_Unit, whether an edge stays in its cell (cross entropy)."),
    ("loss.distance.weight", "L_Dis, length of every edge, in Å."),
    ("loss.distance.error", "\"absolute\" or \"squared\"."),
    ("data.shards", "Shards, folders of shards or glob patterns, such as [\"data/oqmd/*.parquet\"]."),
    ("data.batch_crystals", "Most crystals in a batch; of several processes, in each one's share."),
    (
        "data.batch_triplets",
        "Most triplets in a batch, or \"none\": bounds memory. A crystal with more makes a batch \
         alone. Several processes share batches of as many times more.",
    ),
    ("data.shuffle_buffer", "Crystals among which the next one is drawn; bounds memory."),
    ("data.workers", "Threads that turn crystals into batches."),
    ("data.queue", "Finished batches that may wait for the model."),
    (
        "data.validation",
        "Validation set: \"none\", \"hash\" (by hash of the identifier), \"split\" (the store's \
         split column).",
    ),
    ("data.validation_fraction", "Share of the crystals that \"hash\" keeps for validation."),
    ("optimiser.kind", "\"adam\" or \"adamw\" (decoupled weight decay)."),
    ("optimiser.learning_rate", "Learning rate; the highest one where a schedule changes it."),
    ("optimiser.beta1", "Decay of the mean of gradients; \"onecycle\" replaces it by its momentum."),
    ("optimiser.beta2", "Decay of the mean of squared gradients."),
    ("optimiser.epsilon", "Added to the root of the mean square."),
    ("optimiser.weight_decay", "Weight decay."),
    ("optimiser.clip_norm", "Largest norm of all gradients together, or \"none\"."),
    ("optimiser.accumulate", "Batches whose gradients are averaged for one step."),
    (
        "schedule.kind",
        "Learning rate over the steps: \"constant\", \"cosine\" or \"onecycle\" (PyTorch's \
         OneCycleLR).",
    ),
    (
        "schedule.warmup_steps",
        "Steps on which the rate rises evenly before \"constant\" or \"cosine\" begins.",
    ),
    ("schedule.minimum_factor", "Where \"cosine\" ends, as a share of the full rate."),
    ("schedule.onecycle.pct_start", "Share of the steps on which the rate rises."),
    ("schedule.onecycle.div_factor", "The first rate is the highest one divided by this."),
    ("schedule.onecycle.final_div_factor", "The last rate is the first one divided by this."),
    ("schedule.onecycle.cycle_momentum", "Whether beta1 falls while the rate rises, and back."),
    ("schedule.onecycle.base_momentum", "beta1 at the highest rate."),
    ("schedule.onecycle.max_momentum", "beta1 at the first and the last step."),
    ("finetune.head_width", "Width of the hidden layers of a fine-tuned model's head."),
    (
        "finetune.head_learning_rate",
        "Learning rate of the head, which the schedule changes as it does the encoders', or \"none\" \
         for theirs.",
    ),
    ("finetune.freeze_encoder", "Whether fine-tuning leaves the encoders as they are."),
    (
        "finetune.fraction",
        "Share of the training crystals that fine-tuning uses; a smaller share is part of a larger \
         one.",
    ),
    ("run.epochs", "Passes over the data."),
    ("run.early_stop", "Epochs without a better loss after which the run ends, or \"none\"."),
    (
        "run.checkpoint_minutes",
        "Minutes after which a checkpoint is written in the middle of an epoch, or \"none\": at \
         its end alone.",
    ),
    (
        "run.checkpoint_steps",
        "Optimiser steps after which a checkpoint is written in the middle of an epoch, or \
         \"none\".",
    ),
    (
        "run.select",
        "Whose mean loss over an epoch decides which weights are the best: \"train\" or \
         \"validation\".",
    ),
];

/// Keys that change a run's speed or its files, but never its weights.
pub(super) const WITHOUT_EFFECT: &[&str] =
    &["data.workers", "data.queue", "run.checkpoint_minutes", "run.checkpoint_steps"];

/// The meaning of a key.
pub(super) fn meaning(key: &str) -> Option<&'static str> {
    MEANINGS.iter().find(|(name, _)| *name == key).map(|(_, meaning)| *meaning)
}
