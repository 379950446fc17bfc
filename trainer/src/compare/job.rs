//! The jobs of a comparison: commands with their arguments, folders and dependencies.

use std::fmt;
use std::path::{Path, PathBuf};

use schemas::hash::hex;
use sha2::{Digest, Sha256};

use super::grid::TaskSection;
use crate::config::Config;
use crate::error::TrainError;
use crate::finetune::ensemble_record::EnsembleRecord;
use crate::run::folder::CONFIG_FILE;

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
    /// Number of epochs of its runs; `None` for a job that trains nothing.
    pub epochs: Option<u64>,
    /// Seeds of a fine-tuning.
    pub seeds: Vec<u64>,
    /// Folds of the task that a fine-tuning trains, by number from 0; `None` for every fold.
    pub folds: Option<Vec<usize>>,
    /// Weights file that it begins with, if a pre-training of the same comparison writes it.
    pub pretrained: Option<PathBuf>,
    /// Whether it replaces the runs in its folder: its shards have changed since, or it [is outdated](Self::is_outdated).
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
    /// Returns [`TrainError::Read`] if an input file cannot be read.
    pub fn fingerprint(&self) -> Result<String, TrainError> {
        let mut digest = Sha256::new();
        for argument in &self.arguments {
            digest.update(format!("{}:{argument}\n", argument.len()));
        }
        for input in &self.inputs {
            digest.update(TrainError::sha256_of(input)?);
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

    /// Whether its folder holds runs that it cannot continue: of more epochs than it has now, or begun with other weights than
    /// its pre-training has now.
    pub fn is_outdated(&self) -> bool {
        let Some(epochs) = self.epochs else { return false };
        let record = EnsembleRecord::read(&self.folder).ok().flatten();
        let weights = self.pretrained.as_deref().and_then(|path| TrainError::sha256_of(path).ok());
        let begun_with = record.as_ref().and_then(|record| record.weights_sha256.clone());
        if weights.zip(begun_with).is_some_and(|(weights, begun_with)| weights != begun_with) {
            return true;
        }
        // Runs of seeds and folds that nobody asks for any more are not continued.
        let asked = record.map(|record| EnsembleRecord {
            seeds: self.seeds.clone(),
            folds: self.folds.clone(),
            ..record
        });
        let folder = &self.folder;
        let members = asked.iter().flat_map(|asked| {
            let members = asked.crystals_sha256.keys().map(move |name| folder.join(name));
            members.filter(move |member| asked.has_member(member))
        });
        let is_longer = |run: PathBuf| {
            let config = Config::load_recorded(&run.join(CONFIG_FILE));
            config.is_ok_and(|config| config.run.epochs > epochs)
        };
        std::iter::once(folder.clone()).chain(members).any(is_longer)
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
fn operand(path: &str) -> String {
    if path.starts_with('-') { format!("./{path}") } else { path.to_owned() }
}

/// Returns numbers as one argument.
pub(super) fn joined(numbers: &[impl ToString]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Appends the arguments for the split of a task.
pub(super) fn push_division(arguments: &mut Vec<String>, section: &TaskSection) {
    if let Some(folds) = &section.folds {
        arguments.extend(["--fold".to_owned(), joined(folds)]);
    }
    if let Some(split) = &section.split {
        arguments.extend(["--split".to_owned(), text(split)]);
    }
    if section.allow_partial {
        arguments.push("--allow-partial".to_owned());
    }
}

/// Appends a configuration file and settings `key=value`.
pub(super) fn push_settings(arguments: &mut Vec<String>, config: Option<&Path>, settings: &[String]) {
    if let Some(config) = config {
        arguments.extend(["--config".to_owned(), text(config)]);
    }
    for setting in settings {
        // No key begins with a hyphen: unknown ones were refused.
        arguments.extend(["--set".to_owned(), setting.clone()]);
    }
}

/// Appends the shards, last of all arguments.
pub(super) fn push_shards(arguments: &mut Vec<String>, shards: &[String]) {
    arguments.push("--shards".to_owned());
    arguments.extend(shards.iter().map(|shard| operand(shard)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::finetune::HeldOut;
    use crate::task::Task;

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
            epochs: None,
            seeds: Vec::new(),
            folds: None,
            pretrained: None,
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
    fn a_job_of_fewer_epochs_is_outdated() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let of = |epochs| Job { folder: folder.path().to_owned(), epochs, ..job(&[], &[]) };
        assert!(!of(Some(1)).is_outdated(), "nothing was done before");
        let config = Config::resolve(None, &["run.epochs=3"]).expect("known settings");
        std::fs::write(folder.path().join(CONFIG_FILE), config.to_toml()).expect("it is writable");
        assert!(of(Some(2)).is_outdated());
        assert!(!of(Some(3)).is_outdated() && !of(Some(4)).is_outdated() && !of(None).is_outdated());
    }

    #[test]
    fn a_fine_tuning_of_other_weights_or_longer_runs_is_outdated() {
        let kept = tempfile::tempdir().expect("a temporary folder");
        let weights = kept.path().join("best.safetensors");
        std::fs::write(&weights, "first").expect("it is writable");
        let member = |fold: &str, seed: u64| format!("{fold}/seed-{seed}");
        let record = EnsembleRecord {
            weights: Some(weights.clone()),
            weights_sha256: Some(TrainError::sha256_of(&weights).expect("it is readable")),
            shards: vec!["store".to_owned()],
            seeds: vec![1],
            folds: Some(vec![0]),
            split_file: None,
            allow_partial: false,
            fraction: 1.0,
            train_on_validation: false,
            held_out: HeldOut::default(),
            crystals_sha256: [member("fold-0", 1), member("fold-0", 2), member("fold-1", 1)]
                .map(|name| (name, "a".to_owned()))
                .into(),
            task: Task::load("matbench_jdft2d").expect("built in"),
        };
        record.write(kept.path()).expect("it is writable");
        for (name, epochs) in [(member("fold-0", 1), 2), (member("fold-0", 2), 9), (member("fold-1", 1), 9)] {
            let run = kept.path().join(name);
            std::fs::create_dir_all(&run).expect("it is writable");
            let config = Config::resolve(None, &[format!("run.epochs={epochs}")]).expect("known settings");
            std::fs::write(run.join(CONFIG_FILE), config.to_toml()).expect("it is writable");
        }
        let of = |seeds: &[u64], folds: Option<&[usize]>| Job {
            folder: kept.path().to_owned(),
            epochs: Some(3),
            seeds: seeds.to_vec(),
            folds: folds.map(<[usize]>::to_vec),
            pretrained: Some(weights.clone()),
            ..job(&[], &[])
        };
        let same = of(&[1], Some(&[0]));
        assert!(!same.is_outdated(), "the longer runs are of others");
        assert!(of(&[1, 2], Some(&[0])).is_outdated() && of(&[1], None).is_outdated());
        std::fs::write(&weights, "second").expect("it is writable");
        assert!(same.is_outdated(), "begun with other weights");
        assert!(!Job { epochs: None, ..same.clone() }.is_outdated(), "it trains nothing");
        std::fs::remove_file(&weights).expect("it was there");
        assert!(!same.is_outdated(), "the pre-training has no weights yet");
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
