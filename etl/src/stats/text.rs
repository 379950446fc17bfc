//! Statistics as text.

use std::cmp::Reverse;
use std::fmt::{self, Write};

use crystal::element::SYMBOLS;
use crystal::number::significant;
use schemas::count::{agree, counted};
use schemas::settings::{FeatureSettings, Neighbours};
use schemas::text::line;

use super::number::{grouped, grouped_count, in_steps, percent, size};
use super::{Distribution, Histogram, StoreStatistics, Symmetry, Tally};
use crate::symmetry::TOLERANCE_ANGSTROM;

/// Length of the longest bar in characters.
const BAR_COLUMNS: f64 = 40.0;
/// Largest number of elements listed.
const LISTED_ELEMENTS: usize = 12;
/// Largest number of space groups listed.
const LISTED_GROUPS: usize = 12;
/// Largest number of rows of a histogram.
const HISTOGRAM_ROWS: usize = 16;
/// Signs of an image component.
const SIGNS: [char; 3] = ['-', '0', '+'];

/// Writes all statistics.
pub(super) fn write(statistics: &StoreStatistics, out: &mut impl Write) -> fmt::Result {
    header(statistics, out)?;
    entries(statistics, out)?;
    tally("Elements per crystal", &statistics.elements_per_crystal, out)?;
    elements(statistics, out)?;
    symmetry(&statistics.symmetry, out)?;
    distribution("Sites per cell", "", &statistics.sites_per_cell, out)?;
    distribution("Volume per atom", "Å³", &statistics.volume_per_atom, out)?;
    distribution("Edges per atom", "", &statistics.edges_per_atom, out)?;
    writeln!(out, "\nEdge length, Å")?;
    histogram(&statistics.edge_lengths.trimmed(), 0, out)?;
    directions(statistics, out)?;
    for property in &statistics.properties {
        distribution(&property.column, &property.unit, &property.distribution, out)?;
    }
    for (column, counts) in statistics.classes.iter().chain(&statistics.splits) {
        tally(column, counts, out)?;
    }
    if !statistics.folds.is_empty() {
        tally("Test fold", &statistics.folds, out)?;
    }
    Ok(())
}

fn header(statistics: &StoreStatistics, out: &mut impl Write) -> fmt::Result {
    let settings = &statistics.settings;
    writeln!(out, "{}", line(&statistics.store.display().to_string()))?;
    writeln!(
        out,
        "  {}: {}, {}, {}; {} in {}",
        line(&statistics.source),
        grouped_count(statistics.crystals, "crystal"),
        grouped_count(statistics.sites, "site"),
        grouped_count(statistics.edges, "edge"),
        size(statistics.bytes),
        counted(statistics.shards, "shard"),
    )?;
    writeln!(
        out,
        "  neighbours: {}; written by version {}",
        neighbours(settings),
        line(&statistics.software_version)
    )
}

/// Says which neighbours the atoms of a store keep.
fn neighbours(settings: &FeatureSettings) -> String {
    let FeatureSettings { cutoff_angstrom, ties, .. } = settings;
    match settings.neighbours {
        Neighbours::Nearest(number) => format!("nearest {number} within {cutoff_angstrom} Å, ties {ties}"),
        Neighbours::All => format!("all within {cutoff_angstrom} Å"),
    }
}

fn entries(statistics: &StoreStatistics, out: &mut impl Write) -> fmt::Result {
    let counts = &statistics.counts;
    writeln!(out, "\nEntries")?;
    for (name, count) in [
        ("read", counts.read),
        ("kept", counts.kept),
        ("filtered", counts.filtered),
        ("rejected", counts.rejected),
    ] {
        writeln!(out, "  {name:<8}  {:>11}  {:>7}", grouped(count), percent(count, counts.read))?;
        let reasons = match name {
            "filtered" => &counts.filtered_by,
            "rejected" => &counts.rejected_by_reason,
            _ => continue,
        };
        for (reason, count) in reasons {
            writeln!(out, "            {:>11}    {}", grouped(*count), line(reason))?;
        }
    }
    Ok(())
}

/// Returns a bar with a resolution of an eighth of a character.
fn bar(value: u64, greatest: u64) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (8.0 * BAR_COLUMNS * value as f64 / greatest.max(1) as f64).round() as usize;
    // A bar for any crystal is visible.
    let eighths = eighths.max(usize::from(value > 0));
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}

