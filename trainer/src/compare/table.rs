//! Views as Markdown for people and CSV for programs.

use std::fmt::Write;

use schemas::text::{cell, markdown as escaped};

use super::results::Score;
use super::share::percent;
use super::view::{Cited, Column, Entry, Row, RowKind, View};
use crate::report::number::Format;
use crate::report::part::Part;

/// Stands for a missing number.
pub(super) const MISSING: &str = "-";
/// Marks a published number or model.
pub(super) const PUBLISHED: &str = "(published)";
/// Marks the score of settings that a search has chosen.
pub(super) const CHOSEN: &str = "(chosen)";
/// Columns of the CSV of errors on test parts.
const FIELDS: [&str; 11] =
    ["model", "kind", "fraction", "task", "unit", "mae", "std", "folds", "seeds", "published", "source"];
/// Columns of the CSV of other scores.
const SCORE_FIELDS: [&str; 14] = [
    "model",
    "kind",
    "fraction",
    "task",
    "part",
    "metric",
    "unit",
    "score",
    "std",
    "folds",
    "seeds",
    "chosen",
    "published",
    "source",
];

/// Returns the view as a Markdown table with notes below it. Each task has a column of measured numbers and, for the test
/// parts, one of published numbers.
pub fn markdown(view: &View) -> String {
    let mut headings = Vec::new();
    for column in &view.columns {
        headings.push(heading(view, column));
        if column.part == Part::Test {
            headings.push(format!("{} {PUBLISHED}", escaped(&view.task_name(column))));
        }
    }
    let mut table = Markdown::begin(&escaped(&view.title), view, headings);
    let best = best(view);
    for row in &view.rows {
        let mut cells = row_start(view, row);
        for ((entry, column), best) in row.entries.iter().zip(&view.columns).zip(&best) {
            cells.push(ours(row, entry, column, *best));
            if column.part == Part::Test {
                cells.push(entry.published.as_ref().map(|cited| cited.score.to_string()).unwrap_or_default());
            }
        }
        table.push_row(&cells);
    }
    push_notes(&mut table.text, view);
    table.text
}

/// A page with a Markdown table while it is written.
pub(super) struct Markdown {
    pub(super) text: String,
}

impl Markdown {
    /// Begins a page with its title, the headings of [`row_start`] and further ones, and the alignment: those of
    /// [`row_start`] are texts, the others numbers.
    pub(super) fn begin(title: &str, view: &View, headings: Vec<String>) -> Self {
        let mut page = Self { text: format!("# {title}\n\n") };
        let mut header = vec!["Model".to_owned()];
        if view.several_fractions {
            header.push("Labels".to_owned());
        }
        let mut alignment = vec![":--".to_owned(); header.len()];
        alignment.resize(header.len() + headings.len(), "--:".to_owned());
        header.extend(headings);
        page.push_row(&header);
        page.push_row(&alignment);
        page
    }

    /// Appends a row.
    pub(super) fn push_row(&mut self, cells: &[String]) {
        // Writing to a text cannot fail.
        let _ = writeln!(self.text, "| {} |", cells.join(" | "));
    }
}

/// Returns the first cells of a row of a Markdown table: the model and, if the shares of the labels differ, its share.
pub(super) fn row_start(view: &View, row: &Row) -> Vec<String> {
    let mut cells = vec![model(row)];
    if view.several_fractions {
        cells.push(percent(row.fraction));
    }
    cells
}

/// Appends the notes.
fn push_notes(text: &mut String, view: &View) {
    let measured = match view.is_of_test_errors() {
        true => "Mean absolute error on the test parts".to_owned(),
        false => measured(view),
    };
    let best = if view.is_of_test_errors() { "lowest" } else { "best" };
    let _ = writeln!(
        text,
        "\n{measured}: mean ± population standard deviation over the folds, if there are several; the predictions \
         of several seeds are averaged first. Bold: the {best} of ours."
    );
    if let Some(ranking) = ranking(view) {
        let _ = writeln!(text, "\n{ranking}");
    }
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

/// Returns what the columns of a view hold.
fn measured(view: &View) -> String {
    let is_of =
        |of_classes: bool| view.columns.iter().any(|column| column.metric.is_of_classes() == of_classes);
    let scores = match (is_of(false), is_of(true)) {
        (true, false) => "Mean absolute error",
        (false, _) => "Score of classes (better the higher)",
        (true, true) => {
            "Mean absolute error or, where the column names it, score of classes (better the higher)"
        }
    };
    let part = view.ranking();
    if view.is_search() { scores.to_owned() } else { format!("{scores} on the {part} parts") }
}

/// Returns how the rows are ranked, where validation parts do it.
fn ranking(view: &View) -> Option<&'static str> {
    match (view.ranking(), view.is_search()) {
        (Part::Test, _) => None,
        (Part::Validation, false) => Some("Ranked by the validation parts. Nothing was tested."),
        (Part::Validation, true) => Some(
            "Ranked by the validation parts. Of the searched settings of a model, those with the best score there are \
             marked as chosen for the task, and they alone were tested.",
        ),
    }
}

