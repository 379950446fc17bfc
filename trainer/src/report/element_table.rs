//! Errors by element as the periodic table, and as a list.

use crystal::element::SYMBOLS;
use etl::chart::{ElementCell, ShadeLegend, periodic_table, step_of_share};
use maud::{Markup, html};

use super::Evaluation;
use super::elements::{ElementError, by_element};
use super::number::{Format, counted, grouped};
use crate::unit;

/// Number of columns of the list.
const COLUMNS: usize = 3;
/// Largest number of digits of an error in a cell.
const CELL_DIGITS: usize = 3;

/// Returns the section of errors by element; nothing if the crystals have no elements. `mae` is the mean absolute error of
/// all.
pub(super) fn section(evaluation: &Evaluation, mae: f64) -> Markup {
    let errors = by_element(evaluation);
    let format = Format::of(mae);
    html! {
        @if !errors.is_empty() {
            section {
                h2 { "Error by element" }
                p {
                    "Mean absolute error over the " @if evaluation.is_of_sites() { "sites of" } @else { "crystals that hold" }
                    " the element"
                    (unit::shown(", in ", &evaluation.unit, "")) ". The list below has their numbers."
                }
                figure class="wide" { (table(&errors, format, evaluation)) }
                details {
                    summary { "List of the elements" }
                    p {
                        "The commonest first. Bias is the mean of predicted − known. Shaded: the largest errors among "
                        "elements of ten " (evaluation.noun()) "s or more."
                    }
                    (list(&errors, format, evaluation.noun()))
                }
            }
        }
    }
}

/// Returns the periodic table, shaded by the error in proportion to the largest one.
fn table(errors: &[ElementError], format: Format, evaluation: &Evaluation) -> Markup {
    let (largest, unit, noun) = (largest(errors), evaluation.unit.as_str(), evaluation.noun());
    let legend = ShadeLegend {
        name: format!("mean absolute error{}", unit::shown(", ", unit, "")),
        marks: ["–".to_owned(), "0".to_owned(), format.write(largest)],
    };
    let cell = |error: &ElementError| ElementCell {
        step: step_of_share(if largest > 0.0 { error.mae / largest } else { 0.0 }),
        value: short(error.mae),
        about: format!(
            "{}, mean absolute error {}{}, bias {}",
            counted(error.count, noun),
            format.write(error.mae),
            unit::shown(" ", unit, ""),
            format.write_signed(error.bias)
        ),
    };
    periodic_table(
        &format!("Periodic table: mean absolute error of the {noun}s of each element"),
        &legend,
        |z| {
            let symbol = SYMBOLS.get(z).copied().unwrap_or_default();
            let error = errors.iter().find(|error| error.symbol == symbol);
            error.map_or_else(|| ElementCell { about: format!("no {noun}"), ..ElementCell::default() }, cell)
        },
    )
}

/// Returns the list of the elements in columns.
fn list(errors: &[ElementError], format: Format, noun: &str) -> Markup {
    let largest = largest(errors);
    let row = |element: &ElementError| {
        let share = if largest > 0.0 { 100.0 * element.mae / largest } else { 0.0 };
        html! {
            tr class=[element.worst.then_some("bad")] {
                td { (element.symbol) } td { (grouped(element.count)) } td { (format.write(element.mae)) }
                td class="meter" { div style=(format!("width:{share:.1}%")) {} }
                td { (format.write_signed(element.bias)) }
            }
        }
    };
    html! {
        div class="columns" {
            @for part in errors.chunks(errors.len().div_ceil(COLUMNS).max(1)) {
                table {
                    thead { tr { th {} th { (noun) "s" } th { "MAE" } th {} th { "bias" } } }
                    tbody { @for element in part { (row(element)) } }
                }
            }
        }
    }
}

fn largest(errors: &[ElementError]) -> f64 {
    errors.iter().map(|element| element.mae).fold(0.0, f64::max)
}

/// Formats an error in at most five characters: `0.12`, `1.23`, `45.6`, `789`, `2e-05`.
fn short(error: f64) -> String {
    let whole = error.abs().log10().floor();
    match whole {
        _ if error == 0.0 => "0".to_owned(),
        whole if !(-2.0..4.0).contains(&whole) => format!("{error:.0e}"),
        whole => format!("{error:.*}", (CELL_DIGITS - 1).saturating_sub(whole.max(0.0) as usize)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{evaluation, jdft2d, outcome};

    #[test]
    fn every_element_has_its_error_in_its_cell() {
        let evaluation = evaluation(vec![
            outcome("a", 1.0, 3.0, &["O", "Ti"]),
            outcome("b", 1.0, 0.5, &["Si"]),
            outcome("c", 5.0, 5.0, &["Si"]),
        ]);
        let section = section(&evaluation, 0.8333).into_string();
        assert!(section.contains("<title>Ti (22): 1 crystal, mean absolute error 2.0000 eV, bias +2.0000<"));
        assert!(section.contains("<title>Si (14): 2 crystals, mean absolute error 0.2500 eV, bias −0.2500<"));
        assert!(section.contains("<title>Fe (26): no crystal<"), "{section}");
        assert_eq!(section.matches("class=\"value\"").count(), 3);
        assert_eq!(section.matches("class=\"cell h9\"").count(), 3, "O, Ti and the legend");
    }

    #[test]
    fn crystals_without_elements_have_no_section() {
        assert_eq!(section(&evaluation(vec![outcome("a", 1.0, 2.0, &[])]), 1.0).into_string(), "");
        assert!(section(&jdft2d(), 20.0).into_string().contains("<tr class=\"bad\">"));
    }

    #[test]
    fn errors_fit_into_a_cell() {
        for (error, text) in [
            (0.0, "0"),
            (0.123, "0.12"),
            (0.0123, "0.01"),
            (0.001_23, "1e-3"),
            (1.234, "1.23"),
            (45.64, "45.6"),
            (789.4, "789"),
            (9876.0, "9876"),
            (98_765.0, "1e5"),
        ] {
            assert_eq!(short(error), text);
        }
    }
}