/// Writes labelled counts with bars.
fn bars(rows: &[(String, u64)], out: &mut impl Write) -> fmt::Result {
    let label_width = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let greatest = rows.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let count_width = grouped(greatest).len();
    for (label, count) in rows {
        let line =
            format!("  {label:>label_width$}  {:>count_width$}  {}", grouped(*count), bar(*count, greatest));
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn tally(title: &str, counts: &Tally, out: &mut impl Write) -> fmt::Result {
    writeln!(out, "\n{}", line(title))?;
    let named = |(label, count): &(String, u64)| {
        (if label.is_empty() { "–".to_owned() } else { line(label).into_owned() }, *count)
    };
    bars(&counts.iter().map(named).collect::<Vec<_>>(), out)
}

fn elements(statistics: &StoreStatistics, out: &mut impl Write) -> fmt::Result {
    let elements = statistics.elements_by_frequency();
    let occur = agree(&elements.len(), "occurs", "occur");
    writeln!(out, "\nCrystals with an element ({} {occur})", counted(elements.len(), "element"))?;
    let symbol = |z: usize| SYMBOLS.get(z).copied().unwrap_or("?").to_owned();
    let rows: Vec<_> = elements.iter().take(LISTED_ELEMENTS).map(|(z, count)| (symbol(*z), *count)).collect();
    bars(&rows, out)?;
    match elements.get(LISTED_ELEMENTS..).unwrap_or_default() {
        [] => Ok(()),
        [rest @ .., (last, count)] => {
            let others = counted(rest.len() + 1, "other");
            writeln!(out, "  and {others}, the rarest {} in {}", symbol(*last), grouped(*count))
        }
    }
}

/// Writes the crystal systems, and the commonest space groups.
fn symmetry(symmetry: &Symmetry, out: &mut impl Write) -> fmt::Result {
    if symmetry.crystals == 0 {
        return Ok(());
    }
    let crystals = grouped_count(symmetry.crystals, "crystal");
    tally(&format!("Crystal systems of {crystals}, within {TOLERANCE_ANGSTROM} Å"), &symmetry.systems, out)?;
    let mut groups = symmetry.space_groups.clone();
    groups.sort_by_key(|(_, count)| Reverse(*count));
    let found = counted(groups.iter().filter(|(group, _)| !group.is_empty()).count(), "space group");
    groups.truncate(LISTED_GROUPS);
    tally(&format!("The commonest of {found}"), &groups, out)
}

fn distribution(title: &str, unit: &str, distribution: &Distribution, out: &mut impl Write) -> fmt::Result {
    let unit = if unit.is_empty() || unit == "1" { String::new() } else { format!(", {}", line(unit)) };
    writeln!(out, "\n{}{unit}", line(title))?;
    let Some(summary) = distribution.summary else {
        return writeln!(out, "  no values");
    };
    write!(
        out,
        "  n {}   min {}   median {}   mean {}   max {}",
        grouped(distribution.count),
        significant(summary.min),
        significant(summary.median),
        significant(summary.mean),
        significant(summary.max)
    )?;
    match distribution.missing {
        0 => writeln!(out)?,
        missing => writeln!(out, "   missing {}", grouped(missing))?,
    }
    histogram(&distribution.histogram, distribution.zeros, out)
}

/// Writes a histogram, with the number of values of exactly 0 that it does not hold.
fn histogram(histogram: &Histogram, zeros: u64, out: &mut impl Write) -> fmt::Result {
    let factor = [1, 2, 5, 10, 20, 50, 100]
        .into_iter()
        .find(|factor| histogram.counts.len() <= factor * HISTOGRAM_ROWS);
    let histogram = histogram.merged(factor.unwrap_or(histogram.counts.len()));
    let edge = |bin| in_steps(histogram.edge(bin), histogram.width);
    let mut rows = Vec::with_capacity(histogram.counts.len() + 3);
    if zeros > 0 {
        rows.push(("= 0".to_owned(), zeros));
    }
    if histogram.below > 0 {
        rows.push((format!("< {}", edge(0)), histogram.below));
    }
    rows.extend(histogram.counts.iter().enumerate().map(|(bin, count)| (edge(bin), *count)));
    if histogram.above > 0 {
        rows.push((format!("≥ {}", edge(histogram.counts.len())), histogram.above));
    }
    bars(&rows, out)
}

fn directions(statistics: &StoreStatistics, out: &mut impl Write) -> fmt::Result {
    writeln!(out, "\nEdges by direction class: sign of the neighbour's cell along l1 l2 l3")?;
    writeln!(out, "  class   cell        literal              centred")?;
    let classes = statistics.directions.iter().zip(&statistics.directions_centred).enumerate();
    for (class, (literal, centred)) in classes {
        let [first, second, third] = [class / 9, class / 3 % 3, class % 3].map(|sign| SIGNS[sign]);
        writeln!(
            out,
            "  {class:>5}  {first} {second} {third}  {:>13} {:>7}  {:>13} {:>7}",
            grouped(*literal),
            percent(*literal, statistics.edges),
            grouped(*centred),
            percent(*centred, statistics.edges)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_proportional_and_never_vanish() {
        assert_eq!(bar(10, 10), "█".repeat(40));
        assert_eq!(bar(5, 10), "█".repeat(20));
        assert_eq!(bar(1, 1_000_000), "▏");
        assert_eq!(bar(0, 10), "");
        assert_eq!(bar(0, 0), "");
    }

    #[test]
    fn exact_zeros_have_a_row() {
        let mut text = String::new();
        let values = Histogram { counts: vec![2, 1], ..Histogram::new(0.0, 0.5, 0) };
        histogram(&values, 4, &mut text).expect("writing to memory");
        assert!(text.starts_with("  = 0  4  ████") && text.contains("\n  0.0  2  ██"), "{text}");
    }

    #[test]
    fn rows_are_aligned() {
        let mut text = String::new();
        bars(&[("a".into(), 1200), ("bcd".into(), 3)], &mut text).expect("writing to memory");
        assert_eq!(text, format!("    a  1,200  {}\n  bcd      3  ▏\n", "█".repeat(40)));
    }
}
