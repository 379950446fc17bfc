//! The model card beside a weights file: description, data, losses and terms of use of the weights.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use etl::fetch::{CATALOGUE, Group, Publication};
use schemas::count::counted;
use schemas::manifest::Manifest;
use schemas::text::{line, markdown, markdown_code};

use crate::atomic;
use crate::config::finetune::Loss;
use crate::config::model::ModelKind;
use crate::config::{Config, Purpose};
use crate::data::Sources;
use crate::error::TrainError;
use crate::run::metrics::EpochRecord;
use crate::run::step::{HUBER, MSE, Values};
use crate::unit::{self, DECIMALS};
use crate::weights::{Description, Target, TargetNumber};

/// Name of the card in the folder of a run.
pub const FILE: &str = "card.md";

/// Returns the beginnings of the cards of a kind of model: of a pre-trained and of a fine-tuned one.
pub(super) fn beginnings(kind: ModelKind) -> [String; 2] {
    let title = kind.title();
    [format!("# {title} encoders, pre-trained\n"), format!("# {title}, fine-tuned: ")]
}

/// Content of a model card.
#[derive(Debug)]
pub struct Card<'a> {
    /// The resolved configuration.
    pub config: &'a Config,
    /// Description of the weights.
    pub description: &'a Description,
    /// Shards of the crystals.
    pub sources: &'a Sources,
    /// Number of crystals for training.
    pub crystals: u64,
    /// Record of the epoch of the weights.
    pub epoch: &'a EpochRecord,
    /// Losses of the constant predictor, by term.
    pub constants: &'a Values,
}

impl Card<'_> {
    /// Writes the card.
    ///
    /// # Errors
    /// [`TrainError::Write`].
    pub fn write(&self, path: &Path) -> Result<(), TrainError> {
        let text = self.text();
        atomic::write(path, |out| out.write_all(text.as_bytes()))
            .map_err(|source| TrainError::Write { path: path.to_owned(), source })
    }

    /// Returns the card as Markdown. It depends only on the run, not on time or place.
    fn text(&self) -> String {
        let parts =
            [self.title(), self.data(), self.metrics(), self.settings(), self.limits(), USE.to_owned()];
        parts.join("\n")
    }

    fn title(&self) -> String {
        let Description { model, pretrain, target, .. } = self.description;
        let [encoders, fine_tuned] = beginnings(model.kind);
        match target {
            None => format!(
                "{encoders}\n{}: {} with their {}. They predict no property as they are; fine-tune them.\n",
                pretrain.method.about(),
                model.kind.about(),
                pretrain.method.decoders()
            ),
            Some(target) if target.classes.is_empty() => {
                let numbers = target.numbers().into_iter().map(|number| predicts(&number, target.per_site));
                let numbers: Vec<String> = numbers.collect();
                format!("{fine_tuned}{}\n\n{}\n", markdown(&target.task), numbers.join("\n"))
            }
            Some(Target { task, property, classes, .. }) => {
                let classes: Vec<String> =
                    classes.iter().map(|class| format!("`{}`", markdown_code(class))).collect();
                format!(
                    "{fine_tuned}{}\n\nPredicts the class `{}` of a crystal, with probabilities: {}.\n",
                    markdown(task),
                    markdown_code(property),
                    classes.join(", ")
                )
            }
        }
    }

    fn data(&self) -> String {
        let mut text = format!(
            "## Data\n\n{} trained on, epoch {} of {}.\n\n| source | crystals in its store | licence | to \
             cite |\n|---|---|---|---|\n",
            counted(self.crystals, "crystal"),
            self.epoch.epoch,
            self.config.run.epochs
        );
        for (source, crystals) in self.stores() {
            let (licence, citation) = match terms(&source) {
                Some(publication) => (publication.licence, publication.citation),
                None => ("that of the source; the store does not say", ""),
            };
            let _ = writeln!(text, "| {} | {crystals} | {licence} | {citation} |", markdown(&source));
        }
        text
    }

    /// Returns the names of the stores and their numbers of crystals. Shards that belong to no store have their own
    /// names.
    fn stores(&self) -> BTreeMap<String, u64> {
        let mut stores = BTreeMap::new();
        for shard in self.sources.shards() {
            let manifest = shard.path.parent().and_then(|folder| Manifest::read(folder).ok());
            let name = manifest.map_or_else(
                || shard.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                |manifest| manifest.source,
            );
            *stores.entry(name).or_insert(0) += shard.rows;
        }
        stores
    }

    fn metrics(&self) -> String {
        let mut text = "## Losses after that epoch\n\n| term | training | validation | a constant \
                        predictor |\n|---|---|---|---|\n"
            .to_owned();
        for (name, value) in &self.epoch.train {
            let validation = self.epoch.validation.as_ref().and_then(|values| values.get(name));
            let [value, validation, constant] = [Some(value), validation, self.constants.get(name)].map(loss);
            let _ = writeln!(text, "| {name} | {value} | {validation} | {constant} |");
        }
        let Some(target) = &self.description.target else { return text };
        let finetune = &self.config.finetune;
        let (loss, constant) = match finetune.loss {
            _ if !target.classes.is_empty() => {
                ("cross entropy in nats".to_owned(), "shares of the classes".to_owned())
            }
            Loss::Quantile => (finetune.reported_loss(), format!("quantile {}", finetune.quantile)),
            Loss::L1 | Loss::Mse | Loss::Huber => (finetune.reported_loss(), "median".to_owned()),
        };
        let unit = match target.numbers().as_slice() {
            _ if !target.classes.is_empty() => String::new(),
            [_] => markdown(&unit::shown(" in ", &target.unit, "")),
            _ => " in standard deviations, the mean over the properties".to_owned(),
        };
        let _ = writeln!(
            text,
            "\n`loss` is the {loss}{unit}; the constant predictor says the training set's {constant}, scored on \
             that set. The test part was not looked at."
        );
        if self.config.finetune.snapshots {
            let _ = writeln!(
                text,
                "\nPredictions are the means of those of the weights at the ends of {} cycles; the losses are \
                 those of the last weights alone.",
                self.config.schedule.cosine.cycles
            );
        }
        for (name, meaning) in [(MSE, "mean squared error"), (HUBER, "Huber loss")] {
            if self.epoch.train.contains_key(name) {
                let _ = writeln!(
                    text,
                    "\n`{name}` is the {meaning} of the standardised target, the trained loss."
                );
            }
        }
        text
    }

    fn settings(&self) -> String {
        let mut text = "## Settings\n\n```toml\n".to_owned();
        let purpose = match self.description.target {
            Some(_) => Purpose::Finetuning,
            None => Purpose::Pretraining,
        };
        for (key, value) in self.config.settings_for(purpose) {
            let _ = writeln!(text, "{}", line(&format!("{key} = {value}")));
        }
        for (key, value) in self.description.features.to_metadata() {
            let _ = writeln!(text, "{}", line(&format!("# features: {key} = {value}")));
        }
        text.push_str("```\n");
        text
    }

    fn limits(&self) -> String {
        let labels = match self.description.target {
            Some(_) => {
                "It knows the crystals and the level of theory of its training data; other chemistries, \
                        larger cells and other functionals are extrapolation. "
            }
            None => "",
        };
        format!(
            "## Limits\n\n{labels}Ordered crystals only: no partial occupancy, no surfaces beyond what a \
             periodic cell holds, no charge or spin state. Neighbours end at {} Å. Mirror images look the \
             same. Its output is no measure of its own uncertainty.\n",
            self.description.features.cutoff_angstrom
        )
    }
}

