//! The fuzz targets' seeds, and mutations of them, through the same entry points.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

// The file is also a module of the fuzz targets' crate, where its items are public.
#[allow(unreachable_pub)]
#[path = "../../fuzz/src/entry.rs"]
mod entry;

use entry::{ENTRIES, Entry};

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

#[test]
fn no_seed_and_no_mutation_breaks_a_reader() {
    let fuzz = crate::support::root().join("fuzz");
    for (target, entry) in ENTRIES {
        let seeds = files(&fuzz.join("seeds").join(target));
        assert!(!seeds.is_empty(), "{target} has seeds");
        for (number, (path, seed)) in seeds.iter().enumerate() {
            run(entry, seed, &path.display().to_string());
            let mut random = Random::new(number as u64 + 1);
            for mutation in 0..MUTATIONS {
                let (_, other) = &seeds[random.below(seeds.len())];
                let bytes = random.mutate(seed, other);
                run(entry, &bytes, &format!("mutation {mutation} of {}", path.display()));
            }
        }
    }
}

#[test]
fn every_entry_point_is_a_fuzz_target_with_a_dictionary() {
    let fuzz = crate::support::root().join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("the targets' manifest");
    for (target, _) in ENTRIES {
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
        assert!(fuzz.join(format!("fuzz_targets/{target}.rs")).exists(), "{target}");
        assert!(fuzz.join(format!("dictionaries/{target}.dict")).exists(), "{target}");
    }
    let targets = files(&fuzz.join("fuzz_targets"));
    assert_eq!(targets.len(), ENTRIES.len(), "no target without an entry point");
}
