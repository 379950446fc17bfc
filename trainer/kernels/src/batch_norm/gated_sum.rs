//! Batch normalisation followed by the gated sum of CGCNN, without the normalised matrix in between.

use std::ops::Range;

use super::{After, Layer, Sums, dx, sums};
use crate::gated;
use crate::real::Real;
use crate::rows::{self, elements};
use crate::topology::Topology;

/// The gated sum of [`gated::sum`], and the gradient of its result.
struct Gated<'a, R> {
    target: &'a [i32],
    grad: &'a [R],
    channels: usize,
}

impl<'a, R: Real> Gated<'a, R> {
    fn new(layer: &Layer<'_, R>, x: &[R], grad: &'a [R], topology: Topology<'a>) -> Self {
        topology.check();
        let channels = layer.channels() / 2;
        assert_eq!(x.len(), topology.edges() * 2 * channels, "x has a row for each edge");
        assert_eq!(grad.len(), topology.atoms() * channels, "the gradient has a row for each atom");
        Self { target: topology.target, grad, channels }
    }
}

impl<R: Real> After<R> for Gated<'_, R> {
    fn dz<'a>(
        &'a self,
        rows: &Range<usize>,
        z: impl FnOnce(&mut [R]),
        [values, dz, _]: [&'a mut [R]; 3],
    ) -> &'a [R] {
        let length = rows.len() * 2 * self.channels;
        let (values, dz) = (&mut values[..length], &mut dz[..length]);
        z(values);
        let width = 2 * self.channels.max(1);
        let strips = values.chunks_exact(width).zip(dz.chunks_exact_mut(width));
        for ((values, dz), target) in strips.zip(&self.target[rows.clone()]) {
            let grad = &self.grad[*target as usize * self.channels..][..self.channels];
            gated::differentiate_gated(values, grad, dz);
        }
        dz
    }
}

/// Returns the sums over the edges into each atom of z, whose rows are gates and cores as in [`gated::sum`]. z, shape
/// \[E, channels\] with an even number of channels, is never stored. The activation of the layer is not used.
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn forward<R: Real>(layer: Layer<'_, R>, x: &[R], topology: Topology<'_>) -> Vec<R> {
    let channels = layer.channels();
    topology.check();
    assert_eq!(x.len(), topology.edges() * channels, "x has a row for each edge");
    let columns = layer.columns();
    rows::of_atoms_with(topology.atoms(), channels / 2, Vec::new, |z: &mut Vec<R>, atom, sum| {
        let range = elements(&topology.incoming_of(atom), channels);
        z.resize(range.len(), R::ZERO);
        columns.z(&x[range], z);
        gated::add_gated(z, sum);
    })
}

/// Returns the sums of the backward pass; see [`super::backward_sums`]. `grad` is the gradient of the
/// result, \[N, channels / 2\].
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn backward_sums<R: Real>(layer: Layer<'_, R>, x: &[R], grad: &[R], topology: Topology<'_>) -> Sums {
    sums(layer, x, &Gated::new(&layer, x, grad, topology))
}

/// Returns the gradient of x; see [`super::backward_x`]. `grad` is the gradient of the
/// result, \[N, channels / 2\].
///
/// # Panics
/// If a slice does not have the length of its shape.
pub fn backward_x<R: Real>(
    layer: Layer<'_, R>,
    x: &[R],
    grad: &[R],
    means: &Sums,
    topology: Topology<'_>,
) -> Vec<R> {
    dx(layer, x, &Gated::new(&layer, x, grad, topology), means)
}
