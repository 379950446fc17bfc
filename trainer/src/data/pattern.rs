//! Glob patterns such as `data/*/*.parquet`, and the paths that they match.
//!
//! `**` stands for any number of folders. It does not follow links to folders, since a circle of links would lead to
//! the same files without end.

use std::fs;
use std::path::{Component, Path, PathBuf};

use glob::{Pattern, PatternError};
use schemas::StoreError;

use crate::data::error::DataError;

/// Stands for any number of folders.
const ANY_FOLDERS: &str = "**";

/// A part of a pattern between two separators.
enum Part {
    AnyFolders,
    /// A literal name.
    Name(PathBuf),
    Matching(Pattern),
}

/// An error that leaves a pattern without matches.
#[derive(Debug)]
pub(crate) enum PatternFault {
    /// The pattern is invalid.
    Syntax(PatternError),
    /// A folder cannot be listed.
    Folder(StoreError),
}

impl PatternFault {
    /// Returns the error of a pattern.
    pub(crate) fn of(self, pattern: &str) -> DataError {
        match self {
            Self::Syntax(error) => DataError::Pattern {
                pattern: pattern.to_owned(),
                position: error.pos + 1,
                message: error.msg.to_owned(),
            },
            Self::Folder(error) => error.into(),
        }
    }
}

/// Returns the matches of a pattern, sorted by name.
///
/// # Errors
/// [`PatternFault`] for an invalid pattern or a folder that cannot be listed.
pub(crate) fn matches(pattern: &str) -> Result<Vec<PathBuf>, PatternFault> {
    Pattern::new(pattern).map_err(PatternFault::Syntax)?;
    let mut parts: Vec<Part> = Vec::new();
    for component in Path::new(pattern).components() {
        let text = component.as_os_str().to_string_lossy();
        let is_pattern = matches!(component, Component::Normal(_)) && text.contains(['*', '?', '[']);
        match (&*text, parts.last()) {
            (ANY_FOLDERS, Some(Part::AnyFolders)) => {}
            (ANY_FOLDERS, _) => parts.push(Part::AnyFolders),
            (text, _) if is_pattern => {
                parts.push(Part::Matching(Pattern::new(text).map_err(PatternFault::Syntax)?));
            }
            _ => parts.push(Part::Name(component.as_os_str().into())),
        }
    }
    let mut found = Vec::new();
    expand(Path::new(""), &parts, &mut found).map_err(PatternFault::Folder)?;
    Ok(found)
}

/// Adds the matches of the parts below a folder.
fn expand(folder: &Path, parts: &[Part], found: &mut Vec<PathBuf>) -> Result<(), StoreError> {
    let Some((part, rest)) = parts.split_first() else {
        if !folder.as_os_str().is_empty() {
            found.push(folder.to_owned());
        }
        return Ok(());
    };
    match part {
        Part::Name(name) => {
            let path = folder.join(name);
            let is_there = if rest.is_empty() { fs::symlink_metadata(&path).is_ok() } else { path.is_dir() };
            if is_there { expand(&path, rest, found) } else { Ok(()) }
        }
        Part::Matching(pattern) => {
            let wanted = |path: &PathBuf| {
                path.file_name().is_some_and(|name| pattern.matches(&name.to_string_lossy()))
                    && (rest.is_empty() || path.is_dir())
            };
            entries(folder)?.into_iter().filter(wanted).try_for_each(|path| expand(&path, rest, found))
        }
        Part::AnyFolders => {
            expand(folder, rest, found)?;
            let is_folder = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
            entries(folder)?.into_iter().filter(is_folder).try_for_each(|path| expand(&path, parts, found))
        }
    }
}

/// Returns the entries of a folder, sorted by name; those of the working folder for an empty path.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let list = || {
        let entries = fs::read_dir(listed)?.map(|entry| entry.map(|entry| folder.join(entry.file_name())));
        entries.collect::<Result<Vec<PathBuf>, _>>()
    };
    let mut paths = list().map_err(StoreError::io(listed))?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Returns the matches of a pattern below a folder, as relative paths.
    fn found(folder: &Path, pattern: &str) -> Vec<String> {
        let paths = matches(&folder.join(pattern).display().to_string()).expect("a valid pattern");
        let inside = |path: PathBuf| path.strip_prefix(folder).expect("inside").display().to_string();
        paths.into_iter().map(inside).collect()
    }

    #[test]
    fn parts_match_names_and_folders() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        for name in ["a/x.parquet", "a/y.csv", "b/c/x.parquet", "x.parquet"] {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, "").expect("a file");
        }
        assert_eq!(found(folder, "*"), ["a", "b", "x.parquet"]);
        assert_eq!(found(folder, "*/x.parquet"), ["a/x.parquet"]);
        assert_eq!(found(folder, "[ab]/*"), ["a/x.parquet", "a/y.csv", "b/c"]);
        assert_eq!(found(folder, "b/?/*.parquet"), ["b/c/x.parquet"]);
        assert_eq!(found(folder, "**/*.parquet"), ["x.parquet", "a/x.parquet", "b/c/x.parquet"]);
        assert_eq!(found(folder, "b/**"), ["b", "b/c"]);
        assert_eq!(found(folder, "c/*"), [""; 0]);
        assert!(matches!(matches("a[*"), Err(PatternFault::Syntax(error)) if error.pos == 1));
    }

    #[test]
    fn links_in_circles_end() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        fs::create_dir_all(folder.join("a/b")).expect("a folder");
        fs::write(folder.join("a/x.parquet"), "").expect("a file");
        for number in 0..8 {
            symlink(folder, folder.join(format!("a/b/up-{number}"))).expect("a link");
        }
        assert_eq!(found(folder, "**/*.parquet"), ["a/x.parquet"]);
        // A link that is named, or matched by a part of its own, is followed.
        assert_eq!(found(folder, "a/b/up-[0]/a/*.parquet"), ["a/b/up-0/a/x.parquet"]);
    }
}
