//! Checks that the output of a command is not one of its inputs.
//!
//! Outputs are renamed into place. An output that is also an input, perhaps under another name, would overwrite it,
//! and a file written into a store that is read would damage the store.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::manifest::{MANIFEST_FILE, Manifest, STAGING_FOLDER, is_unfinished};
use crate::name::REJECTS_FOLDER;

/// An error of an output that would overwrite an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutputIsInput {
    /// Output and input are the same file or folder, perhaps under different names.
    #[error("{}: is also an input ({}) and cannot be the output", output.display(), input.display())]
    Same {
        /// The output as given.
        output: PathBuf,
        /// The input as given.
        input: PathBuf,
    },
    /// The output is, or lies in, a store that is read.
    #[error("{}: lies in the store {}, which is read, and cannot be the output", output.display(), store.display())]
    InStore {
        /// The output as given.
        output: PathBuf,
        /// Folder of the store.
        store: PathBuf,
    },
    /// The input lies in the folder whose files will be replaced.
    #[error("{}: is an input and lies in {}, whose files are to be replaced", input.display(), output.display())]
    Within {
        /// The folder as given.
        output: PathBuf,
        /// The input as given.
        input: PathBuf,
    },
}

/// Checks that an output, a file or folder that need not exist yet, is none of the inputs and does not lie in a store
/// that is, or contains, an input.
///
/// # Errors
/// Returns [`OutputIsInput`] for the first input that the output would damage.
pub fn require_apart<P: AsRef<Path>>(
    output: &Path,
    inputs: impl IntoIterator<Item = P>,
) -> Result<(), OutputIsInput> {
    let place = place(output);
    let stores: Vec<&Path> = place.ancestors().filter(|folder| is_store(folder)).collect();
    for input in inputs {
        let input = input.as_ref();
        let read = self::place(input);
        if read == place || is_same_file(output, input) {
            return Err(OutputIsInput::Same { output: output.to_owned(), input: input.to_owned() });
        }
        if let Some(store) = stores.iter().find(|store| is_of_store(&read, store)) {
            return Err(OutputIsInput::InStore { output: output.to_owned(), store: store.to_path_buf() });
        }
    }
    Ok(())
}

/// Checks that no input lies in a folder whose files will be replaced.
///
/// # Errors
/// Returns [`OutputIsInput::Within`] for the first input that does.
pub fn require_outside<P: AsRef<Path>>(
    folder: &Path,
    inputs: impl IntoIterator<Item = P>,
) -> Result<(), OutputIsInput> {
    let place = place(folder);
    match inputs.into_iter().find(|input| self::place(input.as_ref()).starts_with(&place)) {
        None => Ok(()),
        Some(input) => {
            Err(OutputIsInput::Within { output: folder.to_owned(), input: input.as_ref().to_owned() })
        }
    }
}

/// Checks that no input is a file of the store in a folder, whether the store exists yet or not: a build may replace
/// all of its files. Other files in the folder are not touched and may be inputs.
///
/// # Errors
/// Returns [`OutputIsInput::Within`] for the first input that is such a file or a symbolic link to one.
pub fn require_outside_store<P: AsRef<Path>>(
    folder: &Path,
    inputs: impl IntoIterator<Item = P>,
) -> Result<(), OutputIsInput> {
    let store = place(folder);
    for input in inputs {
        let input = input.as_ref();
        // Replacing a symbolic link loses the link, though not its target.
        let named = self::named_place(input).unwrap_or_default();
        if is_of_store(&place(input), &store) || is_of_store(&named, &store) {
            return Err(OutputIsInput::Within { output: folder.to_owned(), input: input.to_owned() });
        }
    }
    Ok(())
}

/// Resolves symbolic links and relative parts. If the file does not exist yet, its folder is resolved instead.
fn place(path: &Path) -> PathBuf {
    if let Ok(place) = path.canonicalize() {
        return place;
    }
    // A path `missing/..` cannot be resolved yet.
    named_place(path).unwrap_or_else(|| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// Resolves the folder of a path, but not a symbolic link in its last part. Returns `None` if the path does not end
/// in a name.
fn named_place(path: &Path) -> Option<PathBuf> {
    let parent = match path.parent()? {
        parent if parent.as_os_str().is_empty() => Path::new("."),
        parent => parent,
    };
    Some(place(parent).join(path.file_name()?))
}

/// Whether two paths refer to the same file.
fn is_same_file(output: &Path, input: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let number = |path: &Path| fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino())).ok();
        number(output).is_some_and(|number_of_output| number(input) == Some(number_of_output))
    }
    #[cfg(not(unix))]
    {
        let _ = (output, input);
        false
    }
}

/// Whether a folder is a store, finished or not. The name `manifest.json` alone is not enough, because other programs
/// use it too.
fn is_store(folder: &Path) -> bool {
    Manifest::read(folder).is_ok() || is_unfinished(folder)
}

