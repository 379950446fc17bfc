//! SHA-256 of what a weights file holds, whatever the order in which it holds it.

use std::collections::BTreeMap;
use std::io::{self, Sink, Write};

use schemas::hash::HashingWriter;

use super::tensor::{Tensor, Values};

/// Metadata key of the SHA-256 of all other metadata and of the tensors. Not one of the `mmpt.` keys: it
/// says nothing about what the weights belong to.
pub(super) const SHA256_KEY: &str = "content_sha256";

/// SHA-256, in hexadecimal, of metadata and tensors in order of their names. Texts, shapes and numbers go
/// in with their lengths before them, numbers least byte first.
///
/// # Errors
/// None but those of [`Values::write`], and a hash takes everything.
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
