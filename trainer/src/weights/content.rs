//! SHA-256 of the content of a weights file, independent of the order of its entries.

use std::collections::BTreeMap;
use std::io::{self, Sink, Write};

use schemas::hash::HashingWriter;

use super::tensor::{Tensor, Values};

/// Metadata key of the SHA-256 of all other metadata and the tensors. It has no prefix `mmpt.`, since it is not part
/// of the description of the weights.
pub(super) const SHA256_KEY: &str = "content_sha256";

/// Returns the SHA-256 (hexadecimal) of metadata and tensors in the order of their names. Texts, shapes and numbers
/// are hashed after their lengths, numbers in little-endian order.
///
/// # Errors
/// Those of [`Values::write`]. Writing to a hash does not fail.
pub(super) fn sha256(
    metadata: &BTreeMap<String, String>,
    tensors: &BTreeMap<String, Tensor>,
) -> io::Result<String> {
    let mut hash = HashingWriter::new(io::sink());
    count(&mut hash, metadata.len())?;
    for (key, value) in metadata {
        text(&mut hash, key)?;
        text(&mut hash, value)?;
    }
    count(&mut hash, tensors.len())?;
    for (name, tensor) in tensors {
        text(&mut hash, name)?;
        text(&mut hash, if matches!(tensor.values, Values::F32(_)) { "F32" } else { "F64" })?;
        count(&mut hash, tensor.shape.len())?;
        tensor.shape.iter().try_for_each(|&size| count(&mut hash, size))?;
        tensor.values.write(&mut hash)?;
    }
    Ok(hash.finish().1)
}

fn count(hash: &mut HashingWriter<Sink>, count: usize) -> io::Result<()> {
    hash.write_all(&(count as u64).to_le_bytes())
}

fn text(hash: &mut HashingWriter<Sink>, text: &str) -> io::Result<()> {
    count(hash, text.len())?;
    hash.write_all(text.as_bytes())
}
