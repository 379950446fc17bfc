//! The jobs of a comparison: what is run, where, and after what.

use std::fmt;
use std::path::{Path, PathBuf};

use schemas::hash::hex;
use sha2::{Digest, Sha256};

use crate::error::TrainError;
use crate::finetune::ensemble_record::EnsembleRecord;

/// Which command a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// `trainer pretrain`
    Pretrain,
    /// `trainer finetune`
    Finetune,
    /// `trainer evaluate`
    Evaluate,
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            JobKind::Pretrain => "pretrain",
            JobKind::Finetune => "finetune",
            JobKind::Evaluate => "evaluate",
        })
    }
}

/// One child process.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Which command it is.
    pub kind: JobKind,
    /// What it is done for: the pre-training's name, or task, start and fraction.
    pub subject: String,
    /// Its arguments without those of the machine and `--resume`.
    pub arguments: Vec<String>,
    /// Files that it reads beside the shards, where they are there before the comparison.
    pub inputs: Vec<PathBuf>,
    /// The folder in which it works.
    pub folder: PathBuf,
    /// The file without which it is not finished.
    pub output: PathBuf,
    /// Where what it prints is kept.
    pub log: PathBuf,
    /// The jobs that must be finished before, by position.
    pub after: Vec<usize>,
}

impl Job {
    /// What tells it from all others: `finetune matbench_jdft2d/mmpt/1`.
    pub fn name(&self) -> String {
        format!("{} {}", self.kind, self.subject)
    }

    /// SHA-256 (hexadecimal) of what it is asked to do: its arguments and the contents of its inputs.
    ///
    /// # Errors
    /// [`TrainError::EnsembleRecord`] with the first input that cannot be read.
    pub fn fingerprint(&self) -> Result<String, TrainError> {
        let mut digest = Sha256::new();
        for argument in &self.arguments {
            digest.update(format!("{}:{argument}\n", argument.len()));
        }
        for input in &self.inputs {
            digest.update(EnsembleRecord::hash_weights(input)?);
        }
        Ok(hex(&digest.finalize()))
    }

    /// Whether the job was begun earlier and goes on.
    ///
    /// # Errors
    /// [`TrainError`] if the folder of a fine-tuning cannot be understood.
    pub fn begun(&self) -> Result<bool, TrainError> {
        match self.kind {
            JobKind::Pretrain => Ok(self.folder.is_dir()),
            JobKind::Finetune => Ok(EnsembleRecord::read(&self.folder)?.is_some()),
            JobKind::Evaluate => Ok(false),
        }
    }
}

/// A command as a user would type it.
pub fn command_line(arguments: &[String]) -> String {
    let quoted = arguments.iter().map(|argument| quote(argument));
    std::iter::once("trainer".to_owned()).chain(quoted).collect::<Vec<_>>().join(" ")
}

/// An argument as a shell reads it.
fn quote(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// A path as an argument.
pub(super) fn text(path: &Path) -> String {
    operand(&path.to_string_lossy())
}

/// A path or pattern as an argument that is no option whatever it begins with.
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
            folder: PathBuf::new(),
            output: PathBuf::new(),
            log: PathBuf::new(),
            after: Vec::new(),
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