/// Returns the heading of a column of measured numbers, with the part where it is not the test part alone.
pub(super) fn heading(view: &View, column: &Column) -> String {
    let (name, brackets) = (view.task_name(column), column.brackets());
    let part = if view.ranking() == Part::Test { String::new() } else { format!(", {}", column.part) };
    format!("{}{}{part}", escaped(&name), escaped(&brackets))
}

/// Returns the best measured score of each column, if there are several.
fn best(view: &View) -> Vec<Option<f64>> {
    let of_column = |(index, column): (usize, &Column)| {
        let ours = view.rows.iter().filter(|row| row.kind == RowKind::Ours);
        let scores: Vec<f64> = ours.filter_map(|row| Some(row.entries.get(index)?.ours?.mean)).collect();
        let best = scores.iter().copied().min_by(|left, right| column.metric.compare(*left, *right));
        best.filter(|_| scores.len() > 1)
    };
    view.columns.iter().enumerate().map(of_column).collect()
}

fn model(row: &Row) -> String {
    let label = escaped(&row.label);
    if row.kind == RowKind::Published { format!("{label} {PUBLISHED}") } else { label }
}

/// Returns the text of a measured number.
fn ours(row: &Row, entry: &Entry, column: &Column, best: Option<f64>) -> String {
    let Some(score) = entry.ours else { return MISSING.to_owned() };
    let text = score_text(score);
    let is_best = row.kind == RowKind::Ours && best == Some(score.mean);
    let text = if is_best { format!("**{text}**") } else { text };
    if is_marked(entry, column) { format!("{text} {CHOSEN}") } else { text }
}

/// Whether an entry is the score by which a search has chosen its settings.
pub(super) fn is_marked(entry: &Entry, column: &Column) -> bool {
    entry.is_chosen && column.part == Part::Validation
}

/// Formats a score with four significant digits, and its deviation with the same number of decimals.
pub(super) fn score_text(score: Score) -> String {
    let format = Format::of(score.mean);
    let mean = format.write(score.mean);
    score.std.map_or_else(|| mean.clone(), |std| format!("{mean} ± {}", format.write(std)))
}

/// Returns the view as CSV, one line per model, share, task and part. Numbers have all digits and are empty if missing.
/// Shares are those of all training crystals.
/// Texts are escaped so that a spreadsheet does not take them for formulas ([`cell`]).
pub fn csv(view: &View) -> String {
    let is_plain = view.is_of_test_errors();
    let mut records = Vec::new();
    for row in &view.rows {
        for (column, entry) in view.columns.iter().zip(&row.entries) {
            let mut record = vec![cell(&row.label).into_owned(), kind(row.kind).to_owned()];
            record.extend(fields_of(column, row, is_plain));
            let ours = |field: fn(Score) -> String| entry.ours.map(field).unwrap_or_default();
            record.extend([
                ours(|score| score.mean.to_string()),
                ours(|score| score.std.map(|std| std.to_string()).unwrap_or_default()),
                ours(|score| score.folds.to_string()),
                ours(|score| score.seeds.to_string()),
            ]);
            if !is_plain {
                record.push(entry.is_chosen.to_string());
            }
            let published =
                |field: fn(&Cited) -> String| entry.published.as_ref().map(field).unwrap_or_default();
            record.extend([
                published(|cited| cited.score.to_string()),
                published(|cited| cell(&format!("{}: {}", cited.model, cited.source)).into_owned()),
            ]);
            records.push(record);
        }
    }
    csv_text(if is_plain { &FIELDS } else { &SCORE_FIELDS }, records)
}

