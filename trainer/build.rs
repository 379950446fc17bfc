//! Tells the linker where the programs find libtorch when they start (feature `tch`).
//!
//! The libraries are those of the folder that `LIBTORCH` names, see `make libtorch`. Its path goes into
//! the programs, so that they start without `LD_LIBRARY_PATH`; where that is set, it is looked at
//! first, so that a program moved to another machine runs with the libraries there.

use std::env;
use std::path::{Path, PathBuf};

/// Environment variable with the folder of libtorch, which holds `include` and `lib`.
const FOLDER: &str = "LIBTORCH";
/// The library that every libtorch has, with CUDA or without.
const LIBRARY: &str = "libtorch_cpu.so";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={FOLDER}");
    if env::var_os("CARGO_FEATURE_TCH").is_none() {
        return;
    }
    match library_folder() {
        Ok(folder) => {
            // As RUNPATH, not RPATH: the latter would go before LD_LIBRARY_PATH.
            println!("cargo::rustc-link-arg=-Wl,--enable-new-dtags,-rpath,{}", folder.display());
        }
        Err(reason) => println!("cargo::error=feature `tch`: {reason}; `make libtorch` makes one"),
    }
}

/// The folder of the libraries, or what is wrong with what `LIBTORCH` names.
fn library_folder() -> Result<PathBuf, String> {
    let named = env::var_os(FOLDER).ok_or_else(|| format!("{FOLDER} must name the folder of libtorch"))?;
    let named = Path::new(&named);
    if !named.is_absolute() {
        // Every crate's build runs in a folder of its own, and the path outlives them.
        return Err(format!("{FOLDER} must be an absolute path, not {}", named.display()));
    }
    let folder = named.join("lib");
    if folder.join(LIBRARY).is_file() {
        Ok(folder)
    } else {
        Err(format!("{FOLDER} names {}, which holds no lib/{LIBRARY}", named.display()))
    }
}
