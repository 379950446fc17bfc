//! Images of a site under a space group, without duplicate positions.

use super::cell::Cell;
use crate::symmetry::{Metric, SymmetryOperation};

/// Images of a site within this distance of it, in Å, coincide with the site.
///
/// Coordinates of special positions are printed rounded: `0.333` on a 20 Å edge gives images up to 0.03 Å apart.
/// Distinct atoms of one kind are at least 0.7 Å apart.
const SAME_SITE_DISTANCE: f64 = 0.1;

/// Images of a site up to this distance from it, in Å, coincide with it if the precision of its coordinates allows it
/// (`0.33` for 1/3 gives images 0.12 Å apart on a 12 Å edge). Otherwise they are an error, because distinct atoms are
/// never that close.
const NEAR_IMAGE_DISTANCE: f64 = 0.5;

/// [`NEAR_IMAGE_DISTANCE`] is limited to this fraction of the shortest cell edge. In a cell given in nm all images
/// are near, and the error to report is the volume.
const NEAR_IMAGE_PART: f64 = 0.15;

/// Tolerance for rounding errors in differences of coordinates, added to the uncertainty of the coordinates.
const ROUNDING: f64 = 1e-9;

/// After a position has been moved onto its symmetry element, images within this fraction of a cell edge coincide.
const EXACT_TOLERANCE: f64 = 1e-6;

/// Distances in a unit cell at which two positions coincide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nearness {
    metric: Metric,
    /// Largest distance of near positions, in Å.
    within: f64,
    /// Largest difference of fractional coordinates within that distance, along each axis.
    pub(super) reach: [f64; 3],
}

impl Nearness {
    /// Creates the distances for positions that coincide.
    pub(super) fn new(cell: &Cell) -> Self {
        Self::within(cell, SAME_SITE_DISTANCE)
    }

    /// Creates the distances for a position and its images. They reach farther than those of [`Nearness::new`],
    /// because images of a site that are close to each other are never distinct atoms.
    pub(super) fn of_images(cell: &Cell) -> Self {
        let metric = cell.metric();
        let shortest = (0..3).map(|axis| metric[axis][axis]).fold(f64::INFINITY, f64::min).sqrt();
        let within = (NEAR_IMAGE_PART * shortest).clamp(SAME_SITE_DISTANCE, NEAR_IMAGE_DISTANCE);
        Self::within(cell, within)
    }

    fn within(cell: &Cell, within: f64) -> Self {
        Self { metric: cell.metric(), within, reach: cell.fractional_reach(within) }
    }

    /// Returns the distance in Å of two positions modulo lattice translations, or `None` if they are not near each
    /// other.
    #[inline]
    pub(super) fn distance(&self, first: &[f64; 3], second: &[f64; 3]) -> Option<f64> {
        let mut apart = [0.0; 3];
        for axis in 0..3 {
            let difference = first[axis] - second[axis];
            let difference = difference - nearest_integer(difference);
            if difference.abs() > self.reach[axis] {
                return None;
            }
            apart[axis] = difference;
        }
        let [x, y, z] = apart;
        let metric = &self.metric;
        let squared = x * x * metric[0][0]
            + y * y * metric[1][1]
            + z * z * metric[2][2]
            + 2.0 * (x * y * metric[0][1] + x * z * metric[0][2] + y * z * metric[1][2]);
        (squared <= self.within * self.within).then(|| squared.max(0.0).sqrt())
    }
}

/// Wraps `x` into [0, 1). Values beyond the range of 64-bit integers give 0.
#[inline]
pub(super) fn wrapped(x: f64) -> f64 {
    // A cast rounds towards zero and is cheaper than `floor`.
    let fraction = x - (x as i64) as f64;
    let wrapped = if fraction < 0.0 { fraction + 1.0 } else { fraction };
    if (0.0..1.0).contains(&wrapped) { wrapped } else { 0.0 }
}

#[inline]
fn nearest_integer(x: f64) -> f64 {
    ((x + x.signum() * 0.5) as i64) as f64
}

/// An error of a site whose image is near it but distinct.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ambiguous {
    /// Smallest distance of such an image in Å.
    pub(super) distance: f64,
}

/// An image near its site.
#[derive(Debug, Clone, Copy)]
struct NearImage {
    /// The operation that generates it.
    operation: SymmetryOperation,
    /// Vector from the site to the image in fractional coordinates.
    shift: [f64; 3],
    /// Length of the vector in Å.
    distance: f64,
}

