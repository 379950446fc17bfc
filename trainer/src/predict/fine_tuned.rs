//! Fine-tuned weights as a model that predicts.

use schemas::settings::FeatureSettings;

use crate::config::model::Graph;
use crate::data::GraphBatch;
use crate::finetune::Predictor;
use crate::predict::model::{Model, Quantity};
use crate::task::Transform;

impl Model for Predictor {
    fn features(&self) -> &FeatureSettings {
        Predictor::features(self)
    }

    fn graph(&self) -> Graph {
        Predictor::graph(self)
    }

    fn quantity(&self) -> Quantity {
        let target = self.target();
        Quantity {
            task: target.task.clone(),
            property: target.property.clone(),
            unit: target.unit.clone(),
            log10: target.transform == Transform::Log10,
        }
    }

    fn predict(&self, graph: GraphBatch<f32>) -> Vec<f64> {
        Predictor::predict(self, graph)
    }
}
