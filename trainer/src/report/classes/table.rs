//! `predictions.csv` of classes: the probabilities of all test crystals.

use std::path::Path;

use schemas::bounded;
use schemas::text::cell;

use super::ClassEvaluation;
use crate::atomic;
use crate::report::error::ReportError;

/// Columns before those of the classes.
const COLUMNS: [&str; 8] =
    ["material_id", "formula", "property", "fold", "target", "prediction", "confidence", "deviation"];

/// Whether a file begins like this table.
pub(super) fn is_own(path: &Path) -> bool {
    bounded::begins_with(path, (COLUMNS.join(",") + ",").as_bytes()).unwrap_or(false)
}

/// Returns the name of the column with the probability of a class: what is no letter, digit or point becomes an
/// underscore. Classes whose columns would have the same name are numbered.
pub fn probability_columns(classes: &[String]) -> Vec<String> {
    let plain = |class: &String| -> String {
        class.chars().map(|c| if c.is_alphanumeric() || c == '.' { c } else { '_' }).collect()
    };
    let names: Vec<String> = classes.iter().map(|class| format!("probability_{}", plain(class))).collect();
    let numbered = |(index, name): (usize, &String)| {
        let is_shared = names.iter().filter(|other| *other == name).count() > 1;
        if is_shared { format!("{name}_{index}") } else { name.clone() }
    };
    names.iter().enumerate().map(numbered).collect()
}

/// Writes a row for every crystal, in the order of the folds and of their crystals. `confidence` is the probability of the
/// predicted class, `deviation` its standard deviation over the ensemble. Texts are escaped so that a spreadsheet does not
/// take them for formulas ([`cell`]).
pub(super) fn write(path: &Path, evaluation: &ClassEvaluation) -> Result<(), ReportError> {
    atomic::write(path, |out| {
        let mut table = csv::Writer::from_writer(out);
        let names = COLUMNS.map(str::to_owned).into_iter().chain(probability_columns(&evaluation.classes));
        table.write_record(names)?;
        for fold in &evaluation.folds {
            for outcome in &fold.outcomes {
                let texts = [
                    &*outcome.material_id,
                    &outcome.formula,
                    &evaluation.property,
                    &fold.name,
                    evaluation.class(outcome.target),
                    evaluation.class(outcome.predicted()),
                ];
                let numbers = [Some(outcome.confidence()), outcome.deviation];
                let numbers = numbers.into_iter().chain(outcome.probabilities.iter().copied().map(Some));
                let numbers =
                    numbers.map(|number| number.map(|number| number.to_string()).unwrap_or_default());
                table.write_record(texts.into_iter().map(|text| cell(text).into_owned()).chain(numbers))?;
            }
        }
        table.flush()
    })
    .map_err(ReportError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::classes::example::evaluation;

    #[test]
    fn every_crystal_has_a_line() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("predictions.csv");
        let mut evaluation = evaluation();
        evaluation.classes[1] = "=metal".to_owned();
        evaluation.folds.truncate(1);
        evaluation.folds[0].outcomes.truncate(2);
        evaluation.folds[0].outcomes[0].deviation = Some(0.125);
        write(&path, &evaluation).expect("it is writable");
        assert_eq!(
            std::fs::read_to_string(&path).expect("it is text"),
            "material_id,formula,property,fold,target,prediction,confidence,deviation,probability_0,probability__metal\n\
             a,NaCl,is_metal,fold-0,0,0,0.75,0.125,0.75,0.25\n\
             b,NaCl,is_metal,fold-0,'=metal,'=metal,0.75,,0.25,0.75\n"
        );
        assert!(is_own(&path));
    }

    #[test]
    fn columns_of_classes_differ() {
        let classes = ["at most 0.5", "a b", "a-b", "半"].map(str::to_owned);
        let expected =
            ["probability_at_most_0.5", "probability_a_b_1", "probability_a_b_2", "probability_半"];
        assert_eq!(probability_columns(&classes), expected);
    }
}
