//! The built-in tasks.

/// Expands to the entries of [`TASKS`].
macro_rules! tasks {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../tasks/", $name, ".toml")))),*]
    };
}

/// Names of the built-in tasks and their files, sorted by name.
pub(super) const TASKS: &[(&str, &str)] = tasks![
    "jarvis_bulk",
    "jarvis_ehull",
    "jarvis_mbj_gap",
    "jarvis_shear",
    "jarvis_subset_gap",
    "matbench_dielectric",
    "matbench_jdft2d",
    "matbench_log_kvrh",
    "matbench_mp_is_metal",
    "mp36k_band_gap",
    "mp36k_formation_energy",
    "mp36k_log_bulk",
    "mp36k_log_shear",
    "mp_bulk",
    "mp_gap",
    "mp_shear",
    "textbook_band_gap",
];

/// Returns the file of a built-in task.
pub(super) fn text(name: &str) -> Option<&'static str> {
    TASKS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
