//! Checks of an evaluation before any file is written.

use std::collections::BTreeSet;

use super::error::ReportError;
use super::{Evaluation, FoldOutcome};

/// Maximum magnitude of numbers, so that the differences in axes and sums are finite.
pub const LARGEST: f64 = 1e100;

/// Checks folds, numbers and names.
///
/// # Errors
/// All variants of [`ReportError`] except those of files.
pub(super) fn check(evaluation: &Evaluation) -> Result<(), ReportError> {
    check_folds(&evaluation.task, &evaluation.folds)?;
    evaluation.folds.iter().try_for_each(check_numbers)?;
    evaluation.jarvis.as_ref().map_or(Ok(()), super::jarvis::Jarvis::check)
}

/// Checks that there are folds, each with its own name and with crystals. `task` is the name of the task.
///
/// # Errors
/// [`ReportError::NoFolds`], [`ReportError::RepeatedFold`] or [`ReportError::EmptyFold`].
pub(super) fn check_folds<O, D>(task: &str, folds: &[FoldOutcome<O, D>]) -> Result<(), ReportError> {
    if folds.is_empty() {
        return Err(ReportError::NoFolds { task: task.to_owned() });
    }
    let mut names = BTreeSet::new();
    for fold in folds {
        let (task, name) = (|| task.to_owned(), || fold.name.clone());
        if !names.insert(&fold.name) {
            return Err(ReportError::RepeatedFold { task: task(), fold: name() });
        }
        if fold.outcomes.is_empty() {
            return Err(ReportError::EmptyFold { task: task(), fold: name() });
        }
    }
    Ok(())
}

/// Checks the numbers of a fold.
fn check_numbers(fold: &FoldOutcome) -> Result<(), ReportError> {
    let check = |quantity, material_id: &str, value: f64| {
        if value.abs() <= LARGEST {
            return Ok(());
        }
        let (fold, material_id) = (fold.name.clone(), material_id.to_owned());
        Err(ReportError::Number { fold, quantity, material_id, value })
    };
    check("training median", "the dummy", fold.dummy)?;
    for outcome in &fold.outcomes {
        check("target", &outcome.material_id, outcome.target)?;
        check("prediction", &outcome.material_id, outcome.prediction)?;
        check("deviation", &outcome.material_id, outcome.deviation.unwrap_or(0.0))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{evaluation, outcome};
    use crate::report::jarvis::Jarvis;

    fn refusal(evaluation: &Evaluation) -> String {
        check(evaluation).expect_err("it is refused").to_string()
    }

    #[test]
    fn what_cannot_be_reported_is_refused_by_name() {
        let good = evaluation(vec![outcome("a", 1.0, 2.0, &["O"])]);
        check(&good).expect("it can be reported");

        let mut changed = good.clone();
        changed.folds[0].outcomes[0].prediction = f64::NAN;
        assert_eq!(refusal(&changed), "split: the prediction of a is NaN, from which no score can be made");
        changed.folds[0].outcomes[0].prediction = -1e101;
        assert!(refusal(&changed).contains("prediction of a"), "{}", refusal(&changed));
        changed.folds[0].outcomes.clear();
        assert_eq!(refusal(&changed), "task example: split has no test crystals");
        changed.folds.clear();
        assert_eq!(refusal(&changed), "task example: no fold was evaluated");

        let mut changed = good.clone();
        changed.folds.push(good.folds[0].clone());
        assert_eq!(refusal(&changed), "task example: split is there twice");

        let mut changed = good;
        changed.jarvis = Some(Jarvis { property: "band-gap".to_owned() });
        assert!(refusal(&changed).starts_with("'band-gap' cannot be a property"), "{}", refusal(&changed));
    }
}
