//! Published tasks of MatBench. Their names distinguish a published file from other tables with the same layout.

/// The tasks on crystals and their numbers of crystals (`matbench_v0.1_dataset_metadata.json`). The
/// numbers in identifiers are padded to the same number of digits: `mb-jdft2d-001`.
pub const TASKS: [(&str, usize); 9] = [
    ("matbench_dielectric", 4_764),
    ("matbench_jdft2d", 636),
    ("matbench_log_gvrh", 10_987),
    ("matbench_log_kvrh", 10_987),
    ("matbench_mp_e_form", 132_752),
    ("matbench_mp_gap", 106_113),
    ("matbench_mp_is_metal", 106_113),
    ("matbench_perovskites", 18_928),
    ("matbench_phonons", 1_265),
];

/// Returns the number of crystals of a published task, or `None` for an unknown name.
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
