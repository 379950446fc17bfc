//! The atoms of all periodic images that can be within a radius of an atom in the home cell.

use super::candidates::Candidates;
use super::columns::Columns;
use super::grid::Grid;
use super::layers::Layers;
use super::space::{Bounds, Label, Span};
use crate::feature::FeatureError;
use crate::math::{Matrix3, Vector3, row_times};

/// Number of atoms above which a grid is faster than layers, as measured on crystals of 20 to 80 sites.
const GRID_THRESHOLD: usize = 800;

/// Largest number of atoms in one search, about 90 MiB. A crystal of 100,000 sites has a tenth of that at a cutoff of
/// 8 Å; only unphysically dense cells have more.
const MAXIMUM_IMAGE_ATOMS: u64 = 1 << 20;

/// The atoms of the home cell and its periodic images, numbered in the order of (site, k1, k2, k3). That is the order
/// within a shell (specification, section 2.3).
#[derive(Debug, Clone, Default)]
pub(super) struct ImageAtoms {
    radius: f64,
    labels: Vec<Label>,
    /// Cartesian coordinates in Å of the atoms in the home cell.
    home: Vec<Vector3>,
    spans: Vec<Span>,
    /// Coordinates in the order in which they are searched.
    columns: Columns,
    layers: Layers,
    grid: Grid,
    uses_grid: bool,
}

impl ImageAtoms {
    /// Returns the radius in Å within which all neighbours of an atom in the home cell are included.
    pub(super) fn radius(&self) -> f64 {
        self.radius
    }

    /// Returns the site and the image of an atom.
    pub(super) fn label(&self, atom: usize) -> Label {
        self.labels[atom]
    }

    /// Collects the atoms of all images for a radius. The fractional coordinates must be wrapped, so that they differ
    /// by less than 1 along each axis.
    ///
    /// # Errors
    /// Returns [`FeatureError::ImageOverflow`] or [`FeatureError::TooManyImages`].
    pub(super) fn build(
        &mut self,
        lattice: &Matrix3,
        spacings: &Vector3,
        fractional: &[Vector3],
        radius: f64,
    ) -> Result<(), FeatureError> {
        self.radius = radius;
        let bounds = Bounds::new(fractional, spacings, radius);
        self.number_atoms(&bounds, fractional)?;
        self.home.clear();
        self.home.extend(fractional.iter().map(|site| row_times(site, lattice)));
        self.uses_grid = self.labels.len() > GRID_THRESHOLD;
        self.columns.resize(self.labels.len());
        if self.uses_grid {
            self.grid.build(&bounds, fractional, &self.labels);
            self.fill_by_grid(lattice);
        } else {
            let Self { layers, columns, spans, home, .. } = self;
            layers.build(bounds.reach[2], lattice, fractional, home, spans, columns);
        }
        Ok(())
    }

    /// Fills the columns in the order of the grid.
    fn fill_by_grid(&mut self, lattice: &Matrix3) {
        let ([x, y, z], numbers) = self.columns.block(0..self.labels.len());
        let places = x.iter_mut().zip(y).zip(z).zip(numbers);
        for ((((x, y), z), number), &atom) in places.zip(self.grid.atoms()) {
            let Label { site, image } = self.labels[atom as usize];
            let k = image.map(f64::from);
            let shift = row_times(&k, lattice);
            let home = &self.home[site as usize];
            (*x, *y, *z, *number) = (home[0] + shift[0], home[1] + shift[1], home[2] + shift[2], atom);
        }
    }

    /// Fills `spans` and `labels`.
    fn number_atoms(&mut self, bounds: &Bounds, fractional: &[Vector3]) -> Result<(), FeatureError> {
        self.spans.clear();
        let mut atoms = 0;
        for (site, fractional) in fractional.iter().enumerate() {
            // The number is below the maximum, so it fits.
            let span = bounds.span(fractional, site, atoms as u32)?;
            atoms += span.count();
            if atoms > MAXIMUM_IMAGE_ATOMS {
                return Err(FeatureError::TooManyImages { atoms });
            }
            self.spans.push(span);
        }
        self.labels.clear();
        self.labels.reserve(atoms as usize);
        for (site, span) in (0..).zip(&self.spans) {
            for k1 in span.first[0]..=span.last[0] {
                for k2 in span.first[1]..=span.last[1] {
                    for k3 in span.first[2]..span.last[2] + 1 {
                        self.labels.push(Label { site, image: [k1, k2, k3] });
                    }
                }
            }
        }
        Ok(())
    }

    /// Collects the atoms within the radius of the site `target`, including that site itself. `fractional` holds its
    /// coordinates.
    pub(super) fn within_radius(&self, target: usize, fractional: &Vector3, candidates: &mut Candidates) {
        let centre = &self.home[target];
        let limit = self.radius * self.radius;
        candidates.clear(self.labels.len());
        if self.uses_grid {
            self.grid.for_each_run(fractional, |run| self.columns.scan(run, centre, limit, candidates));
        } else {
            self.columns.scan(self.layers.window(target), centre, limit, candidates);
        }
    }
}
