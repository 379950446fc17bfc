//! Statistics of a training set: those that standardise the lattice encoder's input (specification, section 4.4), and
//! the losses of constant predictors (specification, section 6).

use arrow::array::{Array, Float64Array};
use schemas::StoreError;

use crate::data::error::DataError;
use crate::data::graph::{CrystalGraph, LARGEST_ATOMIC_NUMBER};
use crate::data::histogram::Histogram;
use crate::data::input::GraphInput;
use crate::data::labels::{DIRECTIONS, HOME_DIRECTION, PeriodicLabels};
use crate::data::lattice::LatticeStatistics;
use crate::data::subset::Selection;

/// Columns of the lattice parameters, in the order of the model's input.
const PARAMETER_COLUMNS: [&str; 6] = ["a", "b", "c", "alpha", "beta", "gamma"];
/// Lower bound of the standard deviation, so that a constant parameter is not divided by zero.
const LEAST_STANDARD_DEVIATION: f64 = 1e-3;

impl LatticeStatistics {
    /// Computes the statistics of a selection's crystals in the order of the shards (Welford's update, which does not
    /// cancel).
    ///
    /// # Errors
    /// [`DataError`] if a shard cannot be read.
    pub fn of(selection: &Selection) -> Result<Self, DataError> {
        let mut count = 0.0;
        let mut mean = [0.0; 6];
        let mut squares = [0.0; 6];
        for row_group in selection.row_groups() {
            for batch in selection.batches(row_group, &PARAMETER_COLUMNS)? {
                let (batch, members) = batch?;
                let columns = PARAMETER_COLUMNS.map(|name| {
                    batch
                        .column_by_name(name)
                        .and_then(|column| column.as_any().downcast_ref::<Float64Array>())
                });
                for (row, _) in members.into_iter().enumerate().filter(|(_, member)| *member) {
                    count += 1.0;
                    for (parameter, column) in columns.into_iter().enumerate() {
                        let value =
                            column.filter(|column| column.is_valid(row)).map(|column| column.value(row));
                        let value =
                            value.filter(|value| value.is_finite()).ok_or_else(|| StoreError::Column {
                                path: selection.path(row_group).to_owned(),
                                column: PARAMETER_COLUMNS[parameter].to_owned(),
                                problem: "has a value that is no finite number".to_owned(),
                            })?;
                        let before = value - mean[parameter];
                        mean[parameter] += before / count;
                        squares[parameter] += before * (value - mean[parameter]);
                    }
                }
            }
        }
        let std = squares.map(|sum: f64| (sum / count).sqrt().max(LEAST_STANDARD_DEVIATION));
        Ok(Self { mean, std })
    }
}

/// Loss terms of the constant predictor, which always predicts the prior or the median of the training set. A model
/// that has learnt anything has smaller losses. For the standardised lattice parameters the loss is 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConstantPredictor {
    /// `L_A`: entropy of the atomic numbers, in nats.
    pub atom_type: f64,
    /// `L_X`: mean absolute deviation of the centre distances from their median, in Å.
    pub centre_distance: f64,
    /// `L_Die` with the centred labels: entropy of the directions, in nats.
    pub direction_centred: f64,
    /// `L_Unit` with the centred labels: entropy of "same cell", in nats.
    pub same_cell_centred: f64,
    /// `L_Die` with the cell's labels, in nats.
    pub direction_cell: f64,
    /// `L_Unit` with the cell's labels, in nats.
    pub same_cell_cell: f64,
    /// `L_Dis`: mean absolute deviation of the edges' lengths from their median, in Å.
    pub edge_distance: f64,
}

