//! Featurisation of structures with the settings of the models' training data.

use std::path::PathBuf;
use std::sync::Arc;

use etl::pipeline::BuildError;
use etl::pipeline::featurise::{FeaturiseRequest, Featurised, FeaturisedBlock, featurise, featurise_source};
use etl::source::{InputKind, ListItem, SourceOptions, UnreadFiles, open_list};
use schemas::settings::FeatureSettings;

use crate::data::stored::StoredCrystal;
use crate::predict::Request;
use crate::predict::error::PredictError;
use crate::predict::left_out::SharedLeftOut;
use crate::predict::outlook::Outlook;

/// Structures to featurise.
pub(super) enum StructureInputs {
    /// Files, folders and archives of one kind.
    Paths { kind: InputKind, paths: Vec<PathBuf> },
    /// Structures in memory, and files of them.
    List(Arc<[ListItem]>),
}

/// Iterator over the crystals of the inputs in order. It records rejected entries, remarks about entries and the
/// error that ends the inputs early.
pub(super) struct Structures {
    blocks: Featurised,
    crystals: std::vec::IntoIter<StoredCrystal>,
    left_out: SharedLeftOut,
    outlook: Outlook,
}

impl Structures {
    /// Starts the threads that featurise.
    pub(super) fn open(
        inputs: StructureInputs,
        request: &Request,
        settings: &FeatureSettings,
        left_out: &SharedLeftOut,
    ) -> Result<Self, PredictError> {
        let &Request { bounds, threads, .. } = request;
        let blocks = match inputs {
            StructureInputs::Paths { kind, paths: inputs } => {
                let settings = settings.clone();
                featurise(&FeaturiseRequest { kind, inputs, settings, bounds, threads })?
            }
            StructureInputs::List(items) => {
                let source = open_list(items, &SourceOptions::default()).map_err(BuildError::from)?;
                featurise_source(source, settings, bounds, threads)?
            }
        };
        let outlook = Outlook::of_bytes(blocks.total_bytes());
        Ok(Self { blocks, crystals: Vec::new().into_iter(), left_out: left_out.clone(), outlook })
    }

    /// Returns how many crystals there are, which is counted while they are read.
    pub(super) fn outlook(&self) -> &Outlook {
        &self.outlook
    }

    /// Returns the numbers of files among the inputs that are not read, by ending.
    pub(super) fn unread(&self) -> &UnreadFiles {
        self.blocks.unread()
    }

    /// Returns the crystals of a block.
    fn unpack(&self, block: &FeaturisedBlock) -> Result<Vec<StoredCrystal>, PredictError> {
        let mut left_out = self.left_out.lock();
        block.rejects.iter().for_each(|reject| left_out.push(&reject.into()));
        block.notes.iter().for_each(|note| left_out.note(note));
        let crystals = StoredCrystal::of_blocks(&block.crystals)?;
        self.outlook.count(crystals.len() as u64, block.bytes_read);
        Ok(crystals)
    }
}

impl Iterator for Structures {
    type Item = StoredCrystal;

    fn next(&mut self) -> Option<StoredCrystal> {
        loop {
            if let Some(crystal) = self.crystals.next() {
                return Some(crystal);
            }
            let Some(block) = self.blocks.next() else {
                self.outlook.end();
                return None;
            };
            let block = block.map_err(PredictError::from);
            match block.and_then(|block| self.unpack(&block)) {
                Ok(crystals) => self.crystals = crystals.into_iter(),
                Err(error) => {
                    self.left_out.lock().fail(error);
                    return None;
                }
            }
        }
    }
}
