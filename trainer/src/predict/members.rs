//! Weights files of an ensemble, by file, folder or pattern.

use std::path::{Path, PathBuf};

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
/// [`PredictError::NoWeights`] for an argument that matches no file, and [`PredictError::Record`] for a folder whose record
/// cannot be read.
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

/// Returns the files of one argument.
fn find(argument: &Path) -> Result<Vec<PathBuf>, PredictError> {
    if argument.is_file() {
        return Ok(vec![argument.to_owned()]);
    }
    if !argument.is_dir() {
        return Ok(matches(&argument.to_string_lossy()));
    }
    let best = argument.join(BEST_FILE);
    if best.is_file() {
        return Ok(vec![best]);
    }
    let members =
        matches(&format!("{}/{MEMBERS}/{BEST_FILE}", glob::Pattern::escape(&argument.to_string_lossy())));
    let record = EnsembleRecord::read(argument).map_err(|source| PredictError::Record(Box::new(source)))?;
    let is_member = |file: &PathBuf| match (&record, file.parent()) {
        (Some(record), Some(member)) => record.has_member(member),
        _ => true,
    };
    Ok(members.into_iter().filter(is_member).collect())
}

/// Returns the files that match a pattern, sorted by name; none for an invalid pattern.
fn matches(pattern: &str) -> Vec<PathBuf> {
    let paths = glob::glob(pattern).into_iter().flatten().flatten();
    paths.filter(|path| path.is_file()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
