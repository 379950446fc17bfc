//! Models: encoders, one folder per kind, and their shared parts.
//!
//! * [`encoder`]: the encoders of all kinds, and [`encoding`]: their output
//! * [`head`]: an encoder with a head that predicts a property; [`site_head`]: that of properties of the sites
//! * [`mmpt`], [`cgcnn`], [`schnet`], [`megnet`], [`alignn`], [`matformer`]: encoder and head of each kind
//! * [`atom_features`]: features of the elements
//! * [`pass`]: training or evaluation
//! * [`layers`]: linear layers, perceptrons and their initialisation
//! * [`batch`]: the input of a model as tensors, [`edge_labels`] and [`bases`] among them, `upload`: their way to a device
//! * [`mask`]: the hidden atoms of the masked views, [`views`]: both views as one batch
//! * [`names`]: names of parameters in a weights file; [`depth`]: the layers above them;
//!   [`mod@trace`]: intermediate tensors by name

pub mod alignn;
pub mod atom_features;
pub mod bases;
pub mod batch;
pub mod cgcnn;
pub mod depth;
pub mod edge_labels;
pub mod encoder;
pub mod encoding;
pub mod head;
pub mod layers;
pub mod mask;
pub mod matformer;
pub mod megnet;
pub mod mmpt;
pub mod names;
pub mod pass;
pub mod schnet;
pub mod site_head;
#[cfg(test)]
pub(crate) mod test_model;
#[cfg(test)]
mod tests;
pub mod trace;
mod upload;
pub mod views;

pub use batch::Batch;
pub use encoder::Encoder;
pub use encoding::Encoding;
pub use head::{Head, HeadSize, PropertyModel};
pub use pass::Pass;
pub use trace::Trace;
