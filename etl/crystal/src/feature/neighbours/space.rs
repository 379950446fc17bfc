//! Periodic images of sites, their bounding box and distances.

use crate::feature::FeatureError;
use crate::math::Vector3;

/// Slack of the fractional bounds within which images are searched. It is far above rounding errors.
const BOUND_SLACK: f64 = 1e-6;

/// Site and image of an atom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label {
    /// Index of the site.
    pub(super) site: u32,
    /// Periodic image k.
    pub(super) image: [i16; 3],
}

/// The images of one site: all k between two corners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Smallest k1, k2, k3.
    pub(super) first: [i16; 3],
    /// Largest k1, k2, k3.
    pub(super) last: [i16; 3],
    /// Number of the site's first atom.
    pub(super) start: u32,
}

impl Span {
    /// Returns the number of images along an axis.
    pub(super) fn extent(&self, axis: usize) -> u32 {
        // The range along an axis is never empty, because it includes the home cell.
        (i32::from(self.last[axis]) - i32::from(self.first[axis]) + 1) as u32
    }

    /// Returns the number of images.
    pub(super) fn count(&self) -> u64 {
        (0..3).map(|axis| u64::from(self.extent(axis))).product()
    }
}

/// Fractional box that contains all atoms within the radius of any site in the home cell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Lower corner.
    pub(super) lower: Vector3,
    /// Upper corner.
    pub(super) upper: Vector3,
    /// The radius in fractional units along each axis.
    pub(super) reach: Vector3,
}

impl Bounds {
    /// Computes the box. Within the radius a fractional coordinate changes by at most `radius / spacing`, where
    /// `spacing` is the distance of the lattice planes. The box is the range of the sites' coordinates extended by
    /// that.
    pub(super) fn new(fractional: &[Vector3], spacings: &Vector3, radius: f64) -> Self {
        let mut lower = [f64::INFINITY; 3];
        let mut upper = [f64::NEG_INFINITY; 3];
        for site in fractional {
            lower = [0, 1, 2].map(|axis| lower[axis].min(site[axis]));
            upper = [0, 1, 2].map(|axis| upper[axis].max(site[axis]));
        }
        let reach = spacings.map(|spacing| radius / spacing + BOUND_SLACK);
        lower = [0, 1, 2].map(|axis| lower[axis] - reach[axis]);
        upper = [0, 1, 2].map(|axis| upper[axis] + reach[axis]);
        Self { lower, upper, reach }
    }

    /// Returns the images that bring a site into the box.
    pub(super) fn span(&self, fractional: &Vector3, site: usize, start: u32) -> Result<Span, FeatureError> {
        let mut span = Span { first: [0; 3], last: [0; 3], start };
        for (axis, &coordinate) in fractional.iter().enumerate() {
            let first = (self.lower[axis] - coordinate).ceil();
            let last = (self.upper[axis] - coordinate).floor();
            if first <= f64::from(i16::MIN) || last >= f64::from(i16::MAX) {
                return Err(FeatureError::ImageOverflow { site, image: last.max(-first) });
            }
            (span.first[axis], span.last[axis]) = (first as i16, last as i16);
        }
        Ok(span)
    }
}

/// Returns the squared distance of two points.
#[inline]
pub(super) fn squared_distance(point: &Vector3, centre: &Vector3) -> f64 {
    let (dx, dy, dz) = (point[0] - centre[0], point[1] - centre[1], point[2] - centre[2]);
    dx * dx + dy * dy + dz * dz
}
