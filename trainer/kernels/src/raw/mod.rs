//! All of the crate's `unsafe` code, so that there is one place to look for it.
//!
//! * [`level`]: loops for the machine's vector instructions
//! * [`product`]: matrix products, likewise
//! * [`fresh`]: vectors that are written once, by several threads, without being filled with zeros first
//!
//! Each file says why it cannot be safe and how it keeps the contract; what it offers to the others is
//! safe to call with any arguments. The lint that denies `unsafe` is off here and nowhere else in the
//! crate. `make sanitize` runs the crate's tests under AddressSanitizer and Valgrind.
#![allow(unsafe_code)]

pub(crate) mod fresh;
pub(crate) mod level;
pub(crate) mod product;

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
        let mut found = Vec::new();
        sources(Path::new(env!("CARGO_MANIFEST_DIR")), &mut found);
        let lint = ["unsafe", "_code"].concat();
        found.retain(|path| fs::read_to_string(path).expect("a source").contains(&lint));
        assert!(found.len() == 1 && found[0].ends_with("src/raw/mod.rs"), "{found:?}");
    }
}
