//! Weights files in half precision.

use std::path::Path;

use super::error::WeightsError;
use super::file::{read, write};
use super::tensor::{ElementType, Values};

/// Copies a weights file with its tensors as halves. Metadata stay as they are.
///
/// # Errors
/// Those of reading and writing, [`WeightsError::Range`] for numbers beyond the largest half.
pub fn pack(from: &Path, to: &Path, element: ElementType) -> Result<(), WeightsError> {
    let file = read(from)?;
    let tensors = file.tensors.into_iter().map(|(name, mut tensor)| {
        tensor.values = Values::F32(tensor.values.into_f32());
        tensor.element = element;
        (name, tensor)
    });
    write(to, &file.metadata, tensors)
}
