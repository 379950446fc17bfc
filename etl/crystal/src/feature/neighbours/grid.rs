//! A grid of bins for the atoms of all images, for cells with many atoms.

use std::ops::Range;

use super::space::{Bounds, Label};
use crate::math::Vector3;

/// Number of bins along the third axis within the radius. Bins along this axis are contiguous in memory, so narrow
/// bins cost nothing. Along the other axes a bin is as wide as the radius.
const BINS_ALONG_RUN: f64 = 3.0;

/// Largest number of bins per atom. More bins would mostly be empty.
const BINS_PER_ATOM: f64 = 2.0;

/// A grid of bins over the fractional bounding box of the atoms.
#[derive(Debug, Clone, Default)]
pub(super) struct Grid {
    /// Number of bins along each axis.
    shape: [usize; 3],
    /// Lower corner of the box in fractional coordinates.
    lower: Vector3,
    /// Number of bins per fractional unit along each axis.
    density: Vector3,
    /// The radius in fractional units along each axis.
    reach: Vector3,
    /// Index of the first atom of every bin, the third axis fastest, followed by the number of atoms.
    starts: Vec<usize>,
    /// Bin of every atom, used while building.
    bins: Vec<u32>,
    /// Numbers of the atoms in the order of the bins.
    atoms: Vec<u32>,
}

impl Grid {
    /// Sorts the atoms into bins.
    pub(super) fn build(&mut self, bounds: &Bounds, fractional: &[Vector3], labels: &[Label]) {
        self.choose_shape(bounds, labels.len());
        self.starts.clear();
        self.starts.resize(self.shape.iter().product::<usize>() + 1, 0);
        self.bins.clear();
        for label in labels {
            let site = &fractional[label.site as usize];
            let [first, second, third] =
                [0, 1, 2].map(|axis| self.bin(axis, site[axis] + f64::from(label.image[axis])));
            let bin = self.index(first, second, third);
            self.starts[bin] += 1;
            self.bins.push(bin as u32);
        }
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
        // Each element is now the end of its bin. Filling the bins backwards turns it into the start.
        self.atoms.resize(labels.len(), 0);
        for (atom, bin) in self.bins.iter().enumerate().rev() {
            let place = &mut self.starts[*bin as usize];
            *place -= 1;
            self.atoms[*place] = atom as u32;
        }
    }

    /// Returns the numbers of the atoms in the order of the bins.
    pub(super) fn atoms(&self) -> &[u32] {
        &self.atoms
    }

    /// Calls `visit` with runs of consecutive atoms that together include all atoms within the radius of the given
    /// fractional coordinates.
    pub(super) fn for_each_run(&self, centre: &Vector3, mut visit: impl FnMut(Range<usize>)) {
        let [first, second, third] = [0, 1, 2].map(|axis| {
            self.bin(axis, centre[axis] - self.reach[axis])..=self.bin(axis, centre[axis] + self.reach[axis])
        });
        for along_first in first {
            for along_second in second.clone() {
                let start = self.starts[self.index(along_first, along_second, *third.start())];
                let end = self.starts[self.index(along_first, along_second, *third.end()) + 1];
                visit(start..end);
            }
        }
    }

    fn choose_shape(&mut self, bounds: &Bounds, atoms: usize) {
        self.lower = bounds.lower;
        self.reach = bounds.reach;
        let extent = [0, 1, 2].map(|axis| bounds.upper[axis] - bounds.lower[axis]);
        let finest = [1.0, 1.0, BINS_ALONG_RUN];
        let wanted = [0, 1, 2].map(|axis| finest[axis] * extent[axis] / bounds.reach[axis]);
        let excess = (wanted.iter().product::<f64>() / (BINS_PER_ATOM * atoms as f64)).max(1.0).cbrt();
        self.shape = wanted.map(|bins| ((bins / excess) as usize).max(1));
        self.density = [0, 1, 2].map(|axis| self.shape[axis] as f64 / extent[axis]);
    }

    /// Returns the bin of a fractional coordinate along one axis. Coordinates outside the grid belong to the first or
    /// last bin.
    #[inline]
    fn bin(&self, axis: usize, coordinate: f64) -> usize {
        // The conversion saturates: negative numbers become 0.
        (((coordinate - self.lower[axis]) * self.density[axis]) as usize).min(self.shape[axis] - 1)
    }

    #[inline]
    fn index(&self, first: usize, second: usize, third: usize) -> usize {
        (first * self.shape[1] + second) * self.shape[2] + third
    }
}
