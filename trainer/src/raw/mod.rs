//! All of the project's `unsafe` code, so that there is one place to look for it.
//!
//! * `simd`: loops and matrix products for the machine's vector instructions
//! * `fresh`: vectors that are written once, by several threads, without being filled with zeros first
//! * [`allocator`]: glibc's settings
//! * `libtorch`: the values of libtorch's tensors as slices
//!
//! Each file says why it cannot be safe and how it keeps the contract; what it offers to the others is
//! safe to call with any arguments. The lint that denies `unsafe` is off here and nowhere else. `make
//! sanitize` runs the tests of this module and of the kernels on it under AddressSanitizer and Valgrind.
#![allow(unsafe_code)]

pub mod allocator;
pub(crate) mod fresh;
#[cfg(feature = "tch")]
pub(crate) mod libtorch;
pub(crate) mod simd;

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
        let here = Path::new(file!()).file_name().expect("a file's name");
        assert!(found.len() == 1 && found[0].ends_with(Path::new("raw").join(here)), "{found:?}");
    }
}
