//! Kernels of graph neural networks for crystals on the CPU: forward and backward passes over row-major slices,
//! without a tensor library.
//!
//! * [`dense`]: linear layers with bias, activation and residual
//! * [`neighbour`]: sums over the neighbours of an atom and over the two ends of an edge
//! * [`edge_sum`]: sums over the edges into an atom, also of products with filters, as in SchNet
//!   ([arXiv 1706.08566](https://arxiv.org/abs/1706.08566))
//! * [`gated`]: sums over the edges into an atom with gates, as in CGCNN and ALIGNN
//! * [`batch_norm`] and [`layer_norm`]: normalisation of columns and of rows
//! * [`activation`] and [`gaussian`]: activations and Gaussian expansions
//! * [`attention`]: attention over the neighbours of an atom, as in MMPT
//!   ([arXiv 2306.05344](https://arxiv.org/abs/2306.05344))
//! * [`radial`]: messages weighted by a linear filter of a radial basis
//! * [`triplet`]: directional messages over triplets, as in DimeNet++
//!   ([arXiv 2011.14115](https://arxiv.org/abs/2011.14115))
//! * [`cross_entropy`]: cross entropy of class scores
//! * [`distance`]: squared Euclidean distances of many points from one
//! * [`adam`]: steps of Adam and AdamW, and the norm of a gradient
//!
//! [`Topology`] holds the edges of a batch. [`Real`] is implemented for `f32` and `f64`. Letters in shapes: N atoms,
//! E edges, P pairs of edges that meet in an atom.
//!
//! # Properties of all kernels
//!
//! * Results do not depend on the number of threads. Rows are divided into blocks of fixed size, and sums over blocks
//!   have a fixed order. The threads are those of the current rayon pool.
//! * A block passes through a whole kernel while it is in the cache, and each result is written once.
//! * Loops and products use the widest vectors of the machine, which are determined at run time ([`Level`]). Results
//!   may differ in the last digits between machines of different levels.
//! * A slice of the wrong length, a decreasing offset or an index out of range causes a panic. Nothing is read or
//!   written outside a slice.
//!
//! # Example
//!
//! A linear layer on two rows, and the gradients of the sum of its results:
//!
//! ```
//! use kernels::dense::{self, Activation, Shape};
//!
//! let shape = Shape { rows: 2, inputs: 2, outputs: 1 };
//! let (x, weight, bias) = ([1.0_f32, 2.0, -3.0, 1.0], [2.0, 1.0], [0.5]);
//! let (y, slope) = dense::forward(shape, &x, &weight, Some(&bias), None, Activation::Relu, true);
//! assert_eq!(y, [4.5, 0.0]);
//!
//! let gradients = dense::backward(shape, &[1.0, 1.0], slope.as_deref(), &x, &weight, true);
//! assert_eq!(gradients.dweight, [1.0, 2.0]);
//! assert_eq!(gradients.dbias, [1.0]);
//! assert_eq!(gradients.dx, Some(vec![2.0, 1.0, 0.0, 0.0]));
//! ```

pub mod activation;
pub mod adam;
pub mod attention;
mod awake;
pub mod batch_norm;
pub mod cross_entropy;
pub mod dense;
pub mod distance;
pub mod edge_sum;
pub mod gated;
pub mod gaussian;
pub mod layer_norm;
mod matrix;
pub mod neighbour;
mod parallel;
pub mod radial;
mod raw;
mod real;
mod rows;
mod topology;
pub mod triplet;
mod vectorised;

pub use raw::level::Level;
pub use real::Real;
pub use topology::Topology;

#[cfg(test)]
mod testing;
