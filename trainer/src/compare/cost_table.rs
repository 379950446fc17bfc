//! Costs beside the errors, as Markdown for people and CSV for programs. They are apart from the tables of errors,
//! which are the same whenever a comparison is repeated.

use schemas::text::{cell, markdown as escaped};

use super::cost::Cost;
use super::table::{MISSING, Markdown, csv_text, fields_of, heading, row_start, score_text};
use super::view::{Entry, Row, RowKind, View};
use crate::report::number::grouped;

/// Columns of the CSV with errors on test parts, and with other scores.
const FIELDS: [&str; 9] =
    ["model", "fraction", "task", "unit", "mae", "parameters", "minutes", "crystals_per_second", "device"];
const SCORE_FIELDS: [&str; 11] = [
    "model",
    "fraction",
    "task",
    "part",
    "metric",
    "unit",
    "score",
    "parameters",
    "minutes",
    "crystals_per_second",
    "device",
];

/// Returns the measured models of a view with their costs; `None` if no cost is known.
fn rows(view: &View) -> Option<Vec<&Row>> {
    let is_known = |row: &&Row| row.entries.iter().any(|entry| cost(entry).is_some());
    let rows: Vec<&Row> = view.rows.iter().filter(|row| row.kind == RowKind::Ours).filter(is_known).collect();
    (!rows.is_empty()).then_some(rows)
}

fn cost(entry: &Entry) -> Option<Cost> {
    entry.ours?.cost
}

/// Returns the costs as a Markdown table; `None` if no cost is known. Each task has columns for the error, the minutes
/// and the speed.
pub fn markdown(view: &View) -> Option<String> {
    let rows = rows(view)?;
    let mut headings = vec!["Parameters".to_owned()];
    let ranking = view.ranking();
    for column in view.columns.iter().filter(|column| column.part == ranking) {
        let task = escaped(&view.task_name(column));
        let score = heading(view, column);
        headings.extend([score, format!("{task} [min]"), format!("{task} [crystals/s]")]);
    }
    let mut table = Markdown::begin(&format!("{}: costs", escaped(&view.title)), view, headings);
    for row in rows {
        let mut cells = row_start(view, row);
        let parameters = row.entries.iter().find_map(|entry| Some(cost(entry)?.parameters));
        cells.push(parameters.map_or_else(|| MISSING.to_owned(), |count| grouped(count as usize)));
        let entries = row.entries.iter().zip(&view.columns);
        for (entry, _) in entries.filter(|(_, column)| column.part == ranking) {
            cells.push(entry.ours.map_or_else(|| MISSING.to_owned(), score_text));
            let (minutes, speed) = match cost(entry) {
                None => (MISSING.to_owned(), MISSING.to_owned()),
                Some(Cost { minutes, crystals_per_second, on_gpu, .. }) => {
                    let device = if on_gpu { " (GPU)" } else { "" };
                    (format!("{minutes:.1}{device}"), format!("{crystals_per_second:.0}"))
                }
            };
            cells.extend([minutes, speed]);
        }
        table.push_row(&cells);
    }
    table.text.push_str(
        "\nMinutes are those of all folds and seeds together, with validation, of the CPU unless it says GPU. \
         Pre-training is not counted.\n",
    );
    Some(table.text)
}

/// Returns the costs as CSV, one line per model, share and task; `None` if no cost is known.
pub fn csv(view: &View) -> Option<String> {
    let is_plain = view.is_of_test_errors();
    let mut records = Vec::new();
    for row in rows(view)? {
        for (column, entry) in view.columns.iter().zip(&row.entries) {
            let (Some(score), Some(cost)) = (entry.ours, cost(entry)) else { continue };
            let mut record = vec![cell(&row.label).into_owned()];
            record.extend(fields_of(column, row, is_plain));
            record.extend([
                score.mean.to_string(),
                cost.parameters.to_string(),
                cost.minutes.to_string(),
                cost.crystals_per_second.to_string(),
                if cost.on_gpu { "GPU" } else { "CPU" }.to_owned(),
            ]);
            records.push(record);
        }
    }
    Some(csv_text(if is_plain { &FIELDS } else { &SCORE_FIELDS }, records))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::example::{labels, models};

    #[test]
    fn costs_stand_beside_errors() {
        let expected = "\
# Two tasks \\| test: costs

| Model | Parameters | jdft2d [meV/atom] | jdft2d [min] | jdft2d [crystals/s] | gap [eV] | gap [min] | gap [crystals/s] |
| :-- | --: | --: | --: | --: | --: | --: | --: |
| MMPT | 74,497 | 43.38 ± 8.13 | 12.5 | 431 | - | - | - |

Minutes are those of all folds and seeds together, with validation, of the CPU unless it says GPU. Pre-training \
is not counted.
";
        assert_eq!(markdown(&models()).as_deref(), Some(expected));
        let expected = "\
model,fraction,task,unit,mae,parameters,minutes,crystals_per_second,device
MMPT,1,jdft2d,meV/atom,43.3849,74497,12.5,431.25,CPU
";
        assert_eq!(csv(&models()).as_deref(), Some(expected));
    }

    #[test]
    fn costs_are_those_of_a_share_of_all_crystals() {
        let mut view = models();
        view.columns[0].fraction = 0.7;
        view.rows.iter_mut().for_each(|row| row.fraction = 0.1);
        let text = markdown(&view).expect("a cost is known");
        assert!(text.contains(" | jdft2d, 7 % of the labels [min] | "), "{text}");
        let text = csv(&view).expect("a cost is known");
        assert!(text.contains("\nMMPT,0.07,jdft2d,"), "{text}");
    }

    #[test]
    fn costs_that_are_not_known_make_no_table() {
        assert_eq!((markdown(&labels()), csv(&labels())), (None, None));
    }
}
