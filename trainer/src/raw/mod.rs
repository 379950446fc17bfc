//! All `unsafe` code of the trainer. That of the kernels is in `trainer/kernels/src/raw`.
//!
//! * [`allocator`]: settings of glibc's allocator
//! * `libtorch`: slices of libtorch's tensors; `autograd`: leaving out its automatic differentiation
//!
//! Each file says why it needs `unsafe` and how it keeps the contract. Its public functions are safe to call with any
//! arguments. The lint against `unsafe` is allowed here and in the kernels and nowhere else.
#![allow(unsafe_code)]

pub mod allocator;
#[cfg(feature = "tch")]
pub(crate) mod autograd;
#[cfg(feature = "tch")]
pub(crate) mod libtorch;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Returns all Rust source files below a folder.
    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    #[test]
    fn no_other_module_may_be_unsafe() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut found = Vec::new();
        for folder in ["docs", "etl", "features", "schemas", "tests", "trainer"] {
            sources(&root.join(folder), &mut found);
        }
        let lint = ["unsafe", "_code"].concat();
        found.retain(|path| fs::read_to_string(path).expect("a source").contains(&lint));
        found.sort();
        let allowed = ["trainer/kernels/src/raw/mod.rs", "trainer/src/raw/mod.rs"];
        assert_eq!(found, allowed.map(|path| root.join(path)));
    }
}
