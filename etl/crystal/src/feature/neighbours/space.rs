//! Where image atoms are: their cells, the box around them, distances.

use crate::feature::FeatureError;
use crate::math::Vector3;

/// Slack of the fractional bounds within which images are looked for; far above rounding.
const BOUND_SLACK: f64 = 1e-6;

/// Site and cell of an image atom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label {
    /// Index of the site.
    pub(super) site: u32,
    /// Cell of the image.
    pub(super) image: [i16; 3],
}

/// The images of one site: all cells between two corners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Least k1, k2, k3.
    pub(super) first: [i16; 3],
    /// Greatest k1, k2, k3.
    pub(super) last: [i16; 3],
    /// Number of the site's first image atom.
    pub(super) start: u32,
}

impl Span {
    /// Number of images along an axis.
    pub(super) fn extent(&self, axis: usize) -> u32 {
        // The range of an axis is never empty: it holds the home cell.
        (i32::from(self.last[axis]) - i32::from(self.first[axis]) + 1) as u32
    }

    /// Number of images.
    pub(super) fn count(&self) -> u64 {
        (0..3).map(|axis| u64::from(self.extent(axis))).product()
    }
}

/// Fractional box that holds all image atoms within the radius of any home atom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Lower corner.
    pub(super) lower: Vector3,
    /// Upper corner.
    pub(super) upper: Vector3,
    /// The radius in fractional units of each axis.
    pub(super) reach: Vector3,
}

impl Bounds {
    /// A fractional coordinate changes by at most `radius / spacing` within the radius, so all
    /// neighbours lie within that of the range of the sites' coordinates.
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

    /// The images that bring a site into the box.
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

/// Squared distance of two points.
#[inline]
pub(super) fn squared_distance(point: &Vector3, centre: &Vector3) -> f64 {
    let (dx, dy, dz) = (point[0] - centre[0], point[1] - centre[1], point[2] - centre[2]);
    dx * dx + dy * dy + dz * dz
}