/// Expands sites and reuses its buffers.
#[derive(Debug, Default)]
pub(super) struct Expander {
    images: Vec<[f64; 3]>,
    near: Vec<NearImage>,
}

impl Expander {
    /// Returns all positions of `site` in the unit cell, wrapped into [0, 1), with the site itself first.
    ///
    /// A site near a symmetry element is moved onto it, to the mean of its images there. Near means within 0.1 Å, or
    /// within the `uncertainty` of the fractional coordinates. The operations must form a group, and `nearness` must
    /// come from [`Nearness::of_images`].
    ///
    /// # Errors
    /// Returns [`Ambiguous`] if the near images are not those of a special position.
    pub(super) fn images(
        &mut self,
        site: &[f64; 3],
        operations: &[SymmetryOperation],
        nearness: &Nearness,
        uncertainty: impl FnOnce() -> [f64; 3],
    ) -> Result<&[[f64; 3]], Ambiguous> {
        self.images.clear();
        self.near.clear();
        for &operation in operations {
            let image = operation.apply(site);
            if let Some(distance) = nearness.distance(&image, site) {
                let mut shift = [0.0; 3];
                for axis in 0..3 {
                    let difference = image[axis] - site[axis];
                    shift[axis] = difference - nearest_integer(difference);
                }
                self.near.push(NearImage { operation, shift, distance });
            }
        }
        let fixing = self.near.len();
        if fixing <= 1 {
            self.images.extend(operations.iter().map(|operation| operation.apply(site).map(wrapped)));
            return Ok(&self.images);
        }
        if self.near.iter().any(|image| image.distance > SAME_SITE_DISTANCE) {
            let uncertainty = uncertainty();
            let open =
                |image: &&NearImage| image.distance > SAME_SITE_DISTANCE && !image.is_rounding(uncertainty);
            if let Some(image) = self.near.iter().find(open) {
                return Err(Ambiguous { distance: image.distance });
            }
        }
        let mut special = *site;
        for (axis, place) in special.iter_mut().enumerate() {
            *place += self.near.iter().map(|image| image.shift[axis]).sum::<f64>() / fixing as f64;
        }
        for operation in operations {
            let image = operation.apply(&special).map(wrapped);
            let is_same = |known: &[f64; 3]| {
                (0..3).all(|axis| {
                    let difference = (image[axis] - known[axis]).abs();
                    !(EXACT_TOLERANCE..=1.0 - EXACT_TOLERANCE).contains(&difference)
                })
            };
            if !self.images.iter().any(is_same) {
                self.images.push(image);
            }
        }
        if self.images.len() * fixing == operations.len() {
            Ok(&self.images)
        } else {
            let distance = self.near.iter().map(|image| image.distance).fold(0.0, f64::max);
            Err(Ambiguous { distance })
        }
    }
}

