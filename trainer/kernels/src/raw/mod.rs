//! All `unsafe` code of the crate.
//!
//! * [`level`]: loops with the machine's vector instructions
//! * [`product`]: matrix products with the machine's vector instructions
//! * [`fresh`]: vectors that several threads write once, without filling them with zeros first
//!
//! Each file says why it needs `unsafe` and how it keeps the contract. Its functions for other modules are safe to
//! call with any arguments. The lint against `unsafe` is allowed here and nowhere else in the crate. `make sanitize`
//! runs the crate's tests under AddressSanitizer and Valgrind.
#![allow(unsafe_code)]

pub(crate) mod fresh;
pub(crate) mod level;
pub(crate) mod product;

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
        let mut found = Vec::new();
        sources(Path::new(env!("CARGO_MANIFEST_DIR")), &mut found);
        let lint = ["unsafe", "_code"].concat();
        found.retain(|path| fs::read_to_string(path).expect("a source").contains(&lint));
        assert!(found.len() == 1 && found[0].ends_with("src/raw/mod.rs"), "{found:?}");
    }
}
