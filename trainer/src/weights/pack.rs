//! Weights files in half precision.

use std::path::Path;

use super::error::WeightsError;
use super::file::{read, write};
use super::tensor::{ElementType, Values};

/// Copies a weights file with its tensors in half precision, `element` ([`ElementType::F16`] or [`ElementType::BF16`]).
/// Metadata stay as they are. Every number is rounded to the nearest half: F16 has 11 binary digits and nothing nearer to
/// zero than 6e-8, BF16 has 8 binary digits and the range of single precision.
///
/// # Errors
/// Those of [`read`] and [`write()`], such as [`WeightsError::Range`] for numbers beyond the largest half (65,504 in F16).
pub fn pack(from: &Path, to: &Path, element: ElementType) -> Result<(), WeightsError> {
    let file = read(from)?;
    let tensors = file.tensors.into_iter().map(|(name, mut tensor)| {
        tensor.values = Values::F32(tensor.values.into_f32());
        tensor.element = element;
        (name, tensor)
    });
    write(to, &file.metadata, tensors)
}
