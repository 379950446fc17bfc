//! A fine-tuned model, its description, and the conditions for an ensemble.

use std::path::PathBuf;

use burn::prelude::Device;
use schemas::settings::FeatureSettings;

use crate::data::{Graph, GraphBatch, Inputs};
use crate::error::TrainError;
use crate::finetune::Predictor;
use crate::finetune::calibration::Calibration;
use crate::finetune::domain::ModelDomain;
use crate::finetune::ensemble_record::fold_of_member;
use crate::finetune::predictor::BatchPredictions;
use crate::finetune::validated::ValidatedPart;
use crate::predict::error::PredictError;
use crate::task::TargetColumn;
use crate::weights::{Target, TargetNumber};

/// The predicted quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// Name of the task that the model was fine-tuned for.
    pub task: String,
    /// Property columns in the store of the task, with their units and transforms, `[T]`.
    pub targets: Vec<TargetColumn>,
    /// Names of the classes of the only property, `[K]`; none if numbers are predicted.
    pub classes: Vec<String>,
    /// Whether the only property is a number of every site.
    pub per_site: bool,
}

impl Quantity {
    /// Returns the quantity that a fine-tuned model predicts.
    pub fn of(target: &Target) -> Self {
        let column = |TargetNumber { property, unit, transform, .. }: TargetNumber| TargetColumn {
            property,
            unit: transform.unit_of_property(&unit),
            transform,
        };
        Self {
            task: target.task.clone(),
            targets: target.numbers().into_iter().map(column).collect(),
            classes: target.classes.clone(),
            per_site: target.per_site,
        }
    }
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
    /// The predicted quantity.
    pub quantity: Quantity,
    /// The model's predictions for its validation part, for intervals; `None` if they are not beside the weights.
    pub calibration: Option<ValidatedPart>,
    /// What the model was trained on; `None` if it is not beside the weights.
    pub domain: Option<ModelDomain>,
    /// Predicts the targets of a batch of B crystals in order, as [`Predictor::predict`] does.
    pub predict: Box<dyn Fn(GraphBatch<f32>) -> BatchPredictions>,
}

impl Member {
    /// Loads the weights of a fine-tuned model, or a checkpoint of one, onto a device.
    ///
    /// # Errors
    /// Those of [`Predictor::load`].
    pub fn load(path: PathBuf, device: &Device) -> Result<Self, TrainError> {
        let predictor = Predictor::load(&path, device)?;
        let domain = ModelDomain::read(&path)?;
        let fold = path.parent().and_then(fold_of_member).unwrap_or_default().to_owned();
        let calibration =
            Calibration::read(&path)?.map(|found| ValidatedPart { fold, crystals: found.crystals });
        Ok(Self {
            path,
            features: predictor.features().clone(),
            graph: predictor.graph(),
            inputs: predictor.inputs(),
            quantity: Quantity::of(predictor.target()),
            calibration,
            domain,
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
        let Quantity { task, targets, classes, per_site } = self.quantity.clone();
        let joined = |of: fn(&TargetColumn) -> &str| targets.iter().map(of).collect::<Vec<_>>().join(", ");
        let mut properties = vec![
            ("task".to_owned(), task),
            ("property".to_owned(), joined(|target| &target.property)),
            ("unit".to_owned(), joined(|target| &target.unit)),
            ("transform".to_owned(), joined(|target| target.transform.name())),
            ("classes".to_owned(), classes.join(", ")),
            ("per_site".to_owned(), per_site.to_string()),
            ("graph".to_owned(), self.graph.name().to_owned()),
        ];
        properties.extend(self.features.to_metadata());
        properties
    }
}
