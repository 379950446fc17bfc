//! The jobs of a comparison: commands, folders and dependencies.

use std::fmt;
use std::path::{Path, PathBuf};

use schemas::hash::hex;
use sha2::{Digest, Sha256};

use crate::error::TrainError;
use crate::finetune::ensemble_record::EnsembleRecord;

/// Command of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// `trainer pretrain`
    Pretrain,
    /// `trainer finetune`
    Finetune,
    /// `trainer evaluate --on validation`
    Validate,
    /// `trainer evaluate`
    Evaluate,
}

impl JobKind {
    /// All commands, in the order of the variants.
    pub const ALL: [Self; 4] = [JobKind::Pretrain, JobKind::Finetune, JobKind::Validate, JobKind::Evaluate];
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            JobKind::Pretrain => "pretrain",
            JobKind::Finetune => "finetune",
            JobKind::Validate => "validate",
            JobKind::Evaluate => "evaluate",
        })
    }
}

/// A child process of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Command of the job.
    pub kind: JobKind,
    /// Subject of the job: the name of the pre-training, or task, start, searched settings if there are any, and share of all
    /// training crystals.
    pub subject: String,
    /// Arguments, without those of the machine and `--resume`.
    pub arguments: Vec<String>,
    /// Input files besides the shards that exist before the comparison.
    pub inputs: Vec<PathBuf>,
    /// Shards that it reads, as its arguments name them; none of a job that only scores the one before.
    pub shards: Vec<String>,
    /// Folder of the job.
    pub folder: PathBuf,
    /// Output file. A job without it is not finished.
    pub output: PathBuf,
    /// Log file of the job's output.
    pub log: PathBuf,
    /// Indices of the jobs that must be finished before.
    pub after: Vec<usize>,
    /// Whether it replaces what it did before, since its shards have changed.
    pub anew: bool,
}

impl Job {
    /// Returns the unique name of the job, such as `finetune matbench_jdft2d/mmpt/1`.
    pub fn name(&self) -> String {
        format!("{} {}", self.kind, self.subject)
    }

    /// Returns the SHA-256 (hexadecimal) of the arguments and the contents of the inputs.
    ///
    /// # Errors
    /// [`TrainError::EnsembleRecord`] for the first input that cannot be read.
    pub fn fingerprint(&self) -> Result<String, TrainError> {
        let mut digest = Sha256::new();
        for argument in &self.arguments {
            digest.update(format!("{}:{argument}\n", argument.len()));
        }
        for input in &self.inputs {
            digest.update(EnsembleRecord::hash_input(input)?);
        }
        Ok(hex(&digest.finalize()))
    }

    /// Whether the job was begun before and continues.
    ///
    /// # Errors
    /// [`TrainError`] if the record of a fine-tuning cannot be read.
    pub fn begun(&self) -> Result<bool, TrainError> {
        match self.kind {
            JobKind::Pretrain => Ok(self.folder.is_dir()),
            JobKind::Finetune => Ok(EnsembleRecord::read(&self.folder)?.is_some()),
            JobKind::Validate | JobKind::Evaluate => Ok(false),
        }
    }
}

/// Returns plain words as arguments.
pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// Returns a command as a user would type it.
pub fn command_line(arguments: &[String]) -> String {
    let quoted = arguments.iter().map(|argument| quote(argument));
    std::iter::once("trainer".to_owned()).chain(quoted).collect::<Vec<_>>().join(" ")
}

/// Quotes an argument for a shell.
fn quote(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// Returns a path as an argument.
pub(super) fn text(path: &Path) -> String {
    operand(&path.to_string_lossy())
}

/// Returns a path or pattern as an argument that is never taken for an option.
pub(super) fn operand(path: &str) -> String {
    if path.starts_with('-') { format!("./{path}") } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(arguments: &[&str], inputs: &[&Path]) -> Job {
        Job {
            kind: JobKind::Pretrain,
            subject: "a".to_owned(),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
            shards: Vec::new(),
            folder: PathBuf::new(),
            output: PathBuf::new(),
            log: PathBuf::new(),
            after: Vec::new(),
            anew: false,
        }
    }

    #[test]
    fn a_fingerprint_tells_arguments_and_contents_apart() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = folder.path().join("config.toml");
        std::fs::write(&config, "seed = 1").expect("it is writable");
        let of = |job: Job| job.fingerprint().expect("it is readable");
        let first = of(job(&["pretrain", "x"], &[&config]));
        assert_eq!(first, of(job(&["pretrain", "x"], &[&config])));
        assert_ne!(first, of(job(&["pretrainx"], &[&config])));
        assert_ne!(of(job(&["a", "b"], &[])), of(job(&["a\n1:b"], &[])));
        std::fs::write(&config, "seed = 2").expect("it is writable");
        assert_ne!(first, of(job(&["pretrain", "x"], &[&config])));
        let missing = job(&[], &[&folder.path().join("none")]).fingerprint().expect_err("there is none");
        assert!(missing.to_string().contains("none: "), "{missing}");
    }

    #[test]
    fn paths_are_no_options() {
        assert_eq!(text(Path::new("--shards=x")), "./--shards=x");
        assert_eq!(text(Path::new("data/-x")), "data/-x");
        assert_eq!(operand("-"), "./-");
    }

    #[test]
    fn commands_can_be_typed() {
        let arguments = ["pretrain", "--set", "a=\"b c\"", "it's", ""].map(str::to_owned);
        assert_eq!(command_line(&arguments), r#"trainer pretrain --set 'a="b c"' 'it'\''s' ''"#);
    }
}
