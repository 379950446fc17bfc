//! Targets and predictions of scored crystals, for the report.

use std::collections::BTreeSet;

use crystal::element::SYMBOLS;

use super::tested::{Members, TestedCrystal, TestedFold};
use super::{jarvis, matbench, seeds};
use crate::error::TrainError;
use crate::report::classes::temperature::Temperature;
use crate::report::classes::{ClassEvaluation, ClassFold, ClassOutcome, most_probable};
use crate::report::interval::{self, COVERAGE};
use crate::report::{Evaluation, FoldOutcome, LearningCurves, Outcome};
use crate::statistics::{MeanStd, median};
use crate::task::{Labelled, TargetColumn};
use crate::unit;

/// Returns the evaluation of every property of a task, without structures, with the folds that test it.
///
/// # Errors
/// [`TrainError::NotScored`] for a property without a crystal of the part that has a value of it.
pub(super) fn of_numbers(members: &Members<'_>, folds: &[TestedFold]) -> Result<Vec<Evaluation>, TrainError> {
    let Members { task, request, kind, .. } = members;
    let calibrations = members.complete_calibrations();
    let has_record = task.further.is_empty() && !task.per_site;
    let targets = task.targets().into_iter().enumerate();
    let evaluation = |(index, target): (usize, TargetColumn)| {
        let fold = |fold| if task.per_site { fold_of_sites(fold) } else { fold_of(fold, index) };
        let folds = folds.iter().map(fold).filter(|fold| !fold.outcomes.is_empty());
        let folds: Vec<FoldOutcome> = folds.collect();
        if folds.is_empty() {
            let (task, part) = (task.name.clone(), request.part);
            return Err(TrainError::NotScored { task, part, property: target.property });
        }
        Ok(Evaluation {
            task: task.name.clone(),
            description: task.description.clone(),
            unit: target.target_unit(),
            property: target.property,
            part: request.part,
            interval: match task.per_site {
                true => interval::of_sites(&calibrations, COVERAGE),
                false => interval::interval(&calibrations, index, COVERAGE),
            },
            folds,
            curves: curves(members),
            structures: Vec::new(),
            settings: settings(members),
            matbench: matbench(task, &request.authors, *kind).filter(|_| has_record),
            jarvis: jarvis(task).filter(|_| has_record),
        })
    };
    targets.map(evaluation).collect()
}

/// Returns the outcomes of a fold for a target, by its index.
fn fold_of(fold: &TestedFold, target: usize) -> FoldOutcome {
    FoldOutcome {
        name: fold.name.clone(),
        seeds: fold.seeds.clone(),
        seed_std: seeds::of_numbers(fold, Some(target)),
        dummy: median(&Labelled::present(&fold.trained, target)).unwrap_or(f64::NAN),
        train: Labelled::present(&fold.train, target).len(),
        validation: Labelled::present(&fold.validation, target).len(),
        outcomes: fold.crystals.iter().filter_map(|crystal| outcome(crystal, target)).collect(),
    }
}

/// Returns the outcomes of a fold for the number of every site. Its parts are counted in crystals.
fn fold_of_sites(fold: &TestedFold) -> FoldOutcome {
    let trained = fold.trained.iter().flat_map(|crystal| crystal.targets.iter().copied());
    let sites = |crystal: &TestedCrystal| {
        let site = |(site, number): (usize, &u8)| {
            let elements = elements(&[*number]);
            Some(Outcome { site: Some(site), elements, ..outcome(crystal, site)? })
        };
        crystal.atomic_numbers.iter().enumerate().filter_map(site).collect::<Vec<_>>()
    };
    FoldOutcome {
        name: fold.name.clone(),
        seeds: fold.seeds.clone(),
        seed_std: seeds::of_numbers(fold, None),
        dummy: median(&trained.collect::<Vec<_>>()).unwrap_or(f64::NAN),
        train: fold.train.len(),
        validation: fold.validation.len(),
        outcomes: fold.crystals.iter().flat_map(sites).collect(),
    }
}

/// Returns the symbols of the elements among atoms.
fn elements(atomic_numbers: &[u8]) -> Vec<String> {
    let numbers: BTreeSet<u8> = atomic_numbers.iter().copied().collect();
    numbers.into_iter().filter_map(|z| SYMBOLS.get(usize::from(z))).map(|symbol| symbol.to_string()).collect()
}