/// Whether a resolved path is a store or one of its files.
fn is_of_store(path: &Path, store: &Path) -> bool {
    let Ok(inside) = path.strip_prefix(store) else { return false };
    let mut parts = inside.iter();
    match (parts.next(), parts.next()) {
        (None, _) => true,
        (Some(_), None) => {
            inside.extension() == Some(OsStr::new("parquet")) || inside == Path::new(MANIFEST_FILE)
        }
        (Some(folder), Some(_)) => folder == REJECTS_FOLDER || folder == STAGING_FOLDER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Counts, ShardEntry};
    use crate::name::rejects_name;
    use crate::settings::FeatureSettings;
    use crate::store::FORMAT_VERSION;

    /// The manifest of a store without shards.
    fn manifest() -> Manifest {
        Manifest {
            format_version: FORMAT_VERSION,
            software_version: "0".to_owned(),
            source: "x".to_owned(),
            part: None,
            settings: FeatureSettings::default(),
            options: [].into(),
            inputs: Vec::new(),
            counts: Counts::default(),
            shards: Vec::new(),
            rejects: ShardEntry { file: rejects_name(), rows: 0, bytes: 0, sha256: String::new() },
        }
    }

    /// A folder with a store `st`, one that is another name for it, and files beside them.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("st/rejects")).expect("a folder");
        fs::create_dir(path("in")).expect("a folder");
        fs::write(path("st/manifest.json"), manifest().to_json()).expect("writing");
        for file in ["in/manifest.json", "st/x-00000.parquet", "st/rejects/rejects.parquet", "in/a.json", "w"]
        {
            fs::write(path(file), "x").expect("writing");
        }
        folder
    }

    fn refused(folder: &Path, output: &str, input: &str) -> Option<OutputIsInput> {
        require_apart(&folder.join(output), [folder.join("w"), folder.join(input)]).err()
    }

    #[test]
    fn one_file_by_two_names_is_found() {
        let folder = folder();
        let path = |name: &str| folder.path().join(name);
        fs::hard_link(path("in/a.json"), path("hard.json")).expect("a link");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("in/a.json", path("soft.json")).expect("a link");
            std::os::unix::fs::symlink("in", path("also")).expect("a link");
            for output in ["soft.json", "also/a.json", "hard.json"] {
                let error = refused(folder.path(), output, "in/a.json");
                assert!(matches!(error, Some(OutputIsInput::Same { .. })), "{output}: {error:?}");
            }
        }
        for output in ["in/a.json", "in/../in/a.json", "st/../in/./a.json"] {
            let error = refused(folder.path(), output, "in/a.json").expect("one file");
            assert!(error.to_string().contains("is also an input"), "{error}");
        }
        for output in ["in/b.json", "b.json", "new/a.json", "in/new/../b.json"] {
            assert_eq!(refused(folder.path(), output, "in/a.json"), None, "{output}");
        }
        assert_eq!(refused(folder.path(), "in", "in/a.json"), None, "a folder that is no store");
    }

    #[test]
    fn what_lies_in_a_store_that_is_read_is_found() {
        let folder = folder();
        for input in ["st", "st/x-00000.parquet", "st/rejects/rejects.parquet", "st/../st"] {
            for output in ["st/x-00001.parquet", "st/sub/new.csv", "st/stats.html"] {
                let error = refused(folder.path(), output, input).expect("in the store");
                assert!(matches!(error, OutputIsInput::InStore { .. }), "{output} of {input}: {error}");
            }
        }
        for input in ["st/x-00000.parquet", "st/rejects/rejects.parquet"] {
            let error = refused(folder.path(), "st", input);
            assert!(matches!(error, Some(OutputIsInput::InStore { .. })), "{input}: {error:?}");
        }
        assert!(matches!(refused(folder.path(), "st", "st"), Some(OutputIsInput::Same { .. })));
        for output in ["st2/x-00000.parquet", "st.csv", "in/st"] {
            assert_eq!(refused(folder.path(), output, "st"), None, "{output}");
        }
        // Of what else lies in the folder of a store, nothing is replaced.
        fs::create_dir(folder.path().join("st/cifs")).expect("a folder");
        assert_eq!(refused(folder.path(), "st", "st/cifs"), None);
        fs::create_dir_all(folder.path().join("begun/.build")).expect("a folder");
        assert!(refused(folder.path(), "begun/p.csv", "begun").is_some());
    }

    #[test]
    fn files_that_a_store_is_made_of_are_no_inputs() {
        let folder = folder();
        let path = |name: &str| folder.path().join(name);
        // `in` is a store that was never finished, or none at all.
        fs::create_dir_all(path("in/cifs")).expect("a folder");
        fs::write(path("in/x-00000.parquet"), "x").expect("writing");
        let found = |input: &str| require_outside_store(&path("in"), [path("w"), path(input)]).err();
        for input in ["in/a.json", "in/cifs", "in/cifs/x.parquet", "st/x-00000.parquet", "in2"] {
            assert_eq!(found(input), None, "{input}");
        }
        let mut made_of = vec!["in/x-00000.parquet", "in/manifest.json", "in/rejects/x", "in/.build/x"];
        #[cfg(unix)]
        {
            use std::os::unix::fs::symlink;
            symlink("in", path("also")).expect("a link");
            symlink("in/x-00000.parquet", path("table.parquet")).expect("a link");
            symlink("../w", path("in/x-00001.parquet")).expect("a link");
            made_of.extend(["also/x-00000.parquet", "table.parquet", "in/x-00001.parquet"]);
            let error = require_outside_store(&path("also"), [path("table.parquet")]).expect_err("in it");
            assert!(matches!(error, OutputIsInput::Within { .. }), "{error}");
        }
        for input in made_of {
            let error = found(input).expect(input);
            assert!(matches!(error, OutputIsInput::Within { .. }), "{error}");
        }
        require_outside_store(&path("new"), [path("w")]).expect("nothing is there");
    }

    #[test]
    fn inputs_in_a_folder_that_is_replaced_are_found() {
        let folder = folder();
        let path = |name: &str| folder.path().join(name);
        require_outside(&path("in"), [path("w"), path("inn")]).expect("they lie beside it");
        let error = require_outside(&path("st/../in"), [path("w"), path("in/a.json")]).expect_err("in it");
        assert!(error.to_string().contains("whose files are to be replaced"), "{error}");
        require_outside(&path("new"), [path("w")]).expect("nothing is there");
    }
}