impl NearImage {
    /// Whether the site and the image may coincide within this uncertainty of the fractional coordinates.
    fn is_rounding(&self, uncertainty: [f64; 3]) -> bool {
        self.operation.rotation.iter().zip(self.shift).zip(uncertainty).all(|((row, shift), own)| {
            let rotated: f64 =
                row.iter().zip(uncertainty).map(|(&entry, other)| f64::from(entry).abs() * other).sum();
            shift.abs() <= own + rotated + ROUNDING
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symmetry::operations_of_hall_symbol;
    use proptest::prelude::*;

    fn nearness(parameters: [f64; 6]) -> Nearness {
        Nearness::of_images(&Cell::from_parameters(parameters).expect("a cell"))
    }

    const CUBE: [f64; 6] = [8.0, 8.0, 8.0, 90.0, 90.0, 90.0];

    #[test]
    fn multiplicities_of_a_cubic_group() {
        let operations = operations_of_hall_symbol("-F 4 2 3").expect("a group");
        let nearness = nearness(CUBE);
        for (site, multiplicity) in [
            ([0.0, 0.0, 0.0], 4),
            ([0.5, 0.5, 0.5], 4),
            ([0.25, 0.25, 0.25], 8),
            ([0.0, 0.25, 0.25], 24),
            ([0.2, 0.0, 0.0], 24),
            ([0.1, 0.1, 0.1], 32),
            ([0.3, 0.25, 0.25], 48),
            ([0.0, 0.15, 0.15], 48),
            ([0.0, 0.1, 0.2], 96),
            ([0.1, 0.1, 0.2], 96),
            ([0.05, 0.1, 0.2], 192),
            ([0.251, 0.249, 0.2502], 8),
            ([0.1004, 0.0996, 0.1], 32),
        ] {
            let mut expander = Expander::default();
            let images = expander.images(&site, &operations, &nearness, || [0.0; 3]).expect("a position");
            assert_eq!(images.len(), multiplicity, "{site:?}");
        }
    }

    #[test]
    fn a_rounded_site_goes_to_its_special_position() {
        let operations = operations_of_hall_symbol("-P 6c 2c").expect("a group");
        let nearness = nearness([2.5, 2.5, 6.7, 90.0, 90.0, 120.0]);
        let mut expander = Expander::default();
        let images = expander
            .images(&[0.3333, 0.6667, 0.2501], &operations, &nearness, || [0.0; 3])
            .expect("a position");
        let expected = [[1.0 / 3.0, 2.0 / 3.0, 0.25], [2.0 / 3.0, 1.0 / 3.0, 0.75]];
        assert_eq!(images.len(), 2);
        for (image, expected) in images.iter().zip(expected) {
            assert!(image.iter().zip(expected).all(|(x, y)| (x - y).abs() < 1e-12), "{images:?}");
        }
    }

    #[test]
    fn images_neither_together_nor_apart_are_an_error() {
        let operations = operations_of_hall_symbol("-P 4 2 3").expect("a group");
        // Two mirror planes 0.04 Å away in each direction: images across one are near, across both 0.11 Å away.
        let site = [0.005, 0.005, 0.3];
        let mut expander = Expander::default();
        let result = expander.images(&site, &operations, &nearness(CUBE), || [0.0; 3]);
        let result = result.map(<[_]>::len);
        assert!(
            matches!(result, Err(Ambiguous { distance }) if (0.1..0.12).contains(&distance)),
            "{result:?}"
        );
    }

    #[test]
    fn centrings_of_a_tiny_cell_are_no_roundings() {
        let operations = operations_of_hall_symbol("-F 4 2 3").expect("a group");
        let nearness = nearness([0.564, 0.564, 0.564, 90.0, 90.0, 90.0]);
        let mut expander = Expander::default();
        let images = expander.images(&[0.0; 3], &operations, &nearness, || [0.0; 3]).map(<[_]>::len);
        assert_eq!(images, Ok(4));
    }

    #[test]
    fn few_digits_reach_as_far_as_they_leave_open() {
        let operations = operations_of_hall_symbol("-P 6c 2c").expect("a group");
        let count = |a: f64, site: [f64; 3], uncertainty: [f64; 3]| {
            let nearness = nearness([a, a, 7.0, 90.0, 90.0, 120.0]);
            let mut expander = Expander::default();
            expander.images(&site, &operations, &nearness, || uncertainty).map(<[_]>::len)
        };
        let two_digits = [0.01, 0.01, 0.0];
        for a in [3.0, 9.0, 12.0, 30.0] {
            assert_eq!(count(a, [0.33, 0.67, 0.25], two_digits), Ok(2), "{a}");
            assert_eq!(count(a, [0.67, 0.33, 0.25], two_digits), Ok(2), "{a}");
            assert_eq!(count(a, [0.66, 0.33, 0.25], two_digits), Ok(2), "{a}");
        }
        // The same place given with four digits is no special position, and no atoms are so near each other.
        assert!(count(12.0, [0.33, 0.67, 0.25], [1e-4, 1e-4, 0.0]).is_err());
        // Two digits do not explain 0.31 for 1/3.
        assert!(count(5.0, [0.31, 0.69, 0.25], two_digits).is_err());
        // Nor are positions apart that the digits leave open.
        assert_eq!(count(12.0, [0.2, 0.8, 0.25], [0.1, 0.1, 0.0]), Ok(6));
    }

    proptest! {
        #[test]
        fn wrapping_keeps_the_fraction(x in -1e6f64..1e6) {
            let inside = wrapped(x);
            prop_assert!((0.0..1.0).contains(&inside));
            let apart = x - inside;
            prop_assert!((apart - apart.round()).abs() < 1e-9);
        }
    }

    #[test]
    fn wrapping_of_odd_values() {
        for x in [0.0, -0.0, 1.0, -1.0, -1e-20, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY] {
            assert!((0.0..1.0).contains(&wrapped(x)), "{x}");
        }
    }
}
