//! Reasons why an evaluation is not a complete record for MatBench, and the check of its crystals.

use std::collections::BTreeSet;

use schemas::count::agree;
use schemas::matbench::published_crystals;

use super::fold::PublishedFold;

/// Number of folds of each data set.
const FOLDS: usize = 5;

/// A reason why an evaluation is not a complete record for MatBench.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Incomplete {
    /// The data set is unknown.
    #[error("results.json.gz is not written: {dataset} is none of MatBench's data sets of crystals")]
    Dataset {
        /// Name of the data set.
        dataset: String,
    },
    /// The model predicts a transform of the data set's target.
    #[error(
        "results.json.gz is not written: it takes values of the target of {dataset}, and the predictions are in {unit}"
    )]
    Transform {
        /// Name of the data set.
        dataset: String,
        /// Unit of the predictions.
        unit: String,
    },
    /// The folds differ from those of the data set.
    #[error("results.json.gz is not written: it takes fold-0 to fold-4 of {dataset}, evaluated: {found}")]
    Folds {
        /// Name of the data set.
        dataset: String,
        /// The folds of the evaluation.
        found: String,
    },
    /// A crystal is not in the data set, or occurs twice.
    #[error(
        "results.json.gz is not written: {material_id} is not one of the identifiers {first} to {last} of \
         {dataset}, or it is tested twice"
    )]
    Identifier {
        /// Name of the data set.
        dataset: String,
        /// Identifier of the crystal.
        material_id: String,
        /// First identifier of the data set.
        first: String,
        /// Last identifier of the data set.
        last: String,
    },
    /// Crystals of the data set are missing.
    #[error(
        "results.json.gz is not written: {dataset} has {crystals} crystals, {found} {} evaluated",
        agree(found, "is", "are")
    )]
    Crystals {
        /// Name of the data set.
        dataset: String,
        /// Number of crystals in the data set.
        crystals: usize,
        /// Number of evaluated crystals.
        found: usize,
    },
    /// A score of MatBench is undefined.
    #[error(
        "results.json.gz is not written: all targets of {fold} are zero, which leaves no percentage error, or all are of \
         one class"
    )]
    Scores {
        /// Name of the fold.
        fold: String,
    },
}

/// Checks that the five folds together hold every crystal of the data set once.
pub(super) fn check_crystals(folds: &[PublishedFold<'_>], name: &str) -> Result<(), Incomplete> {
    let dataset = || name.to_owned();
    let crystals = published_crystals(name);
    let crystals = crystals.ok_or_else(|| Incomplete::Dataset { dataset: dataset() })?;
    let found: BTreeSet<_> = folds.iter().map(|fold| fold.name.to_owned()).collect();
    let expected: BTreeSet<_> = (0..FOLDS).map(|fold| format!("fold-{fold}")).collect();
    if found != expected {
        let found = found.into_iter().collect::<Vec<_>>().join(", ");
        return Err(Incomplete::Folds { dataset: dataset(), found });
    }
    let mut missing: BTreeSet<String> = (1..=crystals).map(|row| identifier(name, row, crystals)).collect();
    for (material_id, _) in folds.iter().flat_map(|fold| &fold.predictions) {
        if !missing.remove(*material_id) {
            return Err(Incomplete::Identifier {
                dataset: dataset(),
                material_id: (*material_id).to_owned(),
                first: identifier(name, 1, crystals),
                last: identifier(name, crystals, crystals),
            });
        }
    }
    if !missing.is_empty() {
        return Err(Incomplete::Crystals { dataset: dataset(), crystals, found: crystals - missing.len() });
    }
    Ok(())
}

/// Returns the identifier of a row of a data set, counted from 1: `mb-jdft2d-001`, with as many digits as the number
/// of rows has.
fn identifier(dataset: &str, row: usize, rows: usize) -> String {
    let prefix = dataset.replacen("matbench", "mb", 1).replace('_', "-");
    let digits = rows.to_string().len();
    format!("{prefix}-{row:0digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Evaluation;
    use crate::report::example::jdft2d;
    use crate::report::matbench::record;

    /// Returns the reason why an evaluation has no record.
    fn reason(evaluation: &Evaluation) -> Incomplete {
        record(evaluation).expect("it is a MatBench task").expect_err("it is incomplete")
    }

    #[test]
    fn identifiers_are_matbench_s() {
        assert_eq!(identifier("matbench_jdft2d", 1, 636), "mb-jdft2d-001");
        assert_eq!(identifier("matbench_log_kvrh", 10_987, 10_987), "mb-log-kvrh-10987");
        assert_eq!(identifier("matbench_mp_gap", 7, 106_113), "mb-mp-gap-000007");
    }

    #[test]
    fn what_is_missing_is_said() {
        let whole = jdft2d();
        assert!(matches!(record(&whole), Some(Ok(_))));

        let mut changed = whole.clone();
        changed.folds.pop();
        let without_fold = reason(&changed).to_string();
        assert!(without_fold.ends_with("evaluated: fold-0, fold-1, fold-2, fold-3"), "{without_fold}");

        let mut changed = whole.clone();
        changed.folds[0].outcomes.pop();
        let without_crystal = reason(&changed).to_string();
        assert!(without_crystal.ends_with("has 636 crystals, 635 are evaluated"), "{without_crystal}");

        let mut changed = whole.clone();
        changed.folds[0].outcomes[1].material_id = "mb-jdft2d-637".to_owned();
        assert!(matches!(reason(&changed), Incomplete::Identifier { .. }));
        changed.folds[0].outcomes[1].material_id = "mb-jdft2d-001".to_owned();
        assert!(matches!(reason(&changed), Incomplete::Identifier { .. }), "twice");

        let mut changed = whole.clone();
        changed.matbench.as_mut().expect("it is there").dataset = "matbench_steels".to_owned();
        assert!(matches!(reason(&changed), Incomplete::Dataset { .. }));
        changed.matbench = None;
        assert_eq!(record(&changed), None);
    }
}