/// Returns the values of a line of CSV that tell what a score is: share of all training crystals, task, unless all are
/// errors on test parts also part and metric, and the unit.
pub(super) fn fields_of(column: &Column, row: &Row, is_plain: bool) -> Vec<String> {
    let mut fields = vec![column.share(row.fraction).to_string(), cell(&column.task).into_owned()];
    if !is_plain {
        fields.extend([column.part.name(), column.metric.name()].map(str::to_owned));
    }
    fields.push(cell(&column.unit).into_owned());
    fields
}

/// Returns records, each with a value for every field, as CSV.
pub(super) fn csv_text(fields: &[&str], records: Vec<Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = fields.iter().map(|field| (*field).to_owned()).collect();
    for record in std::iter::once(header).chain(records) {
        writer.write_record(record).expect("every record has the same fields, and memory takes them all");
    }
    let bytes = writer.into_inner().expect("memory takes it all");
    String::from_utf8(bytes).expect("only text was written")
}

fn kind(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Ours => "ours",
        RowKind::Median => "median",
        RowKind::Commonest => "commonest",
        RowKind::Published => "published",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::example::{labels, models, search};

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

    #[test]
    fn shares_of_a_share_are_told_as_such() {
        let mut view = labels();
        view.columns[0].fraction = 0.1;
        let text = markdown(&view);
        let header = "| Model | Labels | jdft2d, of 10 % of the labels [meV/atom] | jdft2d, of 10 % of the labels \
                      (published) |\n";
        assert!(text.contains(header) && text.contains("| fresh | 7 % | "), "{text}");
        let text = csv(&view);
        assert!(
            text.contains("\nfresh,ours,0.007,jdft2d,") && text.contains("\nMMPT,ours,0.1,jdft2d,"),
            "{text}"
        );
        // Without a share in every row, the heading has the whole of it.
        let mut view = models();
        view.columns[0].fraction = 0.1;
        view.rows.iter_mut().for_each(|row| row.fraction = 0.7);
        let text = markdown(&view);
        assert!(text.contains("| Model | jdft2d, 7 % of the labels [meV/atom] | "), "{text}");
    }

    #[test]
    fn a_search_marks_what_it_has_chosen_and_tested() {
        let expected = "\
# Search

| Model | gap [eV], validation | gap [eV], test | gap (published) | metal [ROC-AUC], validation | metal [ROC-AUC], test | metal (published) |
| :-- | --: | --: | --: | --: | --: | --: |
| MMPT, learning_rate=1e-4 | 0.5000 | - |  | **0.9000** (chosen) | 0.8500 |  |
| MMPT, learning_rate=1e-3 | **0.2500** (chosen) | 0.3000 |  | 0.8000 | - |  |
| Median of the training part | 1.000 | 1.250 |  | - | - |  |
| Commonest training class | - | - |  | 0.5000 | 0.5000 |  |
| coGN (published) | - | - |  | - | - | 0.9124 |

Mean absolute error or, where the column names it, score of classes (better the higher): mean ± population standard \
deviation over the folds, if there are several; the predictions of several seeds are averaged first. Bold: the best of \
ours.

Ranked by the validation parts. Of the searched settings of a model, those with the best score there are marked as \
chosen for the task, and they alone were tested.

Published by others, not measured here:

- coGN: leaderboard
";
        assert_eq!(markdown(&search()), expected);
        let csv = csv(&search());
        let lines: Vec<&str> = csv.lines().take(4).collect();
        let expected = [
            "model,kind,fraction,task,part,metric,unit,score,std,folds,seeds,chosen,published,source",
            "\"MMPT, learning_rate=1e-4\",ours,1,gap,validation,mae,eV,0.5,,1,1,false,,",
            "\"MMPT, learning_rate=1e-4\",ours,1,gap,test,mae,eV,,,,,false,,",
            "\"MMPT, learning_rate=1e-4\",ours,1,metal,validation,roc_auc,1,0.9,,1,1,true,,",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_table_of_validation_parts_says_that_nothing_was_tested() {
        let mut view = search();
        view.columns.retain(|column| column.part == Part::Validation && !column.metric.is_of_classes());
        view.rows.truncate(2);
        view.rows.iter_mut().for_each(|row| row.entries.truncate(1));
        let text = markdown(&view);
        assert!(text.contains("| Model | gap [eV], validation |\n"), "{text}");
        assert!(text.contains("\nMean absolute error on the validation parts: mean ±"), "{text}");
        assert!(text.contains("\nRanked by the validation parts. Nothing was tested.\n"), "{text}");
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
