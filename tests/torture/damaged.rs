//! Files with a byte flipped, a block overwritten or the end cut off, one after the other.

use std::fs;
use std::path::{Path, PathBuf};

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

/// Bytes that a lost block of a disk is overwritten by.
const BLOCK: usize = 512;

/// What was done to a file, for messages.
pub(crate) type Damage = String;

/// A file that is damaged again and again; dropped, it is whole.
pub(crate) struct Damaged {
    path: PathBuf,
    whole: Vec<u8>,
    random: ChaCha8Rng,
}

impl Damaged {
    /// A file that is still whole.
    pub(crate) fn new(path: &Path, seed: u64) -> Self {
        let whole = fs::read(path).expect("a readable file");
        Self { path: path.to_owned(), whole, random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// The last part of the file's name.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().expect("it has a name").to_string_lossy().into_owned()
    }

    /// Damages the file in one of four ways, each region of it as likely as its size; what was done.
    pub(crate) fn damage(&mut self) -> Damage {
        let mut bytes = self.whole.clone();
        let at = usize::try_from(self.random.next_u64() % bytes.len().max(1) as u64).expect("an offset");
        let damage = match self.random.next_u64() % 4 {
            0 => {
                let bit = self.random.next_u64() % 8;
                bytes[at] ^= 1 << bit;
                format!("bit {bit} of byte {at} flipped")
            }
            1 => {
                let other = u8::try_from(1 + self.random.next_u64() % 255).expect("1 to 255");
                bytes[at] ^= other;
                format!("byte {at} xor {other:#x}")
            }
            2 => {
                let end = (at + BLOCK).min(bytes.len());
                bytes[at..end].fill(0);
                format!("bytes {at} to {end} zero")
            }
            _ => {
                bytes.truncate(at);
                format!("cut at {at}")
            }
        };
        fs::write(&self.path, &bytes).expect("a writable folder");
        damage
    }

    /// Makes the file whole again.
    pub(crate) fn mend(&self) {
        fs::write(&self.path, &self.whole).expect("a writable folder");
    }
}

impl Drop for Damaged {
    fn drop(&mut self) {
        // The folder may be gone by then.
        let _ = fs::write(&self.path, &self.whole);
    }
}
