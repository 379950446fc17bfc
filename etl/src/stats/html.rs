//! Statistics as an HTML page.

use crystal::number::significant;
use maud::{Markup, html};
use schemas::count::counted;
use schemas::property::title;
use schemas::settings::Neighbours;

use super::chart::Marks;
use super::number::{grouped, grouped_count, percent, size};
use super::{Distribution, PropertyStatistics, StoreStatistics, Symmetry, Tally, chart, elements};
use crate::chart::SHADES;
use crate::page;
use crate::symmetry::TOLERANCE_ANGSTROM;

/// Style of the page in addition to the common style.
const STYLE: &str = include_str!("style.css");

/// Largest number of classes whose counts are listed above their chart.
const LISTED_CLASSES: usize = 6;

/// Generator by which the page is recognised.
pub(super) const GENERATOR: &str = "etl stats";

/// Returns the complete page.
pub(super) fn page(statistics: &StoreStatistics) -> Markup {
    let main = html! {
        (composition(statistics))
        (structure(statistics))
        (directions(statistics))
        @if !statistics.properties.is_empty() { (properties(statistics)) }
        @if !statistics.classes.is_empty() { (classes(statistics)) }
        @if !statistics.splits.is_empty() || !statistics.folds.is_empty() { (splits(statistics)) }
        (entries(statistics))
    };
    let title = format!("{} · feature store", statistics.source);
    page::page(GENERATOR, &title, &[SHADES, STYLE].concat(), &header(statistics), &main)
}

fn header(statistics: &StoreStatistics) -> Markup {
    let settings = &statistics.settings;
    let occurring = statistics.elements_by_frequency().len();
    let bad = statistics.counts.rejected + statistics.counts.filtered;
    html! {
        h1 { (statistics.source) }
        p {
            @match settings.neighbours {
                Neighbours::Nearest(number) => {
                    "Nearest " (number) " neighbours within " (settings.cutoff_angstrom) " Å, ties "
                    (settings.ties.to_string())
                }
                Neighbours::All => { "All neighbours within " (settings.cutoff_angstrom) " Å" }
            }
            ", Niggli cells. " (size(statistics.bytes)) " in "
            (counted(statistics.shards, "shard")) ", written by version " (statistics.software_version) "."
        }
        div class="tiles" {
            (tile("crystals", statistics.crystals))
            (tile("atoms", statistics.sites))
            (tile("edges", statistics.edges))
            (tile("elements", occurring as u64))
            (tile("left out", bad))
        }
    }
}

fn tile(name: &str, count: u64) -> Markup {
    html! { div class="tile" { b { (grouped(count)) } span { (name) } } }
}

/// Returns a titled box with a chart.
fn card(title: &str, note: Markup, chart: Markup) -> Markup {
    html! { figure { figcaption { b { (title) } (note) } (chart) } }
}

/// Returns a titled box with the chart of a column, whose name is below the title.
fn column_card(column: &str, unit: &str, note: &Markup, chart: Markup) -> Markup {
    card(&title(column, unit), html! { p { code { (column) } } (note) }, chart)
}

fn composition(statistics: &StoreStatistics) -> Markup {
    html! {
        section {
            h2 { "Elements" }
            figure class="wide" { (elements::heat_map(&statistics.element_crystals, statistics.crystals)) }
        }
    }
}

fn structure(statistics: &StoreStatistics) -> Markup {
    html! {
        section {
            h2 { "Structures" }
            div class="cards" {
                (card("Elements per crystal", html! {}, chart::categories(&statistics.elements_per_crystal, "elements")))
                @if statistics.symmetry.crystals > 0 { (symmetry(&statistics.symmetry)) }
                (quantity("Sites per cell", "sites", &statistics.sites_per_cell))
                (quantity("Volume per atom", "Å³ per atom", &statistics.volume_per_atom))
                (quantity("Edges per atom", "edges per atom, mean of a crystal", &statistics.edges_per_atom))
                (card(
                    "Edge length",
                    html! { p { (grouped_count(statistics.edges, "edge")) } },
                    chart::histogram(&statistics.edge_lengths.trimmed(), chart::SIZE, "Å", "edges", Marks::default()),
                ))
            }
        }
    }
}

/// Returns the boxes of crystal systems and space groups.
fn symmetry(symmetry: &Symmetry) -> Markup {
    let note = html! {
        p { "of " (grouped_count(symmetry.crystals, "crystal")) ", found within " (TOLERANCE_ANGSTROM) " Å" }
    };
    html! {
        (card("Crystal systems", note.clone(), chart::categories(&symmetry.systems, "crystal system")))
        (card("Space groups", note, chart::categories(&symmetry.space_groups, "space group")))
    }
}

