//! Evaluations of classes for tests.

use std::collections::BTreeMap;

use super::{ClassEvaluation, ClassFold, ClassOutcome};
use crate::report::LearningCurves;
use crate::report::crystal_view::example::caesium_chloride;
use crate::report::part::Part;

/// Returns a test crystal of a single model.
pub(in crate::report) fn outcome(material_id: &str, target: usize, probabilities: &[f64]) -> ClassOutcome {
    ClassOutcome {
        material_id: material_id.to_owned(),
        formula: "NaCl".to_owned(),
        target,
        probabilities: probabilities.to_vec(),
        deviation: None,
        domain_distance: None,
        has_unseen_element: false,
    }
}

/// Returns two folds of three crystals each with a mistake.
pub(super) fn evaluation() -> ClassEvaluation {
    let fold = |name: &str, outcomes: Vec<ClassOutcome>| ClassFold {
        name: name.to_owned(),
        seeds: vec![123],
        seed_std: BTreeMap::new(),
        dummy: 0,
        train: 100,
        validation: 10,
        outcomes,
    };
    ClassEvaluation {
        task: "metals".to_owned(),
        description: "Made up for tests.".to_owned(),
        property: "is_metal".to_owned(),
        classes: vec!["0".to_owned(), "1".to_owned()],
        part: Part::Test,
        folds: vec![
            fold(
                "fold-0",
                vec![
                    outcome("a", 0, &[0.75, 0.25]),
                    outcome("b", 1, &[0.25, 0.75]),
                    outcome("c", 1, &[0.625, 0.375]),
                ],
            ),
            fold(
                "fold-1",
                vec![
                    outcome("d", 0, &[1.0, 0.0]),
                    outcome("e", 0, &[0.125, 0.875]),
                    outcome("f", 1, &[0.0, 1.0]),
                ],
            ),
        ],
        temperature: None,
        curves: LearningCurves::default(),
        structures: vec![caesium_chloride("e")],
        settings: vec![("epochs".to_owned(), "60".to_owned())],
        matbench: None,
    }
}
