//! Weights files of an ensemble, by file, folder or pattern.

use std::path::{Path, PathBuf};

use crate::data::pattern;
use crate::finetune::ensemble_record::EnsembleRecord;
use crate::predict::error::PredictError;
use crate::run::folder::BEST_FILE;

/// Pattern of the members in the folder of a fine-tuned task: a folder for each fold, with a folder for each seed.
const MEMBERS: &str = "*/*";

/// Returns the weights files that arguments name, in order and without duplicates. An argument is a file, the folder
/// of a run (its best weights), the folder of a fine-tuned task (the best weights of all its members, sorted by name)
/// or a pattern. The members are those that `evaluate` scores: of the seeds and folds that were asked for last.
///
/// # Errors
/// [`PredictError::NoWeights`] for an argument that matches no file, [`PredictError::Data`] for an invalid pattern or a folder
/// that cannot be listed, and [`PredictError::Record`] for a folder whose record cannot be read.
pub fn weights_files(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, PredictError> {
    let mut files: Vec<PathBuf> = Vec::new();
    for argument in arguments {
        let found = find(argument)?;
        if found.is_empty() {
            return Err(PredictError::NoWeights { path: argument.clone() });
        }
        for file in found {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    Ok(files)
}

/// Returns the folders of the members that have no weights yet, of the fine-tuned tasks among the arguments of
/// [`weights_files`].
///
/// # Errors
/// [`PredictError::Record`] for a folder whose record cannot be read.
pub fn absent_members(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, PredictError> {
    let has_weights = |folder: &Path| folder.join(BEST_FILE).is_file();
    let mut absent = Vec::new();
    for folder in arguments.iter().filter(|path| path.is_dir() && !has_weights(path)) {
        let Some(record) = record_of(folder)? else { continue };
        let members = record.crystals_sha256.keys().map(|member| folder.join(member));
        for member in members.filter(|member| record.has_member(member) && !has_weights(member)) {
            if !absent.contains(&member) {
                absent.push(member);
            }
        }
    }
    Ok(absent)
}

/// Returns the record of the members in a folder, if it is that of a fine-tuned task.
fn record_of(folder: &Path) -> Result<Option<EnsembleRecord>, PredictError> {
    EnsembleRecord::read(folder).map_err(|source| PredictError::Record(Box::new(source)))
}

/// Returns the files of one argument.
fn find(argument: &Path) -> Result<Vec<PathBuf>, PredictError> {
    if argument.is_file() {
        return Ok(vec![argument.to_owned()]);
    }
    if !argument.is_dir() {
        return matches(&argument.to_string_lossy());
    }
    let best = argument.join(BEST_FILE);
    if best.is_file() {
        return Ok(vec![best]);
    }
    let folder = glob::Pattern::escape(&argument.to_string_lossy());
    let members = matches(&format!("{folder}/{MEMBERS}/{BEST_FILE}"))?;
    let record = record_of(argument)?;
    let is_member = |file: &PathBuf| match (&record, file.parent()) {
        (Some(record), Some(member)) => record.has_member(member),
        _ => true,
    };
    Ok(members.into_iter().filter(is_member).collect())
}

/// Returns the files that match a pattern, sorted by name.
fn matches(pattern: &str) -> Result<Vec<PathBuf>, PredictError> {
    let paths = pattern::matches(pattern).map_err(|fault| fault.of(pattern))?;
    Ok(paths.into_iter().filter(|path| path.is_file()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::DataError;

    #[test]
    fn files_runs_tasks_and_patterns_name_weights() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut members = Vec::new();
        for member in ["fold-0/seed-1", "fold-0/seed-2", "fold-1/seed-1"] {
            let run = folder.path().join("task [1]").join(member);
            std::fs::create_dir_all(&run).expect("a folder");
            std::fs::write(run.join(BEST_FILE), "").expect("a file");
            members.push(run.join(BEST_FILE));
        }
        let task = folder.path().join("task [1]");
        let found = |arguments: &[PathBuf]| weights_files(arguments).expect("weights");
        assert_eq!(found(std::slice::from_ref(&task)), members);
        assert_eq!(found(&[task.join("fold-1/seed-1")]), members[2..]);
        assert_eq!(found(&[members[1].clone(), task.clone()]), [1, 0, 2].map(|at| members[at].clone()));
        let pattern = folder.path().join("*/fold-0/*/*.safetensors");
        assert_eq!(found(&[pattern]), members[..2]);
        for missing in [folder.path().to_owned(), task.join("no"), task.join("*.safetensors")] {
            let error = weights_files(std::slice::from_ref(&missing)).expect_err("nothing there");
            assert!(error.to_string().starts_with(&missing.display().to_string()), "{error}");
        }
    }

    #[test]
    fn an_invalid_pattern_is_told() {
        let error = weights_files(&["runs/[a/best.safetensors".into()]).expect_err("no pattern");
        assert!(matches!(error, PredictError::Data(DataError::Pattern { position: 6, .. })), "{error}");
        let line = error.to_string();
        assert!(line.starts_with("'runs/[a/best.safetensors' is not a valid pattern: "), "{line}");
    }

    #[test]
    fn members_without_weights_are_those_that_were_asked_for() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let runs = folder.path().to_owned();
        let record = r#"
shards = ["store"]
seeds = [1]
allow_partial = false
fraction = 1.0

[crystals_sha256]
"fold-0/seed-1" = "a"
"fold-0/seed-2" = "b"
"fold-1/seed-1" = "c"

[task]
name = "gaps"
description = "Band gaps."
store = "a store"
property = "band_gap_ev"
unit = "eV"
transform = "none"
metric = "mae"

[task.split]
rule = "folds"
validation_fraction = 0.1
"#;
        std::fs::write(runs.join("finetune.toml"), record).expect("a file");
        let run = runs.join("fold-0/seed-1");
        std::fs::create_dir_all(&run).expect("a folder");
        std::fs::write(run.join(BEST_FILE), "").expect("a file");
        let absent = |argument: &Path| absent_members(&[argument.to_owned()]).expect("a record");
        assert_eq!(absent(&runs), [runs.join("fold-1/seed-1")]);
        let twice = absent_members(&[runs.clone(), runs.clone()]).expect("a record");
        assert_eq!(twice, absent(&runs));
        for other in [run.join(BEST_FILE), run, runs.join("*")] {
            assert!(absent(&other).is_empty(), "{}", other.display());
        }
    }
}
