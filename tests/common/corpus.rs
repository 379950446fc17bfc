//! Arbitrary bytes through the fuzz targets' entry points: their seeds, and mutations of them.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// One way to feed bytes to the program.
type Entry = fn(&[u8]);

/// Mutations of each seed.
const MUTATIONS: usize = 300;
/// Most changes in one mutation.
const MAX_CHANGES: usize = 6;
/// Longest piece that a change removes, repeats or takes from another seed, in bytes.
const MAX_PIECE: usize = 64;
/// Bytes that mean something in one of the formats.
const SIGNIFICANT: &[u8] = b"\0\t\n\r \"#'()+,-.0189:;?[\\]_eaxyz{}\x7f\x80\xc3\xff";

/// A random sequence, always the same: Marsaglia's xorshift with 64 bits.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`, 0 where that is 0.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }

    /// A piece of some bytes.
    fn piece<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self.below(bytes.len() + 1);
        let length = self.below(MAX_PIECE.min(bytes.len() - start) + 1);
        &bytes[start..start + length]
    }

    /// A few changes to a seed, with pieces of another one.
    fn mutate(&mut self, seed: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(MAX_CHANGES) {
            let at = self.below(bytes.len() + 1);
            match self.below(7) {
                0 => bytes.truncate(at),
                1 => {
                    let end = at + self.below(MAX_PIECE.min(bytes.len() - at) + 1);
                    bytes.drain(at..end);
                }
                2 => bytes.insert(at, SIGNIFICANT[self.below(SIGNIFICANT.len())]),
                3 => {
                    let piece = self.piece(&bytes).to_vec();
                    bytes.splice(at..at, piece);
                }
                4 => {
                    bytes.splice(at..at, self.piece(other).iter().copied());
                }
                5 if at < bytes.len() => bytes[at] = SIGNIFICANT[self.below(SIGNIFICANT.len())],
                _ if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                _ => {}
            }
        }
        bytes
    }
}

/// The files of a folder with their bytes, in the order of their names.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("readable"))).collect()
}

fn run(entry: Entry, bytes: &[u8], what: &str) {
    if catch_unwind(AssertUnwindSafe(|| entry(bytes))).is_err() {
        panic!("{what} breaks on b\"{}\"", bytes.escape_ascii());
    }
}

/// Runs every seed of the targets, and mutations of them.
///
/// # Panics
/// When one breaks its target, which is named with the bytes.
pub(crate) fn try_seeds(fuzz: &Path, targets: &[(&str, Entry)]) {
    for (target, entry) in targets {
        let seeds = files(&fuzz.join("seeds").join(target));
        assert!(!seeds.is_empty(), "{target} has seeds");
        for (number, (path, seed)) in seeds.iter().enumerate() {
            run(*entry, seed, &path.display().to_string());
            let mut random = Random::new(number as u64 + 1);
            for mutation in 0..MUTATIONS {
                let (_, other) = &seeds[random.below(seeds.len())];
                let bytes = random.mutate(seed, other);
                run(*entry, &bytes, &format!("mutation {mutation} of {}", path.display()));
            }
        }
    }
}

/// Checks that all that is fuzzed through a module of entry points is listed there, with all that belongs to it.
///
/// # Panics
/// When something is missing.
pub(crate) fn check_targets(fuzz: &Path, module: &str, targets: &[(&str, Entry)]) {
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("the targets' manifest");
    for (target, _) in targets {
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
        assert!(fuzz.join(format!("dictionaries/{target}.dict")).exists(), "{target}");
    }
    let called = files(&fuzz.join("fuzz_targets")).into_iter().filter_map(|(path, source)| {
        let source = String::from_utf8(source).expect("a source is text");
        source.contains(&format!("fuzz::{module}::")).then(|| path.file_stem().map(ToOwned::to_owned))?
    });
    let called: Vec<_> = called.collect();
    assert!(targets.iter().map(|(target, _)| *target).eq(called.iter().map(|name| &**name)), "{called:?}");
}
