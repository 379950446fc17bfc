//! Edge labels: the direction label of a neighbour's image and whether the image is the home cell (specification,
//! section 2.4). Both are also computed relative to a home cell centred on the atom.

use crate::feature::Edges;
use crate::math::Vector3;

/// Direction label of the home cell.
pub const HOME_DIRECTION: u8 = 13;

/// Returns the label `9 (s1 + 1) + 3 (s2 + 1) + (s3 + 1)` of three signs (-1, 0 or 1).
#[inline]
fn direction_class([first, second, third]: [i8; 3]) -> u8 {
    (13 + 9 * first + 3 * second + third) as u8
}

/// Returns the sign of an image component, where 0 has the sign 0.
#[inline]
fn image_sign(image: i16) -> i8 {
    i8::from(image > 0) - i8::from(image < 0)
}

/// Returns the sign of a component of a fractional displacement, or 0 if it lies within the cell centred on the atom.
#[inline]
fn centred_sign(displacement: f64, half: f64) -> i8 {
    i8::from(displacement > half) - i8::from(displacement < -half)
}

/// Fills the four label columns of `edges` from its other columns.
///
/// `fractional` holds the wrapped fractional coordinates of the sites, shape `[nsites, 3]`. `tolerance` is added to
/// the bound of one half of a lattice vector.
pub(crate) fn label_edges(fractional: &[Vector3], tolerance: f64, edges: &mut Edges) {
    let half = 0.5 + tolerance;
    let Edges { source, target, image, direction, direction_centred, .. } = edges;
    let [first, second, third] = &*image;
    // Simple loops over slices of equal length are vectorised by the compiler.
    direction.resize(first.len(), 0);
    for (((class, &k1), &k2), &k3) in direction.iter_mut().zip(first).zip(second).zip(third) {
        *class = direction_class([image_sign(k1), image_sign(k2), image_sign(k3)]);
    }
    direction_centred.resize(first.len(), 0);
    let images = first.iter().zip(second).zip(third);
    let edges_of = source.iter().zip(&*target).zip(images);
    for (class, ((&source, &target), ((&k1, &k2), &k3))) in direction_centred.iter_mut().zip(edges_of) {
        let (neighbour, centre) = (&fractional[source as usize], &fractional[target as usize]);
        let sign =
            |axis: usize, image: i16| centred_sign(neighbour[axis] + f64::from(image) - centre[axis], half);
        *class = direction_class([sign(0, k1), sign(1, k2), sign(2, k3)]);
    }
    mark_home(&edges.direction, &mut edges.same_cell);
    mark_home(&edges.direction_centred, &mut edges.same_cell_centred);
}

/// Fills `same_cell`: whether each direction label is that of the home cell.
fn mark_home(directions: &[u8], same_cell: &mut Vec<bool>) {
    same_cell.resize(directions.len(), false);
    for (is_home, &class) in same_cell.iter_mut().zip(directions) {
        *is_home = class == HOME_DIRECTION;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_number_the_27_neighbouring_cells() {
        assert_eq!(direction_class([-1, -1, -1]), 0);
        assert_eq!(direction_class([0, 0, 0]), HOME_DIRECTION);
        assert_eq!(direction_class([1, 0, -1]), 21);
        assert_eq!(direction_class([1, 1, 1]), 26);
        assert_eq!([-3, -1, 0, 1, 7].map(image_sign), [-1, -1, 0, 1, 1]);
    }

    #[test]
    fn half_a_cell_is_still_the_centred_cell() {
        let half = 0.5 + 1e-4;
        let displacements = [-0.6, -0.50011, -0.50009, 0.5, half, 0.50011];
        assert_eq!(displacements.map(|x| centred_sign(x, half)), [-1, -1, 0, 0, 0, 1]);
    }

    #[test]
    fn labels_follow_the_other_columns() {
        let mut edges = Edges {
            source: vec![1, 1, 0],
            target: vec![0, 0, 1],
            image: [vec![0, -1, 0], vec![0, 0, 0], vec![0, -2, 1]],
            ..Default::default()
        };
        // Along the first axis the second atom is 0.8 from the first, so its image at -0.2 is nearer.
        let fractional = [[0.1, 0.5, 0.5], [0.9, 0.5, 0.5]];
        for _ in 0..2 {
            label_edges(&fractional, 1e-4, &mut edges);
            assert_eq!(edges.direction, [13, 3, 14]);
            assert_eq!(edges.same_cell, [true, false, false]);
            assert_eq!(edges.direction_centred, [22, 12, 5]);
            assert_eq!(edges.same_cell_centred, [false; 3]);
        }
    }
}
