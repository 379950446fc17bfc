//! MatBench's published tasks, which writer and readers tell from tables of the same layout.

/// The tasks of crystals with a number to predict, and how many crystals each has
/// (`matbench_v0.1_dataset_metadata.json`; identifiers are as wide as these numbers).
pub const TASKS: [(&str, usize); 8] = [
    ("matbench_dielectric", 4_764),
    ("matbench_jdft2d", 636),
    ("matbench_log_gvrh", 10_987),
    ("matbench_log_kvrh", 10_987),
    ("matbench_mp_e_form", 132_752),
    ("matbench_mp_gap", 106_113),
    ("matbench_perovskites", 18_928),
    ("matbench_phonons", 1_265),
];

/// Number of crystals of a published task.
pub fn published_crystals(task: &str) -> Option<usize> {
    TASKS.iter().find(|(name, _)| *name == task).map(|(_, crystals)| *crystals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_known_by_their_whole_names() {
        assert_eq!(published_crystals("matbench_jdft2d"), Some(636));
        assert_eq!(published_crystals("jdft2d"), None);
    }
}
