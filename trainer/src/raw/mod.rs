//! All of the trainer's `unsafe` code, so that there is one place to look for it; that of the kernels is in
//! their crate, `trainer/kernels/src/raw`.
//!
//! * [`allocator`]: glibc's settings
//! * `libtorch`: the values of libtorch's tensors as slices
//!
//! Each file says why it cannot be safe and how it keeps the contract; what it offers to the others is
//! safe to call with any arguments. The lint that denies `unsafe` is off here and in the kernels and
//! nowhere else.
#![allow(unsafe_code)]

pub mod allocator;
#[cfg(feature = "tch")]
pub(crate) mod libtorch;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Every Rust source below a folder.
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
        for folder in ["schemas", "etl", "trainer", "tests"] {
            sources(&root.join(folder), &mut found);
        }
        let lint = ["unsafe", "_code"].concat();
        found.retain(|path| fs::read_to_string(path).expect("a source").contains(&lint));
        found.sort();
        let allowed = ["trainer/kernels/src/raw/mod.rs", "trainer/src/raw/mod.rs"];
        assert_eq!(found, allowed.map(|path| root.join(path)));
    }
}
