//! A fine-tuned model, what it says of itself, and when several make an ensemble.

use std::path::PathBuf;

use burn::prelude::Device;
use schemas::settings::FeatureSettings;

use crate::data::{Graph, GraphBatch, Inputs};
use crate::error::TrainError;
use crate::finetune::Predictor;
use crate::predict::error::PredictError;
use crate::task::Transform;
use crate::weights::Target;

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
pub struct Member {
    /// Weights file.
    pub path: PathBuf,
    /// Settings of the features that it was trained on.
    pub features: FeatureSettings,
    /// Edges that it was trained on.
    pub graph: Graph,
    /// What its batches must hold.
    pub inputs: Inputs,
    /// What it predicts.
    pub quantity: Quantity,
    /// Predictions for B crystals in the target's unit, shape `[B]`, in their order.
    pub predict: Box<dyn Fn(GraphBatch<f32>) -> Vec<f64>>,
}

impl Member {
    /// Reads the weights of a fine-tuned model, or a checkpoint of one, onto a device.
    ///
    /// # Errors
    /// Those of [`Predictor::load`].
    pub fn load(path: PathBuf, device: &Device) -> Result<Self, TrainError> {
        let predictor = Predictor::load(&path, device)?;
        let Target { task, property, unit, transform, .. } = predictor.target().clone();
        Ok(Self {
            path,
            features: predictor.features().clone(),
            graph: predictor.graph(),
            inputs: predictor.inputs(),
            quantity: Quantity { task, property, unit, log10: transform == Transform::Log10 },
            predict: Box::new(move |graph| predictor.predict(graph)),
        })
    }

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
        let Quantity { task, property, unit, log10 } = self.quantity.clone();
        let graph = match self.graph {
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
        properties.extend(self.features.to_metadata());
        properties
    }
}