impl ConstantPredictor {
    /// Computes the losses over the atoms and edges of a selection.
    ///
    /// # Errors
    /// [`DataError`] if a shard cannot be read or a crystal is not a valid graph.
    pub fn of(selection: &Selection) -> Result<Self, DataError> {
        let cutoff = selection.sources().settings().cutoff_angstrom;
        let mut counts = Counts::default();
        for row_group in selection.row_groups() {
            let path = selection.path(row_group);
            for batch in selection.crystal_batches(row_group)? {
                let (batch, members) = batch?;
                for (row, _) in members.into_iter().enumerate().filter(|(_, member)| *member) {
                    let view = batch.row(row)?;
                    let centred = GraphInput::from_view(&view, PeriodicLabels::Centred);
                    let cell = GraphInput::from_view(&view, PeriodicLabels::Cell);
                    counts.add(&centred, cell.direction, cutoff).map_err(|error| error.of_shard(path))?;
                }
            }
        }
        Ok(counts.scores())
    }

    /// Returns the direction term for the chosen labels.
    pub fn direction(&self, labels: PeriodicLabels) -> f64 {
        match labels {
            PeriodicLabels::Centred => self.direction_centred,
            PeriodicLabels::Cell => self.direction_cell,
        }
    }

    /// Returns the "same cell" term for the chosen labels.
    pub fn same_cell(&self, labels: PeriodicLabels) -> f64 {
        match labels {
            PeriodicLabels::Centred => self.same_cell_centred,
            PeriodicLabels::Cell => self.same_cell_cell,
        }
    }
}

/// Counts of the classes, and histograms of the distances.
#[derive(Debug, Clone)]
struct Counts {
    graph: CrystalGraph,
    atomic_numbers: [u64; LARGEST_ATOMIC_NUMBER as usize + 1],
    directions_centred: [u64; DIRECTIONS],
    directions_cell: [u64; DIRECTIONS],
    centre_distances: Histogram,
    edge_distances: Histogram,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            graph: CrystalGraph::default(),
            atomic_numbers: [0; LARGEST_ATOMIC_NUMBER as usize + 1],
            directions_centred: [0; DIRECTIONS],
            directions_cell: [0; DIRECTIONS],
            centre_distances: Histogram::default(),
            edge_distances: Histogram::default(),
        }
    }
}

impl Counts {
    /// Adds a crystal, given with the centred labels and its labels by cell.
    fn add(&mut self, centred: &GraphInput<'_>, cell: &[u8], cutoff: f64) -> Result<(), DataError> {
        // Checks the labels of either kind and the atomic numbers before they become indices.
        let of_crystal = |error: crate::data::GraphError| error.of(centred.material_id);
        self.graph
            .rebuild_without_angles(&GraphInput { direction: cell, ..*centred }, cutoff)
            .map_err(of_crystal)?;
        self.graph.rebuild_without_angles(centred, cutoff).map_err(of_crystal)?;
        for &number in centred.atomic_numbers {
            self.atomic_numbers[usize::from(number)] += 1;
        }
        for &label in centred.direction {
            self.directions_centred[usize::from(label)] += 1;
        }
        for &label in cell {
            self.directions_cell[usize::from(label)] += 1;
        }
        self.graph.distance().iter().for_each(|&distance| self.edge_distances.add(distance));
        self.graph.centre_distance().iter().for_each(|&distance| self.centre_distances.add(distance));
        Ok(())
    }

    fn scores(&self) -> ConstantPredictor {
        let same_cell = |directions: &[u64; DIRECTIONS]| {
            let home = directions[usize::from(HOME_DIRECTION)];
            entropy(&[home, directions.iter().sum::<u64>() - home])
        };
        ConstantPredictor {
            atom_type: entropy(&self.atomic_numbers),
            centre_distance: self.centre_distances.mean_absolute_deviation(),
            direction_centred: entropy(&self.directions_centred),
            same_cell_centred: same_cell(&self.directions_centred),
            direction_cell: entropy(&self.directions_cell),
            same_cell_cell: same_cell(&self.directions_cell),
            edge_distance: self.edge_distances.mean_absolute_deviation(),
        }
    }
}

/// Returns the entropy `-Σ p ln p` of the classes in nats; 0 without any counts.
fn entropy(counts: &[u64]) -> f64 {
    let total = counts.iter().sum::<u64>() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|&count| count as f64 / total)
        .map(|share| -share * share.ln())
        .sum()
}

#[cfg(test)]
mod tests;