/// Section on how to load the weights.
const USE: &str = "## Use\n\n```python\nfrom safetensors.torch import load_file\nweights = load_file(\"best.\
                   safetensors\")  # PyTorch's names and layout\n```\n\n`trainer predict`, `trainer finetune` \
                   and `trainer embed` take the file as it is.\n";

/// Returns the terms under which the crystals of a source were published, if they are known.
fn terms(source: &str) -> Option<&'static Publication> {
    let of_source = |database: &str| source == database || source.starts_with(&format!("{database}_"));
    CATALOGUE
        .iter()
        .find(|file| file.group == Group::Crystals && of_source(file.database.as_str()))
        .map(|file| file.publication)
}

/// Formats a loss, if there is one.
fn loss(value: Option<&f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| unit::number(*value, *value, DECIMALS))
}

/// Number of decimals of the mean and the standard deviation of targets.
const TARGET_DECIMALS: usize = 6;

/// Returns a sentence about a number that a model predicts, of crystals or of sites.
fn predicts(number: &TargetNumber, per_site: bool) -> String {
    let TargetNumber { property, unit, mean, std, .. } = number;
    let size = mean.abs().max(*std);
    let [mean, std] = [mean, std].map(|value| unit::number(*value, size, TARGET_DECIMALS));
    format!(
        "Predicts `{}` of {}{}. The training targets have mean {mean} and standard deviation {std}{}.",
        markdown_code(property),
        if per_site { "every site of a crystal" } else { "a crystal" },
        markdown(&unit::shown(" in ", unit, "")),
        markdown(&unit::shown(" ", unit, ""))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Transform;

    #[test]
    fn small_and_large_numbers_keep_their_digits() {
        assert_eq!([Some(&0.267_99), Some(&3.16e-6), None].map(loss), ["0.26799", "3.1600e-6", "-"]);
        let of = |mean, std| {
            let (property, unit) = ("alpha".to_owned(), String::new());
            predicts(&TargetNumber { property, unit, transform: Transform::None, mean, std }, false)
        };
        let about = "Predicts `alpha` of a crystal. The training targets have mean";
        assert_eq!(of(-0.000_05, 1.5), format!("{about} -0.000050 and standard deviation 1.500000."));
        assert_eq!(of(1.3e-5, 5e-7), format!("{about} 1.30000e-5 and standard deviation 5.00000e-7."));
    }

    #[test]
    fn published_sources_have_terms_and_others_none() {
        for source in ["oqmd", "jarvis", "matbench_jdft2d"] {
            assert_eq!(terms(source).map(|publication| publication.licence), Some("CC BY 4.0"), "{source}");
        }
        assert_eq!(terms("textbook"), None);
        assert_eq!(terms("oqmdish"), None);
    }
}