fn directions(statistics: &StoreStatistics) -> Markup {
    html! {
        section {
            h2 { "Direction classes of the edges" }
            div class="cards pair" {
                (card("Literal", html! { p { "sign of the image k" } }, chart::directions(&statistics.directions)))
                (card(
                    "Centred",
                    html! { p { "home cell around the atom" } },
                    chart::directions(&statistics.directions_centred),
                ))
            }
        }
    }
}

fn properties(statistics: &StoreStatistics) -> Markup {
    html! {
        section {
            h2 { "Properties" }
            div class="cards" {
                @for property in &statistics.properties {
                    @let PropertyStatistics { column, unit, description, distribution } = property;
                    @let axis = if unit == "1" { "" } else { unit.as_str() };
                    div title=(description) {
                        (column_card(column, unit, &summary(distribution), bars(axis, distribution)))
                    }
                }
            }
        }
    }
}

/// Returns the box of a quantity that every store has.
fn quantity(title: &str, axis: &str, distribution: &Distribution) -> Markup {
    card(title, summary(distribution), bars(axis, distribution))
}

/// Returns the summary of a distribution and what its histogram leaves out.
fn summary(distribution: &Distribution) -> Markup {
    let histogram = &distribution.histogram;
    html! {
        @match distribution.summary {
            None => p { "no values" },
            Some(summary) => p {
                "min " (significant(summary.min)) " · median " (significant(summary.median))
                " · mean " (significant(summary.mean)) " · max " (significant(summary.max))
            },
        }
        @if distribution.missing > 0 {
            p {
                (grouped_count(distribution.count, "value")) ", " (grouped(distribution.missing)) " missing ("
                (percent(distribution.missing, distribution.count + distribution.missing)) ")"
            }
        }
        @if distribution.zeros > 0 {
            p { (grouped(distribution.zeros)) " exactly 0 (" (percent(distribution.zeros, distribution.count)) ")" }
        }
        @if histogram.below + histogram.above > 0 {
            p { "not shown: " (grouped(histogram.below)) " below, " (grouped(histogram.above)) " above" }
        }
    }
}

/// Returns the histogram of a distribution.
fn bars(axis: &str, distribution: &Distribution) -> Markup {
    let marks = Marks { zeros: distribution.zeros, line: None };
    html! {
        @if distribution.count > 0 {
            (chart::histogram(&distribution.histogram, chart::SIZE, axis, "crystals", marks))
        }
    }
}

fn classes(statistics: &StoreStatistics) -> Markup {
    html! {
        section {
            h2 { "Classes" }
            div class="cards" {
                @for (column, tally) in &statistics.classes {
                    (column_card(column, "", &shares(tally), chart::categories(tally, "class")))
                }
            }
        }
    }
}

fn splits(statistics: &StoreStatistics) -> Markup {
    html! {
        section {
            h2 { "Splits" }
            div class="cards" {
                @for (column, tally) in &statistics.splits {
                    (column_card(column, "", &shares(tally), chart::categories(tally, "split")))
                }
                @if !statistics.folds.is_empty() {
                    (card("Test fold", shares(&statistics.folds), chart::categories(&statistics.folds, "fold")))
                }
            }
        }
    }
}

/// Returns counts and percentages in one line, or the number of classes where they are many.
fn shares(tally: &Tally) -> Markup {
    let total = tally.iter().map(|(_, count)| count).sum();
    if tally.len() > LISTED_CLASSES {
        return html! { p { (counted(tally.iter().filter(|(label, _)| !label.is_empty()).count(), "value")) } };
    }
    html! {
        p {
            @for (position, (label, count)) in tally.iter().enumerate() {
                @if position > 0 { " · " }
                @if label.is_empty() { "none" } @else { (label) }
                " " (grouped(*count)) " (" (percent(*count, total)) ")"
            }
        }
    }
}

fn entries(statistics: &StoreStatistics) -> Markup {
    let counts = &statistics.counts;
    let row = |class: &str, name: &str, count: u64| {
        html! { tr class=(class) { td { (name) } td { (grouped(count)) } td { (percent(count, counts.read)) } } }
    };
    html! {
        section {
            h2 { "Entries of the inputs" }
            table {
                thead { tr { th {} th { "entries" } th { "of all" } } }
                tbody {
                    (row("", "read", counts.read))
                    (row("", "kept", counts.kept))
                    (row("", "filtered", counts.filtered))
                    @for (reason, count) in &counts.filtered_by { (row("part", reason, *count)) }
                    (row("", "rejected", counts.rejected))
                    @for (reason, count) in &counts.rejected_by_reason { (row("part", reason, *count)) }
                }
            }
        }
    }
}
