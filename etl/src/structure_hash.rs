//! The structure hash: one text for equal crystals, whatever their cell, orientation, origin and order of sites
//! (specification, section 2.8).

use crystal::feature::{FeatureOptions, Features};
use crystal::fingerprint::Fingerprinter;
use schemas::hash::sha256;

/// Name of the definition. It is hashed, too, so that hashes of another definition differ.
const DEFINITION: &str = "mmpt-structure-1";
/// Number of hexadecimal digits in a structure hash, which are 64 bits. The chance that any two of ten million crystals
/// with other formulas or numbers have the same hash is 3e-6.
pub(crate) const DIGITS: usize = 16;

/// Computes structure hashes and reuses its buffers. Create one for each thread.
#[derive(Debug)]
pub struct StructureHasher {
    fingerprinter: Fingerprinter,
}

impl StructureHasher {
    /// Creates a hasher of crystals whose features were computed with these options, on which the hashes do not depend.
    pub fn new(options: &FeatureOptions) -> Self {
        Self { fingerprinter: Fingerprinter::new(options) }
    }

    /// Returns the hash of a crystal, 16 hexadecimal digits: the first of the SHA-256 of its reduced formula and its rounded
    /// invariants. `atomic_numbers` has the shape `[nsites]`, in the order of the sites of `features`. `None` if the features
    /// were computed with other options than the default ones and the neighbours by those cannot be found.
    pub fn hash(&mut self, formula: &str, atomic_numbers: &[u8], features: &Features) -> Option<String> {
        let invariants = self.fingerprinter.invariants(atomic_numbers, features).ok()?;
        let mut text = format!("{DEFINITION} {formula}");
        for invariant in invariants {
            text.push(' ');
            text.push_str(&invariant.to_string());
        }
        let mut digest = sha256(text);
        digest.truncate(DIGITS);
        Some(digest)
    }
}
