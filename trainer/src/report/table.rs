//! `predictions.csv`: the predictions for all test crystals, or for all their sites.

use std::path::Path;

use schemas::bounded;
use schemas::text::cell;

use super::Evaluation;
use super::error::ReportError;
use crate::atomic;

/// Name of the file in the folder of an evaluation.
pub(super) const FILE: &str = "predictions.csv";

/// Columns of the table.
const COLUMNS: [&str; 11] = [
    "material_id",
    "formula",
    "property",
    "unit",
    "fold",
    "target",
    "prediction",
    "deviation",
    "lower_90",
    "upper_90",
    "domain_distance",
];
/// Numbers of columns that tables of earlier versions have.
const EARLIER_COLUMNS: [usize; 2] = [8, 10];
/// Further columns of a table of sites, and the number of columns before them.
const SITE_COLUMNS: [&str; 2] = ["site", "element"];
const BEFORE_SITE: usize = 2;

/// Whether a file begins like this table.
pub(super) fn is_own(path: &Path) -> bool {
    let begins =
        |columns: &[&str]| bounded::begins_with(path, (columns.join(",") + "\n").as_bytes()).unwrap_or(false);
    begins(&COLUMNS)
        || begins(&site_columns())
        || EARLIER_COLUMNS.iter().any(|&count| begins(&COLUMNS[..count]))
}

/// Returns the columns of a table of sites.
fn site_columns() -> Vec<&'static str> {
    let (before, after) = COLUMNS.split_at(BEFORE_SITE);
    [before, &SITE_COLUMNS, after].concat()
}

/// Writes a row for every crystal or site, in the order of the evaluations, of their folds and of these folds' crystals.
/// `unit` is the unit of the target; `site` counts from 0 in the order of the store; `deviation` is empty for a single
/// model, the ends of the interval if there is none, the distance without a record of the training crystals. Texts are
/// escaped so that a spreadsheet does not take them for formulas ([`cell`]). Numbers read back to the same doubles.
pub(super) fn write(path: &Path, evaluations: &[Evaluation]) -> Result<(), ReportError> {
    atomic::write(path, |out| {
        let mut table = csv::Writer::from_writer(out);
        let of_sites = evaluations.iter().any(Evaluation::is_of_sites);
        table.write_record(if of_sites { site_columns() } else { COLUMNS.to_vec() })?;
        let folds = evaluations
            .iter()
            .flat_map(|evaluation| evaluation.folds.iter().map(move |fold| (evaluation, fold)));
        for (evaluation, fold) in folds {
            for outcome in &fold.outcomes {
                let shown = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
                let end = |sign: f64| {
                    evaluation.interval.map(|interval| outcome.prediction + sign * interval.half_width)
                };
                let (id, formula) = (cell(&outcome.material_id), cell(&outcome.formula));
                [id, formula].iter().try_for_each(|text| table.write_field(text.as_bytes()))?;
                if let Some(site) = outcome.site {
                    table.write_field(site.to_string())?;
                    table.write_field(outcome.elements.concat())?;
                }
                table.write_record([
                    &*cell(&evaluation.property),
                    &cell(&evaluation.unit),
                    &cell(&fold.name),
                    &outcome.target.to_string(),
                    &outcome.prediction.to_string(),
                    &shown(outcome.deviation),
                    &shown(end(-1.0)),
                    &shown(end(1.0)),
                    &shown(outcome.domain_distance),
                ])?;
            }
        }
        table.flush()
    })
    .map_err(ReportError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{evaluation, outcome};
    use crate::report::interval::Interval;

    #[test]
    fn every_site_has_a_line() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(FILE);
        let mut evaluation =
            evaluation(vec![outcome("a", 0.5, 0.25, &["Cs"]), outcome("a", -0.5, -1.0, &["Cl"])]);
        for (site, outcome) in evaluation.folds[0].outcomes.iter_mut().enumerate() {
            outcome.site = Some(site);
            outcome.formula = "CsCl".to_owned();
        }
        assert_eq!(evaluation.folds[0].crystals(), 1);
        write(&path, &[evaluation]).expect("it is writable");
        assert!(is_own(&path));
        let text = std::fs::read_to_string(&path).expect("it is text");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("material_id,formula,site,element,property,unit,"), "{text}");
        assert_eq!(
            lines[1..],
            ["a,CsCl,0,Cs,band gap,eV,split,0.5,0.25,,,,", "a,CsCl,1,Cl,band gap,eV,split,-0.5,-1,,,,"]
        );
    }

    #[test]
    fn every_crystal_has_a_line() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(FILE);
        let mut evaluation =
            evaluation(vec![outcome("a,\"b\"", 0.1, 1e-7, &["O"]), outcome("=c+1", -3.0, 0.0, &["O"])]);
        evaluation.folds[0].outcomes[1].deviation = Some(0.25);
        evaluation.folds[0].outcomes[1].domain_distance = Some(1.5);
        evaluation.interval = Some(Interval { half_width: 0.5, crystals: 9 });
        write(&path, &[evaluation]).expect("it is writable");
        assert_eq!(
            std::fs::read_to_string(&path).expect("it is text"),
            "material_id,formula,property,unit,fold,target,prediction,deviation,lower_90,upper_90,domain_distance\n\
             \"a,\"\"b\"\"\",O,band gap,eV,split,0.1,0.0000001,,-0.4999999,0.5000001,\n\
             '=c+1,O,band gap,eV,split,-3,0,0.25,-0.5,0.5,1.5\n"
        );
    }
}