/// Returns the mean prediction of a target over the seeds, and its population standard deviation; `None` if the crystal
/// lacks the target. Of numbers of the sites, `target` is the site.
fn outcome(crystal: &TestedCrystal, target: usize) -> Option<Outcome> {
    let known = crystal.targets.get(target).copied().filter(|known| !known.is_nan())?;
    let predictions: Vec<f64> = of_output(crystal, target);
    let spread = MeanStd::of(&predictions)?;
    Some(Outcome {
        material_id: crystal.material_id.clone(),
        formula: crystal.formula.clone(),
        target: known,
        prediction: spread.mean,
        deviation: spread.std,
        site: None,
        elements: elements(&crystal.atomic_numbers),
        sites: crystal.atomic_numbers.len(),
        domain_distance: MeanStd::of(&crystal.distances).map(|spread| spread.mean),
        has_unseen_element: !crystal.unseen.is_empty(),
    })
}

/// Returns an output of every seed, `[S]`.
fn of_output(crystal: &TestedCrystal, output: usize) -> Vec<f64> {
    crystal.predictions.iter().filter_map(|seed| seed.get(output).copied()).collect()
}

/// Returns the evaluation of the classes of a task, without structures.
pub(super) fn of_classes(members: &Members<'_>, folds: Vec<TestedFold>) -> ClassEvaluation {
    let Members { task, request, kind, .. } = members;
    let classes = task.classes();
    let temperature = Temperature::of(&members.complete_calibrations());
    let fold = |fold: TestedFold| {
        let mut counts = vec![0_usize; classes.len()];
        for crystal in &fold.trained {
            if let Some(count) = crystal.class().and_then(|class| counts.get_mut(class)) {
                *count += 1;
            }
        }
        let counts: Vec<f64> = counts.into_iter().map(|count| count as f64).collect();
        ClassFold {
            seed_std: seeds::of_classes(&fold, classes.len(), temperature),
            name: fold.name,
            seeds: fold.seeds,
            dummy: most_probable(&counts),
            train: fold.train.len(),
            validation: fold.validation.len(),
            outcomes: fold
                .crystals
                .iter()
                .map(|crystal| class_of(crystal, classes.len(), temperature))
                .collect(),
        }
    };
    ClassEvaluation {
        task: task.name.clone(),
        description: task.description.clone(),
        property: task.property.clone(),
        classes: classes.to_vec(),
        part: request.part,
        folds: folds.into_iter().map(fold).collect(),
        temperature,
        curves: curves(members),
        structures: Vec::new(),
        settings: settings(members),
        matbench: matbench(task, &request.authors, *kind).filter(|_| is_published_order(classes)),
    }
}

/// Returns the mean probabilities over the seeds, calibrated, and the deviation of the predicted class's.
fn class_of(crystal: &TestedCrystal, classes: usize, temperature: Option<Temperature>) -> ClassOutcome {
    let spreads = (0..classes).map(|class| MeanStd::of(&of_output(crystal, class)));
    let spreads: Vec<Option<MeanStd>> = spreads.collect();
    let means: Vec<f64> =
        spreads.iter().map(|spread| spread.map_or(f64::NAN, |spread| spread.mean)).collect();
    ClassOutcome {
        material_id: crystal.material_id.clone(),
        formula: crystal.formula.clone(),
        target: crystal.class(),
        deviation: spreads.get(most_probable(&means)).copied().flatten().and_then(|spread| spread.std),
        domain_distance: MeanStd::of(&crystal.distances).map(|spread| spread.mean),
        has_unseen_element: !crystal.unseen.is_empty(),
        probabilities: temperature.map_or_else(|| means.clone(), |temperature| temperature.apply(&means)),
    }
}

/// Whether the second of two classes is `True`, whose probability MatBench's record holds.
fn is_published_order(classes: &[String]) -> bool {
    classes == ["0", "1"]
}

/// Returns the learning curves of all members, with what their loss is.
fn curves(members: &Members<'_>) -> LearningCurves {
    let task = &members.task;
    let quantity = match (task.classes(), task.further.as_slice()) {
        ([], []) => format!("{}{}", members.loss.reported(), unit::shown(", ", &task.target_unit(), "")),
        ([], _) => format!("{}, standard deviations", members.loss.reported()),
        _ => "cross entropy, nats".to_owned(),
    };
    LearningCurves { quantity, members: members.curves.clone() }
}

/// Returns the settings in the report page.
fn settings(members: &Members<'_>) -> Vec<(String, String)> {
    let Members { record, settings, .. } = members;
    let weights = match (&record.weights, &record.weights_sha256) {
        (Some(path), Some(hash)) => format!("{} (SHA-256 {hash})", path.display()),
        _ => "none: trained from scratch".to_owned(),
    };
    let mut shown = vec![("weights".to_owned(), weights)];
    shown.extend(settings.iter().cloned());
    shown.push(("shards".to_owned(), record.shards.join(", ")));
    shown.push(("seeds".to_owned(), format!("{:?}", record.seeds)));
    shown
}
