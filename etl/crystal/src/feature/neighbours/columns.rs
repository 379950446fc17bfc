//! Coordinates of image atoms in columns, for vector instructions.

use std::ops::Range;

use super::candidates::Candidates;
use super::space::squared_distance;
use crate::math::Vector3;

/// Coordinates and numbers of image atoms, in the order in which they are searched.
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
    /// Makes room for exactly a number of atoms, whose values are to be overwritten.
    pub(super) fn resize(&mut self, atoms: usize) {
        for column in [&mut self.x, &mut self.y, &mut self.z] {
            column.resize(atoms, 0.0);
        }
        self.atoms.resize(atoms, 0);
    }

    /// The places `range` for writing: columns of x, y, z and numbers.
    #[inline]
    pub(super) fn block(&mut self, range: Range<usize>) -> ([&mut [f64]; 3], &mut [u32]) {
        let Self { x, y, z, atoms } = self;
        ([&mut x[range.clone()], &mut y[range.clone()], &mut z[range.clone()]], &mut atoms[range])
    }

    /// Adds those atoms of a run to the candidates that are within a limit of the centre, given as
    /// a squared distance in Å².
    #[inline]
    pub(super) fn scan(&self, run: Range<usize>, centre: &Vector3, limit: f64, candidates: &mut Candidates) {
        let (x, y, z) = (&self.x[run.clone()], &self.y[run.clone()], &self.z[run.clone()]);
        let squares = x.iter().zip(y).zip(z).map(|((&x, &y), &z)| squared_distance(&[x, y, z], centre));
        candidates.offer(squares, &self.atoms[run], limit);
    }
}
