//! Evaluations for tests.

use std::collections::BTreeMap;

use super::crystal_view::example::caesium_chloride;
use super::jarvis::Jarvis;
use super::matbench::Matbench;
use super::part::Part;
use super::{Evaluation, FoldOutcome, LearningCurve, LearningCurves, Outcome};

/// Returns a test crystal of a single model.
pub(crate) fn outcome(material_id: &str, target: f64, prediction: f64, elements: &[&str]) -> Outcome {
    Outcome {
        material_id: material_id.to_owned(),
        formula: elements.concat(),
        target,
        prediction,
        deviation: None,
        sites: elements.len(),
        site: None,
        elements: elements.iter().map(|&symbol| symbol.to_owned()).collect(),
        domain_distance: None,
        has_unseen_element: false,
    }
}

/// Returns a split with these test crystals and a training median of 2.
pub(crate) fn evaluation(outcomes: Vec<Outcome>) -> Evaluation {
    Evaluation {
        task: "example".to_owned(),
        description: "Numbers made up for tests.".to_owned(),
        property: "band gap".to_owned(),
        unit: "eV".to_owned(),
        part: Part::Test,
        interval: None,
        folds: vec![FoldOutcome {
            name: "split".to_owned(),
            seeds: vec![123],
            seed_std: BTreeMap::new(),
            dummy: 2.0,
            train: 100,
            validation: 10,
            outcomes,
        }],
        curves: LearningCurves::default(),
        structures: Vec::new(),
        settings: Vec::new(),
        matbench: None,
        jarvis: None,
    }
}

/// Returns a split of the JARVIS leaderboard.
pub(super) fn jarvis() -> Evaluation {
    let mut evaluation =
        evaluation(vec![outcome("JVASP-1", 1.0, 1.5, &["O"]), outcome("JVASP-2", 3.0, 2.5, &["O"])]);
    evaluation.jarvis = Some(Jarvis { property: "mbj_bandgap".to_owned() });
    evaluation
}

/// Elements of the made-up crystals.
const SYMBOLS: [&str; 24] = [
    "O", "S", "Se", "Te", "Cl", "Br", "I", "F", "N", "P", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu",
    "Zn", "Zr", "Nb", "Mo", "Hf", "W",
];

/// Returns five folds over the identifiers of `matbench_jdft2d`. Targets are skewed like exfoliation energies, and
/// errors grow with them. Every fifth crystal is in the same fold, unlike in MatBench.
pub(super) fn jdft2d() -> Evaluation {
    let folds = (0..5_usize).map(|fold| FoldOutcome {
        name: format!("fold-{fold}"),
        seeds: vec![123, 124],
        seed_std: BTreeMap::new(),
        dummy: 72.0 + fold as f64,
        train: 458,
        validation: 51,
        outcomes: (0..636).filter(|row| row % 5 == fold).map(exfoliated).collect(),
    });
    let epochs = |factor: f64| {
        (1..=30_u32).map(move |epoch| (f64::from(epoch), factor * (1.0 + 9.0 / f64::from(epoch))))
    };
    let curves = (0..5_u32).map(|fold| LearningCurve {
        fold: format!("fold-{fold}"),
        train: epochs(20.0 + f64::from(fold)).collect(),
        validation: epochs(30.0 + f64::from(fold)).collect(),
    });
    let setting = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut evaluation = Evaluation {
        task: "matbench_jdft2d".to_owned(),
        description: "Exfoliation energy of 636 layered crystals, MatBench's five folds.".to_owned(),
        property: "exfoliation energy".to_owned(),
        unit: "meV/atom".to_owned(),
        part: Part::Test,
        folds: folds.collect(),
        interval: None,
        curves: LearningCurves {
            quantity: "mean absolute error, meV/atom".to_owned(),
            members: curves.collect(),
        },
        structures: Vec::new(),
        settings: vec![
            setting("weights", "best.safetensors"),
            setting("regime", "matbench"),
            setting("epochs", "60"),
            setting("batch", "32"),
        ],
        matbench: Some(Matbench {
            dataset: "matbench_jdft2d".to_owned(),
            authors: "Ada Lovelace".to_owned(),
            algorithm: "Example".to_owned(),
            algorithm_long: "Numbers made up for tests.".to_owned(),
            transformed: None,
        }),
        jarvis: None,
    };
    evaluation.structures = evaluation.worst_ids().into_iter().map(caesium_chloride).collect();
    evaluation
}

/// Returns a made-up layered crystal.
fn exfoliated(row: usize) -> Outcome {
    // Fractional parts of multiples of irrational numbers: even, without a generator.
    let even = |number: f64| (row as f64 * number + 0.5).fract();
    let target = 20.0 - 70.0 * (1.0 - even(0.618_033_988_75) * 0.999).ln() + 3.0 * even(0.414_213_562_37);
    let error = (even(0.732_050_807_57) + even(0.236_067_977_5) - 1.0) * (0.35 * target + 12.0);
    let elements = [row * 7 % SYMBOLS.len(), (row * row + 3) % SYMBOLS.len(), 0];
    let elements: Vec<String> = elements
        .iter()
        .take(2 + row % 2)
        .filter_map(|&index| SYMBOLS.get(index))
        .map(|&symbol| symbol.to_owned())
        .collect();
    Outcome {
        material_id: format!("mb-jdft2d-{:03}", row + 1),
        formula: elements.concat(),
        target,
        prediction: target + error,
        sites: 2 + row % 23,
        deviation: Some(2.0 + 10.0 * even(0.123_456_789)),
        site: None,
        elements,
        domain_distance: Some(0.5 + even(0.654_321)),
        has_unseen_element: row.is_multiple_of(97),
    }
}
