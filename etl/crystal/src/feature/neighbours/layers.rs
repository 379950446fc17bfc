//! Atoms of all images, sorted along the third lattice vector, which is the longest of a Niggli cell. The atoms near
//! a centre are then contiguous. Used for cells with few atoms, where a grid costs more than it saves.

use std::ops::Range;

use super::columns::Columns;
use super::space::Span;
use crate::math::{Matrix3, Vector3};

/// The images of one site in one layer of cells along the third axis.
#[derive(Debug, Clone, Copy)]
struct Layer {
    /// Fractional coordinate along the third axis.
    height: f64,
    /// Index of its first atom in the columns.
    start: usize,
}

/// Layers of atoms in ascending order of their third fractional coordinate.
#[derive(Debug, Clone, Default)]
pub(super) struct Layers {
    /// Sites in ascending order of their third fractional coordinate.
    sites: Vec<u32>,
    /// Layers in ascending order, followed by one that starts at the number of atoms.
    layers: Vec<Layer>,
    /// Range of the atoms near each site, as its start and end.
    windows: Vec<(usize, usize)>,
}

impl Layers {
    /// Sorts the atoms by their third fractional coordinate and fills the columns in this order.
    ///
    /// `reach` is the radius in fractional units along the third axis. `fractional` and `home` are the fractional and
    /// Cartesian coordinates of the sites, and `spans` their images.
    pub(super) fn build(
        &mut self,
        reach: f64,
        lattice: &Matrix3,
        fractional: &[Vector3],
        home: &[Vector3],
        spans: &[Span],
        columns: &mut Columns,
    ) {
        self.sites.clear();
        self.sites.extend(0..fractional.len() as u32);
        let height = |site: u32| fractional[site as usize][2];
        self.sites.sort_unstable_by(|&a, &b| height(a).total_cmp(&height(b)));

        self.layers.clear();
        let lowest = spans.iter().map(|span| span.first[2]).min().unwrap_or(0);
        let highest = spans.iter().map(|span| span.last[2]).max().unwrap_or(0);
        let mut place = 0;
        for k3 in lowest..=highest {
            for &site in &self.sites {
                let span = &spans[site as usize];
                if k3 < span.first[2] || k3 > span.last[2] {
                    continue;
                }
                self.layers.push(Layer { height: height(site) + f64::from(k3), start: place });
                let origin = shifted(&home[site as usize], k3, &lattice[2]);
                let end = place + (span.extent(0) * span.extent(1)) as usize;
                fill_layer(&origin, k3, span, lattice, columns.block(place..end));
                place = end;
            }
        }
        self.layers.push(Layer { height: f64::INFINITY, start: place });
        self.find_windows(reach, height);
    }

    /// Finds the window of every site in one sweep. Both ends of the window only ascend.
    fn find_windows(&mut self, reach: f64, height: impl Fn(u32) -> f64) {
        self.windows.clear();
        self.windows.resize(self.sites.len(), (0, 0));
        let (mut first, mut end) = (0, 0);
        for &site in &self.sites {
            let centre = height(site);
            while self.layers[first].height < centre - reach {
                first += 1;
            }
            while self.layers[end].height <= centre + reach {
                end += 1;
            }
            self.windows[site as usize] = (self.layers[first].start, self.layers[end].start);
        }
    }

    /// Returns the range of atoms that can be within the radius of a site.
    pub(super) fn window(&self, site: usize) -> Range<usize> {
        let (start, end) = self.windows[site];
        start..end
    }
}

/// Fills the columns with the images of one site in one layer. `origin` is the position of the image with k1 = k2 =
/// 0.
#[inline]
fn fill_layer(
    origin: &Vector3,
    k3: i16,
    span: &Span,
    lattice: &Matrix3,
    ([x, y, z], atoms): ([&mut [f64]; 3], &mut [u32]),
) {
    let rows = span.extent(2);
    let width = span.extent(1) as usize;
    let mut atom = span.start + (i32::from(k3) - i32::from(span.first[2])) as u32;
    let blocks = x.chunks_exact_mut(width).zip(y.chunks_exact_mut(width)).zip(z.chunks_exact_mut(width));
    for (k1, (((x, y), z), atoms)) in (span.first[0]..).zip(blocks.zip(atoms.chunks_exact_mut(width))) {
        let mut position = shifted(&shifted(origin, k1, &lattice[0]), span.first[1], &lattice[1]);
        for (((x, y), z), number) in x.iter_mut().zip(y).zip(z).zip(atoms) {
            [*x, *y, *z] = position;
            *number = atom;
            position = shifted(&position, 1, &lattice[1]);
            atom += rows;
        }
    }
}

/// Returns `origin + k · vector`.
#[inline]
fn shifted(origin: &Vector3, k: i16, vector: &Vector3) -> Vector3 {
    let k = f64::from(k);
    [origin[0] + k * vector[0], origin[1] + k * vector[1], origin[2] + k * vector[2]]
}
