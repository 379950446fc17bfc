//! Views as Markdown for people and CSV for programs.

use std::fmt::Write;

use schemas::text::{cell, markdown as escaped};

use super::view::{Cited, Entry, Row, RowKind, Score, View, percent};
use crate::report::number::Format;
use crate::unit;

/// Stands for a missing number.
pub(super) const MISSING: &str = "-";
/// Marks a published number or model.
pub(super) const PUBLISHED: &str = "(published)";
/// Columns of the CSV.
const FIELDS: [&str; 11] =
    ["model", "kind", "fraction", "task", "unit", "mae", "std", "folds", "seeds", "published", "source"];

/// Returns the view as a Markdown table with notes below it. Each task has a column of measured and one of published
/// numbers.
pub fn markdown(view: &View) -> String {
    let mut text = format!("# {}\n\n", escaped(&view.title));
    let mut header = vec!["Model".to_owned()];
    if view.several_fractions {
        header.push("Labels".to_owned());
    }
    let first = header.len();
    for column in &view.columns {
        let task = escaped(&column.task);
        header.push(format!("{task}{}", escaped(&unit::shown(" [", &column.unit, "]"))));
        header.push(format!("{task} {PUBLISHED}"));
    }
    push_line(&mut text, &header);
    let alignment: Vec<String> =
        (0..header.len()).map(|index| if index < first { ":--" } else { "--:" }.to_owned()).collect();
    push_line(&mut text, &alignment);
    let best = best(view);
    for row in &view.rows {
        let mut cells = vec![model(row)];
        if view.several_fractions {
            cells.push(percent(row.fraction));
        }
        for (entry, best) in row.entries.iter().zip(&best) {
            cells.push(ours(row, entry, *best));
            cells.push(entry.published.as_ref().map(|cited| cited.mae.to_string()).unwrap_or_default());
        }
        push_line(&mut text, &cells);
    }
    push_notes(&mut text, view);
    text
}

/// Appends the notes.
fn push_notes(text: &mut String, view: &View) {
    text.push_str(
        "\nMean absolute error on the test parts: mean ± population standard deviation over the folds, if \
         there are several; the predictions of several seeds are averaged first. Bold: the lowest of ours.\n",
    );
    let entries = view.rows.iter().flat_map(|row| &row.entries);
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for Cited { model, source, .. } in entries.filter_map(|entry| entry.published.as_ref()) {
        if !seen.contains(&(model, source)) {
            seen.push((model, source));
        }
    }
    if !seen.is_empty() {
        text.push_str("\nPublished by others, not measured here:\n\n");
    }
    for (model, source) in seen {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "- {}: {}", escaped(model), escaped(source));
    }
}

/// Returns the lowest measured error of each task, if there are several.
fn best(view: &View) -> Vec<Option<f64>> {
    let of_task = |index: usize| {
        let ours = view.rows.iter().filter(|row| row.kind == RowKind::Ours);
        let errors: Vec<f64> = ours.filter_map(|row| Some(row.entries.get(index)?.ours?.mean)).collect();
        errors.iter().copied().min_by(f64::total_cmp).filter(|_| errors.len() > 1)
    };
    (0..view.columns.len()).map(of_task).collect()
}

pub(super) fn model(row: &Row) -> String {
    let label = escaped(&row.label);
    if row.kind == RowKind::Published { format!("{label} {PUBLISHED}") } else { label }
}

/// Returns the text of a measured number.
fn ours(row: &Row, entry: &Entry, best: Option<f64>) -> String {
    let Some(score) = entry.ours else { return MISSING.to_owned() };
    let text = score_text(score);
    if row.kind == RowKind::Ours && best == Some(score.mean) { format!("**{text}**") } else { text }
}

/// Formats a score with four significant digits, and its deviation with the same number of decimals.
pub(super) fn score_text(score: Score) -> String {
    let format = Format::of(score.mean);
    let mean = format.write(score.mean);
    score.std.map_or_else(|| mean.clone(), |std| format!("{mean} ± {}", format.write(std)))
}

