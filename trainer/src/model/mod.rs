//! Models: encoders, one folder per kind, and their shared parts.
//!
//! * [`encoder`]: the encoders of all kinds; [`mmpt`]: the encoder of MMPT; [`encoding`]: their output
//! * [`head`]: an encoder with a head that predicts a property
//! * [`layers`]: linear layers, perceptrons and their initialisation
//! * [`batch`]: the input of a model as tensors; [`mask`]: the hidden atoms of the masked views
//! * [`names`]: names of parameters in a weights file; [`mod@trace`]: intermediate tensors by name

pub mod batch;
pub mod encoder;
pub mod encoding;
pub mod head;
pub mod layers;
pub mod mask;
pub mod mmpt;
pub mod names;
pub mod trace;

pub use batch::Batch;
pub use encoder::Encoder;
pub use encoding::Encoding;
pub use head::PropertyModel;
pub use trace::Trace;
