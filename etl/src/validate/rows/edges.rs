//! Comparison of the edges of a row with those of its own lattice and coordinates.

use std::fmt;

use arrow::array::AsArray;
use crystal::feature::Edges;
use schemas::count::counted;
use schemas::view::{CrystalBatch, EdgeView};

use super::fault::{Fault, deviates, fault, list_at};

/// Largest relative deviation of a distance computed in another basis.
const DISTANCE_DEVIATION: f64 = 1e-5;

/// Checks the number of edges.
fn compare_numbers(found: usize, expected: usize, faults: &mut Vec<Fault>) -> bool {
    if found != expected {
        faults.push(fault("edges", counted(expected, "edge"), counted(found, "edge")));
    }
    found == expected
}

/// Reports the first difference of the sorted distances.
pub(super) fn compare_distances(found: &[f32], expected: &Edges, faults: &mut Vec<Fault>) {
    if !compare_numbers(found.len(), expected.len(), faults) {
        return;
    }
    let mut found: Vec<f64> = found.iter().copied().map(f64::from).collect();
    let mut expected = expected.distance.clone();
    found.sort_by(f64::total_cmp);
    expected.sort_by(f64::total_cmp);
    let differs = |(expected, found): &(&f64, &f64)| deviates(**found, **expected, DISTANCE_DEVIATION);
    if let Some((expected, found)) = expected.iter().zip(&found).find(differs) {
        faults.push(fault("edge_distance", expected, found));
    }
}

/// Reports the first difference in every column of the edges.
pub(super) fn compare_edges(found: &EdgeView<'_>, expected: &Edges, faults: &mut Vec<Fault>) {
    if !compare_numbers(found.target.len(), expected.len(), faults) {
        return;
    }
    let distances = expected.distance.iter().map(|distance| *distance as f32);
    let [k1, k2, k3] = found.image.map(|column| column.iter().copied());
    let [expected_k1, expected_k2, expected_k3] = [0, 1, 2].map(|axis| expected.image[axis].iter().copied());
    let differences = [
        difference("edge_source", expected.source.iter().copied(), found.source.iter().copied()),
        difference("edge_target", expected.target.iter().copied(), found.target.iter().copied()),
        difference("edge_k1", expected_k1, k1),
        difference("edge_k2", expected_k2, k2),
        difference("edge_k3", expected_k3, k3),
        difference("edge_distance", distances, found.distance.iter().copied()),
        difference("edge_direction", expected.direction.iter().copied(), found.direction.iter().copied()),
        difference(
            "edge_direction_centred",
            expected.direction_centred.iter().copied(),
            found.direction_centred.iter().copied(),
        ),
    ];
    faults.extend(differences.into_iter().flatten());
}

/// Reports the first difference in the two columns of same-cell labels.
pub(super) fn compare_same_cell(batch: &CrystalBatch, row: usize, expected: &Edges, faults: &mut Vec<Fault>) {
    let columns =
        [("edge_same_cell", &expected.same_cell), ("edge_same_cell_centred", &expected.same_cell_centred)];
    for (name, expected) in columns {
        let list = list_at(batch, row, name);
        let flags = list.as_ref().and_then(|list| list.as_boolean_opt());
        let found: Vec<bool> = flags.into_iter().flatten().flatten().collect();
        if found.len() != expected.len() {
            faults.push(fault(name, counted(expected.len(), "value"), counted(found.len(), "value")));
        } else {
            faults.extend(difference(name, expected.iter().copied(), found.into_iter()));
        }
    }
}

/// Returns the first difference of two columns with equal lengths, and the number of differences.
fn difference<T: PartialEq + fmt::Display>(
    column: &str,
    expected: impl Iterator<Item = T>,
    found: impl Iterator<Item = T>,
) -> Option<Fault> {
    let mut differing = expected.zip(found).enumerate().filter(|(_, (expected, found))| expected != found);
    let (edge, (expected, found)) = differing.next()?;
    let others = match differing.count() {
        0 => String::new(),
        others => format!(", and {}", counted(others, "other")),
    };
    Some(fault(column, format!("{expected} at edge {edge}"), format!("{found}{others}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_compared_in_any_order() {
        let expected = Edges { source: vec![0, 0], distance: vec![2.0, 3.0], ..Edges::default() };
        let mut faults = Vec::new();
        compare_distances(&[3.0, 2.0], &expected, &mut faults);
        assert_eq!(faults, []);
        compare_distances(&[3.0, 2.5], &expected, &mut faults);
        compare_distances(&[3.0], &expected, &mut faults);
        assert_eq!(faults, [fault("edge_distance", 2, 2.5), fault("edges", "2 edges", "1 edge")]);
    }
}
