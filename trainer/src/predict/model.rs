//! What a fine-tuned model says of itself, and when several make an ensemble.

use std::path::PathBuf;

use schemas::settings::FeatureSettings;

use crate::config::model::Graph;
use crate::data::GraphBatch;
use crate::predict::error::PredictError;

/// What a model predicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// Name of the task that the model was fine-tuned for.
    pub task: String,
    /// Column of the property in the task's store.
    pub property: String,
    /// Unit of the target, `log10(GPa)` for the logarithm of a property in GPa.
    pub unit: String,
    /// Whether the target is the decadic logarithm of the property.
    pub log10: bool,
}

/// A fine-tuned model.
pub trait Model {
    /// Settings of the features that it was trained on.
    fn features(&self) -> &FeatureSettings;
    /// Edges that it was trained on.
    fn graph(&self) -> Graph;
    /// What it predicts.
    fn quantity(&self) -> Quantity;
    /// Predictions for B crystals in the target's unit, shape `[B]`, in their order.
    fn predict(&self, graph: GraphBatch<f32>) -> Vec<f64>;
}

/// A model with the file it was read from.
pub struct Member {
    /// Weights file.
    pub path: PathBuf,
    /// The model.
    pub model: Box<dyn Model>,
}

impl Member {
    /// Refuses another model that cannot be averaged with this one.
    ///
    /// # Errors
    /// [`PredictError::DifferentModels`] with the first thing that differs: task, property, unit,
    /// transform, connectivity or a setting of the features.
    pub fn require(&self, other: &Self) -> Result<(), PredictError> {
        let differences = self.properties().into_iter().zip(other.properties());
        match differences.into_iter().find(|((_, first), (_, second))| first != second) {
            None => Ok(()),
            Some(((key, first_value), (_, second_value))) => Err(PredictError::DifferentModels {
                first: self.path.clone(),
                second: other.path.clone(),
                key,
                first_value,
                second_value,
            }),
        }
    }

    /// Everything that the models of an ensemble share, by name.
    fn properties(&self) -> Vec<(String, String)> {
        let Quantity { task, property, unit, log10 } = self.model.quantity();
        let graph = match self.model.graph() {
            Graph::Multigraph => "multigraph",
            Graph::Simple => "simple",
        };
        let mut properties = vec![
            ("task".to_owned(), task),
            ("property".to_owned(), property),
            ("unit".to_owned(), unit),
            ("log10".to_owned(), log10.to_string()),
            ("model.graph".to_owned(), graph.to_owned()),
        ];
        properties.extend(self.model.features().to_metadata());
        properties
    }
}
