//! Errors by the distance of crystals from the training crystals.

use maud::{Markup, html};

use super::number::grouped;
use crate::statistics::mean;

/// Number of groups of the same size.
const GROUPS: usize = 5;

/// A test crystal with its error and where it lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PlacedError {
    /// Distance from the training crystals, 1 for a usual one among the others; `None` without a record of them.
    pub(super) distance: Option<f64>,
    /// Whether it holds an element that no training crystal holds.
    pub(super) has_unseen_element: bool,
    /// Absolute error in the unit of the target, or 1 for a wrong class and 0 for the right one.
    pub(super) error: f64,
}

/// Error over test crystals that lie as far from the training crystals.
#[derive(Debug, Clone, PartialEq)]
struct DomainError {
    /// Smallest and largest domain distance; `None` for the crystals with unseen elements, wherever they lie.
    distances: Option<(f64, f64)>,
    /// Number of test crystals.
    count: usize,
    /// Mean of the errors.
    error: f64,
}

/// Returns the errors of five groups of the same size in the order of the distance, and of the crystals with elements that no
/// training crystal holds; nothing if a crystal has no distance.
fn by_distance(errors: &[PlacedError]) -> Vec<DomainError> {
    let crystals = errors.iter().map(|crystal| Some((crystal.distance?, crystal.error)));
    let Some(mut crystals) = crystals.collect::<Option<Vec<(f64, f64)>>>() else { return Vec::new() };
    crystals.sort_by(|(left, a), (right, b)| left.total_cmp(right).then(a.total_cmp(b)));
    let size = crystals.len().div_ceil(GROUPS).max(1);
    let group = |crystals: &[(f64, f64)]| DomainError {
        distances: crystals.first().zip(crystals.last()).map(|(first, last)| (first.0, last.0)),
        count: crystals.len(),
        error: mean(crystals.iter().map(|(_, error)| *error)),
    };
    let unseen = errors.iter().filter(|crystal| crystal.has_unseen_element);
    let unseen: Vec<f64> = unseen.map(|crystal| crystal.error).collect();
    let mut groups: Vec<DomainError> = crystals.chunks(size).map(group).collect();
    if !unseen.is_empty() {
        groups.push(DomainError { distances: None, count: unseen.len(), error: mean(unseen) });
    }
    groups
}

/// What the table of errors says.
pub(super) struct DomainTable<'a> {
    /// Title of the section.
    pub(super) title: &'a str,
    /// Word for what has an error.
    pub(super) noun: &'a str,
    /// Heading of the errors.
    pub(super) heading: &'a str,
    /// Text behind what distances are.
    pub(super) note: String,
    /// Formats an error, given the largest one.
    pub(super) write: fn(error: f64, largest: f64) -> String,
}

impl DomainTable<'_> {
    /// Returns the section with the table of errors by distance; nothing without distances.
    pub(super) fn section(&self, errors: &[PlacedError]) -> Markup {
        let groups = by_distance(errors);
        let largest = groups.iter().map(|group| group.error).fold(0.0, f64::max);
        html! {
            @if !groups.is_empty() {
                section {
                    h2 { (self.title) }
                    p {
                        "Distances by the model's embedding and the composition: 1 is usual among the training crystals"
                        (self.note) "."
                    }
                    div class="scroll" {
                        table class="distances" {
                            thead { tr { th { "distance" } th { (self.noun) "s" } th { (self.heading) } th {} } }
                            tbody { @for group in &groups { (self.row(group, largest)) } }
                        }
                    }
                }
            }
        }
    }

    fn row(&self, group: &DomainError, largest: f64) -> Markup {
        let share = if largest > 0.0 { 100.0 * group.error / largest } else { 0.0 };
        html! {
            tr {
                td {
                    @match group.distances {
                        Some((first, last)) => { (format!("{first:.2} to {last:.2}")) }
                        None => { "elements that no training crystal holds" }
                    }
                }
                td { (grouped(group.count)) } td { ((self.write)(group.error, largest)) }
                td class="meter" { div style=(format!("width:{share:.1}%")) {} }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors() -> Vec<PlacedError> {
        let error = |index: usize| PlacedError {
            distance: Some(1.0 + index as f64),
            has_unseen_element: index == 9,
            error: (index / 2) as f64,
        };
        (0..10).map(error).collect()
    }

    #[test]
    fn groups_of_the_same_size_have_their_errors() {
        let mut errors = errors();
        let groups = by_distance(&errors);
        assert_eq!(
            groups.iter().map(|group| group.error).collect::<Vec<_>>(),
            [0.0, 1.0, 2.0, 3.0, 4.0, 4.0]
        );
        assert_eq!((groups[1].distances, groups[1].count), (Some((3.0, 4.0)), 2));
        assert_eq!((groups[5].distances, groups[5].count), (None, 1));
        errors[3].distance = None;
        assert!(by_distance(&errors).is_empty());
    }

    #[test]
    fn the_table_is_left_out_without_distances() {
        let write = |error: f64, largest: f64| format!("{error} of {largest}");
        let table = DomainTable {
            title: "Errors",
            noun: "crystal",
            heading: "MAE",
            note: "; in eV".to_owned(),
            write,
        };
        let section = table.section(&errors()).into_string();
        for part in
            ["3.00 to 4.00", "<td>1 of 4</td>", "width:25.0%", "; in eV.", "no training crystal holds"]
        {
            assert!(section.contains(part), "{part}: {section}");
        }
        let errors = errors().into_iter().map(|error| PlacedError { distance: None, ..error });
        assert_eq!(table.section(&errors.collect::<Vec<_>>()).into_string(), "");
    }
}