pub(super) fn push_line(text: &mut String, cells: &[String]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// Returns the view as CSV, one line per model, share and task. Numbers have all digits and are empty if missing.
/// Texts are escaped so that a spreadsheet does not take them for formulas ([`cell`]).
pub fn csv(view: &View) -> String {
    let mut records = vec![FIELDS.map(str::to_owned)];
    for row in &view.rows {
        for (column, entry) in view.columns.iter().zip(&row.entries) {
            let ours = |field: fn(Score) -> String| entry.ours.map(field).unwrap_or_default();
            let published =
                |field: fn(&Cited) -> String| entry.published.as_ref().map(field).unwrap_or_default();
            records.push([
                cell(&row.label).into_owned(),
                kind(row.kind).to_owned(),
                row.fraction.to_string(),
                cell(&column.task).into_owned(),
                cell(&column.unit).into_owned(),
                ours(|score| score.mean.to_string()),
                ours(|score| score.std.map(|std| std.to_string()).unwrap_or_default()),
                ours(|score| score.folds.to_string()),
                ours(|score| score.seeds.to_string()),
                published(|cited| cited.mae.to_string()),
                published(|cited| cell(&format!("{}: {}", cited.model, cited.source)).into_owned()),
            ]);
        }
    }
    csv_text(records)
}

/// Returns records as CSV.
pub(super) fn csv_text<const FIELDS: usize>(records: Vec<[String; FIELDS]>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in records {
        writer.write_record(record).expect("every record has the same fields, and memory takes them all");
    }
    let bytes = writer.into_inner().expect("memory takes it all");
    String::from_utf8(bytes).expect("only text was written")
}

fn kind(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Ours => "ours",
        RowKind::Median => "median",
        RowKind::Published => "published",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::example::{labels, models};

    #[test]
    fn models_make_a_table() {
        let expected = "\
# Two tasks \\| test

| Model | jdft2d [meV/atom] | jdft2d (published) | gap [eV] | gap (published) |
| :-- | --: | --: | --: | --: |
| fresh | 48.96 ± 9.50 | 49.02 | **0.2500** |  |
| MMPT | **43.38 ± 8.13** | 38.21 | - |  |
| Median of the training part | 67.29 ± 10.00 | 67.29 | 1.000 |  |
| coGN (published) | - | 37.17 | - |  |

Mean absolute error on the test parts: mean ± population standard deviation over the folds, if there are \
several; the predictions of several seeds are averaged first. Bold: the lowest of ours.

Published by others, not measured here:

- DimeNet++: leaderboard
- MMPT: the paper
- dummy: leaderboard
- coGN: leaderboard
";
        // One model alone is not the best of anything.
        assert_eq!(markdown(&models()), expected.replace("**0.2500**", "0.2500"));
    }

    #[test]
    fn shares_make_a_table() {
        let text = markdown(&labels());
        let lines: Vec<&str> = text.lines().skip(2).take(6).collect();
        let expected = [
            "| Model | Labels | jdft2d [meV/atom] | jdft2d (published) |",
            "| :-- | :-- | --: | --: |",
            "| fresh | 7 % | 60.00 ± 1.00 |  |",
            "| fresh | 100 % | **48.00 ± 1.00** | 45.5 |",
            "| MMPT | 7 % | 50.00 ± 1.00 |  |",
            "| MMPT | 100 % | **48.00 ± 1.00** |  |",
        ];
        assert_eq!(lines, expected);
    }

    /// Labels and sources come from a grid, which may be another person's.
    #[test]
    fn texts_stay_texts() {
        let mut view = models();
        view.title = "a\u{202e}b\n<script>".to_owned();
        view.rows[0].label = "=1+1|\u{1b}[2J".to_owned();
        let text = markdown(&view);
        assert!(text.starts_with("# a\\\\u{202e}b\\\\n\\<script>\n\n"), "{text}");
        assert!(text.contains("| =1+1\\|\\\\u{1b}[2J | "), "{text}");
        assert!(csv(&view).contains("\n'=1+1|"), "{}", csv(&view));
    }

    #[test]
    fn programs_get_all_digits() {
        let expected = "\
model,kind,fraction,task,unit,mae,std,folds,seeds,published,source
fresh,ours,1,jdft2d,meV/atom,48.9612,9.5,5,1,49.02,DimeNet++: leaderboard
fresh,ours,1,gap,eV,0.25,,1,1,,
MMPT,ours,1,jdft2d,meV/atom,43.3849,8.13,5,1,38.21,MMPT: the paper
MMPT,ours,1,gap,eV,,,,,,
Median of the training part,median,1,jdft2d,meV/atom,67.2851,10,5,1,67.29,dummy: leaderboard
Median of the training part,median,1,gap,eV,1,,1,1,,
coGN,published,1,jdft2d,meV/atom,,,,,37.17,coGN: leaderboard
coGN,published,1,gap,eV,,,,,,
";
        assert_eq!(csv(&models()), expected);
    }
}
