//! Coordinates of atoms in columns, for vector instructions.

use std::ops::Range;

use super::candidates::Candidates;
use super::space::squared_distance;
use crate::math::Vector3;

/// Coordinates and numbers of the atoms of all images, in the order in which they are searched.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    /// Cartesian coordinates in Å, one column for each axis.
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    /// Numbers of the atoms.
    atoms: Vec<u32>,
}

impl Columns {
    /// Resizes the columns. The values are unspecified until they are written.
    pub(super) fn resize(&mut self, atoms: usize) {
        for column in [&mut self.x, &mut self.y, &mut self.z] {
            column.resize(atoms, 0.0);
        }
        self.atoms.resize(atoms, 0);
    }

    /// Returns the given range for writing: the columns of x, y, z and of the atoms' numbers.
    #[inline]
    pub(super) fn block(&mut self, range: Range<usize>) -> ([&mut [f64]; 3], &mut [u32]) {
        let Self { x, y, z, atoms } = self;
        ([&mut x[range.clone()], &mut y[range.clone()], &mut z[range.clone()]], &mut atoms[range])
    }

    /// Adds the atoms of a run that are within the limit, a squared distance in Å² from the centre, to the
    /// candidates.
    #[inline]
    pub(super) fn scan(&self, run: Range<usize>, centre: &Vector3, limit: f64, candidates: &mut Candidates) {
        let (x, y, z) = (&self.x[run.clone()], &self.y[run.clone()], &self.z[run.clone()]);
        let squares = x.iter().zip(y).zip(z).map(|((&x, &y), &z)| squared_distance(&[x, y, z], centre));
        candidates.offer(squares, &self.atoms[run], limit);
    }
}
