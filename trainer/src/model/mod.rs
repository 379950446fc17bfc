//! The models: encoders, one folder a kind, and what they share.
//!
//! * [`encoder`]: the kinds; [`mmpt`]: MMPT's; [`encoding`]: what they make of a batch
//! * [`head`]: an encoder with a head, which predicts a property
//! * [`layers`]: what they are made of
//! * [`batch`]: what they take, as tensors; [`mask`]: atoms that are hidden
//! * [`names`]: parameters by the names of a weights file; [`mod@trace`]: intermediate tensors by name

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
pub use encoding::{Encoding, Widths};
pub use head::PropertyModel;
pub use trace::Trace;
