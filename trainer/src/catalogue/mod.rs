//! Weights by name: the catalogue of published weights, and the user's copies of them.
//!
//! * [`entry`]: an entry of the catalogue, built in or from a TOML file
//! * `builtin`: the built-in entries
//! * [`cache`]: the folder of copies, which are compared with their SHA-256 before every use
//! * [`mod@error`]: errors of both
//!
//! [`locate`] is what commands do with the weights that a user names.

mod builtin;
pub mod cache;
pub mod entry;
pub mod error;

use std::path::{Path, PathBuf};

use etl::fetch::{FetchProgress, Place};

pub use cache::{Cache, State};
pub use entry::{Entry, Origin};
pub use error::CatalogueError;

/// Weights that a user has named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The user's copy of weights of the catalogue, or else the argument itself, which need not exist.
    pub path: PathBuf,
    /// A message for the user that names the weights that were taken. `None` if the argument can only mean a path, which
    /// names them by itself.
    pub note: Option<String>,
}

/// Finds the weights that an argument names.
///
/// * A path that ends in `.toml` means the weights that this file describes.
/// * A name (letters, digits, `-` and `_`) means built-in weights, unless a file or folder has it: commands then keep their
///   meaning when the catalogue grows.
/// * Anything else is a path and returned as it is.
///
/// Weights of the catalogue are fetched into the user's cache unless it has them.
///
/// # Errors
/// [`CatalogueError`] for a name that is neither in the catalogue nor a path, and for weights that cannot be fetched.
pub fn locate(argument: &Path, progress: &mut dyn FetchProgress) -> Result<Located, CatalogueError> {
    let as_given = |note| Ok(Located { path: argument.to_owned(), note });
    let text = argument.to_str().unwrap_or_default();
    let is_name = entry::is_name(text);
    if !is_name && !entry::is_file_name(text) {
        return as_given(None);
    }
    if is_name && argument.symlink_metadata().is_ok() {
        let is_ambiguous = Entry::names().contains(&text);
        return as_given(is_ambiguous.then(|| {
            format!("{text}: the file or folder of this name is taken, not the weights of the catalogue")
        }));
    }
    let entry = Entry::load(text).map_err(|error| match error {
        CatalogueError::Unknown { name, nearest } => CatalogueError::Nothing { name, nearest },
        error => error,
    })?;
    let path = Cache::of_user()?.get(&entry, &Place::Published, progress)?;
    let Entry { name, about, licence, .. } = entry;
    let note = format!("weights {name}: {about} (licence of the data: {licence}): {}", path.display());
    Ok(Located { path, note: Some(note) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_left_as_they_are() {
        // The last is the folder of the package's sources, in which tests run.
        for path in ["runs/a/best.safetensors", "best.safetensors", "runs/*", "./mmpt", "a b", "", "src"] {
            let located = locate(Path::new(path), &mut ()).expect("a path");
            assert_eq!(located, Located { path: path.into(), note: None });
        }
    }

    #[test]
    fn an_unknown_name_is_no_path() {
        let error = locate(Path::new("no-such-weights"), &mut ()).expect_err("unknown");
        assert!(matches!(error, CatalogueError::Nothing { .. }), "{error}");
        let error = locate(Path::new("none/of/these.toml"), &mut ()).expect_err("no file");
        assert!(error.to_string().contains("none/of/these.toml"), "{error}");
    }
}
