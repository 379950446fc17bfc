//! Checks that the output of a command is not one of its inputs.
//!
//! Outputs are renamed into place. An output that is also an input, perhaps under another name, would overwrite it,
//! and a file written into a store that is read would damage the store.

use std::fs;
use std::path::{Path, PathBuf};

use crate::layout::{StorePaths, store_of_sidecar};
use crate::manifest::Manifest;

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
    /// The output is, or lies in, a store that is read, or its sidecar.
    #[error("{}: lies in the store {}, which is read, and cannot be the output", output.display(), store.display())]
    InStore {
        /// The output as given.
        output: PathBuf,
        /// Folder of the store.
        store: PathBuf,
    },
    /// The input lies in a folder whose files will be replaced.
    #[error("{}: is an input and lies in {}, whose files are to be replaced", input.display(), output.display())]
    Within {
        /// The folder: that of the output as given, or its sidecar.
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
    let stores: Vec<StorePaths> = place.ancestors().filter_map(store_at).collect();
    for input in inputs {
        let input = input.as_ref();
        let read = self::place(input);
        if read == place || is_same_file(output, input) {
            return Err(OutputIsInput::Same { output: output.to_owned(), input: input.to_owned() });
        }
        if let Some(store) = stores.iter().find(|store| store.covers(&read)) {
            let store = store.shards().to_owned();
            return Err(OutputIsInput::InStore { output: output.to_owned(), store });
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

/// Checks that no input is a file of the store in a folder or of its sidecar, whether the store exists yet or not: a
/// build may replace all of its files. Other files in the folder of the shards are not touched and may be inputs.
///
/// # Errors
/// Returns [`OutputIsInput::Within`] for the first input that is such a file or a symbolic link to one.
pub fn require_outside_store<P: AsRef<Path>>(
    folder: &Path,
    inputs: impl IntoIterator<Item = P>,
) -> Result<(), OutputIsInput> {
    let store = StorePaths::new(&place(folder));
    for input in inputs {
        let input = input.as_ref();
        // Replacing a symbolic link loses the link, though not its target.
        let named = self::named_place(input).unwrap_or_default();
        if let Some(read) = [place(input), named].iter().find(|read| store.covers(read)) {
            let within = read.starts_with(store.shards());
            let output =
                if within { folder.to_owned() } else { StorePaths::new(folder).records().to_owned() };
            return Err(OutputIsInput::Within { output, input: input.to_owned() });
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

/// Returns the folder in which a file lies, as its path names it; the current folder for a name alone.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Resolves the folder of a path, but not a symbolic link in its last part. Returns `None` if the path does not end
/// in a name.
fn named_place(path: &Path) -> Option<PathBuf> {
    Some(place(folder_of(path)).join(path.file_name()?))
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

/// Returns the store, finished or not, of which a folder is that of the shards or the sidecar. The name of the
/// manifest alone is not enough, because other programs use it too.
fn store_at(folder: &Path) -> Option<StorePaths> {
    let of_shards = Manifest::read(folder).is_ok() || StorePaths::new(folder).is_unfinished();
    let store = if of_shards { Some(folder.to_owned()) } else { store_of_sidecar(folder) };
    store.as_deref().map(StorePaths::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::rejects_name;
    use crate::manifest::{Counts, ShardEntry};
    use crate::settings::FeatureSettings;
    use crate::store::{FIRST_FORMAT_VERSION, FORMAT_VERSION};

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
            rejects: ShardEntry {
                file: rejects_name(FORMAT_VERSION).into(),
                rows: 0,
                bytes: 0,
                sha256: String::new(),
            },
        }
    }

    /// A folder with a store `st`, one that is another name for it, and files beside them.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        for name in ["st", "st.store", "in"] {
            fs::create_dir(path(name)).expect("a folder");
        }
        fs::write(path("st.store/manifest.json"), manifest().to_json()).expect("writing");
        for file in ["in/manifest.json", "st/x-00000.parquet", "st.store/rejects.parquet", "in/a.json", "w"] {
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
        for input in ["st", "st/x-00000.parquet", "st.store/rejects.parquet", "st.store", "st/../st"] {
            for output in ["st/x-00001.parquet", "st/sub/new.csv", "st/stats.html", "st.store/new.csv"] {
                let error = refused(folder.path(), output, input).expect("in the store");
                assert!(matches!(error, OutputIsInput::InStore { .. }), "{output} of {input}: {error}");
            }
        }
        for input in ["st/x-00000.parquet", "st.store/manifest.json"] {
            for output in ["st", "st.store"] {
                let error = refused(folder.path(), output, input);
                assert!(
                    matches!(error, Some(OutputIsInput::InStore { .. })),
                    "{output} of {input}: {error:?}"
                );
            }
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
        // A store of the former format version.
        let former = StorePaths::former(&folder.path().join("former"));
        fs::create_dir(former.shards()).expect("a folder");
        let manifest = manifest();
        let rejects = ShardEntry { file: rejects_name(FIRST_FORMAT_VERSION).into(), ..manifest.rejects };
        let manifest = Manifest { format_version: FIRST_FORMAT_VERSION, rejects, ..manifest };
        fs::write(former.manifest(), manifest.to_json()).expect("writing");
        for input in ["former", "former/x-00000.parquet", "former/rejects/rejects.parquet"] {
            assert!(refused(folder.path(), "former/p.csv", input).is_some(), "{input}");
        }
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
        made_of.extend(["in.store", "in.store/manifest.json"]);
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
        let error =
            require_outside_store(&path("st"), [path("st.store/rejects.parquet")]).expect_err("in it");
        assert!(error.to_string().contains("st.store/rejects.parquet: is an input and lies in "), "{error}");
        assert!(error.to_string().contains("st.store, whose files"), "{error}");
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

    #[test]
    fn a_name_alone_lies_in_the_current_folder() {
        let folders = ["a", "a/b", "/a", "./a", "a/b/"].map(|path| folder_of(Path::new(path)));
        assert_eq!(folders, [".", "a", "/", ".", "a"].map(Path::new));
    }
}
