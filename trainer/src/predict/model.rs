//! A fine-tuned model, its description, and the conditions for an ensemble.

use std::path::PathBuf;

use burn::prelude::Device;
use schemas::settings::FeatureSettings;

use crate::data::{Graph, GraphBatch, Inputs};
use crate::error::TrainError;
use crate::finetune::Predictor;
use crate::finetune::calibration::Calibration;
use crate::predict::error::PredictError;
use crate::report::interval::Validated;
use crate::task::Transform;
use crate::weights::Target;

/// The predicted quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// Name of the task that the model was fine-tuned for.
    pub task: String,
    /// Name of the property column in the store of the task.
    pub property: String,
    /// Unit of the target, such as `log10(GPa)` for the logarithm of a property in GPa.
    pub unit: String,
    /// Whether the target is the decadic logarithm of the property.
    pub log10: bool,
}

/// A fine-tuned model of an ensemble.
pub struct Member {
    /// Weights file.
    pub path: PathBuf,
    /// Settings of the model's features.
    pub features: FeatureSettings,
    /// Edges that the model sees.
    pub graph: Graph,
    /// Parts that its batches must have.
    pub inputs: Inputs,
    /// Last atomic number that the model tells from others.
    pub last_element: u8,
    /// The predicted quantity.
    pub quantity: Quantity,
    /// The model's predictions for its validation part, for intervals; `None` if they are not beside the weights.
    pub calibration: Option<Vec<Validated>>,
    /// Predicts the targets of a batch of B crystals in order, in the unit of the target, shape `[B]`.
    pub predict: Box<dyn Fn(GraphBatch<f32>) -> Vec<f64>>,
}

impl Member {
    /// Loads the weights of a fine-tuned model, or a checkpoint of one, onto a device.
    ///
    /// # Errors
    /// Those of [`Predictor::load`].
    pub fn load(path: PathBuf, device: &Device) -> Result<Self, TrainError> {
        let predictor = Predictor::load(&path, device)?;
        let calibration = Calibration::read(&path)?.map(|found| found.crystals);
        let Target { task, property, unit, transform, .. } = predictor.target().clone();
        Ok(Self {
            path,
            features: predictor.features().clone(),
            graph: predictor.graph(),
            inputs: predictor.inputs(),
            last_element: predictor.last_element(),
            quantity: Quantity { task, property, unit, log10: transform == Transform::Log10 },
            calibration,
            predict: Box::new(move |graph| predictor.predict(graph)),
        })
    }

    /// Checks that another model can be averaged with this one.
    ///
    /// # Errors
    /// [`PredictError::DifferentModels`] for the first difference: task, property, unit, transform, connectivity or a
    /// setting of the features.
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

    /// Returns the properties in which the models of an ensemble must agree, by name.
    fn properties(&self) -> Vec<(String, String)> {
        let Quantity { task, property, unit, log10 } = self.quantity.clone();
        let mut properties = vec![
            ("task".to_owned(), task),
            ("property".to_owned(), property),
            ("unit".to_owned(), unit),
            ("log10".to_owned(), log10.to_string()),
            ("graph".to_owned(), self.graph.name().to_owned()),
        ];
        properties.extend(self.features.to_metadata());
        properties
    }
}
