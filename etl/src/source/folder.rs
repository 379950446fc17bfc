//! Folders walked in the order of their paths' bytes, whatever order the file system keeps.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::SourceError;

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    /// A device, a pipe, a link to nowhere: reading it may never end.
    Special,
}

/// A file met on a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WalkedFile {
    /// Its path, the walk's root included.
    pub path: PathBuf,
    /// Whether it is a regular file, or a link to one.
    pub regular: bool,
}

/// A walk through a folder and the folders in it. Links to files are followed; links to folders
/// are not, so that no walk is endless.
#[derive(Debug)]
pub(super) struct FolderWalk {
    /// Folders that are open, innermost last, each with the entries still to come.
    open: Vec<(PathBuf, std::vec::IntoIter<(OsString, Kind)>)>,
}

impl FolderWalk {
    /// Lists `root`.
    ///
    /// # Errors
    /// [`SourceError::Open`] where it cannot be listed.
    pub(super) fn new(root: &Path) -> Result<Self, SourceError> {
        Ok(Self { open: vec![(root.to_path_buf(), list(root)?)] })
    }

    /// Next file; every file comes once.
    ///
    /// # Errors
    /// [`SourceError::Open`] where a folder on the way cannot be listed.
    pub(super) fn next_file(&mut self) -> Result<Option<WalkedFile>, SourceError> {
        while let Some((folder, entries)) = self.open.last_mut() {
            let Some((name, kind)) = entries.next() else {
                self.open.pop();
                continue;
            };
            let path = folder.join(name);
            match kind {
                Kind::Folder => self.open.push((path.clone(), list(&path)?)),
                Kind::File | Kind::Special => {
                    return Ok(Some(WalkedFile { path, regular: kind == Kind::File }));
                }
            }
        }
        Ok(None)
    }
}

/// Entries of a folder, so sorted that a walk meets paths in the order of their bytes: a folder's
/// name counts with the separator that follows it.
fn list(folder: &Path) -> Result<std::vec::IntoIter<(OsString, Kind)>, SourceError> {
    let fault = |source| SourceError::open(folder, source);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let kind = entry.file_type().map_err(fault)?;
        let kind = if kind.is_dir() {
            Kind::Folder
        } else if kind.is_file() {
            Kind::File
        } else if kind.is_symlink() {
            match fs::metadata(entry.path()) {
                Ok(target) if target.is_dir() => continue,
                Ok(target) if target.is_file() => Kind::File,
                _ => Kind::Special,
            }
        } else {
            Kind::Special
        };
        entries.push((entry.file_name(), kind));
    }
    let slash = |kind: Kind| (kind == Kind::Folder).then_some(&b'/');
    entries.sort_unstable_by(|(a, a_kind), (b, b_kind)| {
        let (a, b) = (a.as_bytes().iter(), b.as_bytes().iter());
        a.chain(slash(*a_kind)).cmp(b.chain(slash(*b_kind)))
    });
    Ok(entries.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_in_the_order_of_their_bytes_and_no_link_loops() {
        let root = tempfile::tempdir().expect("a folder");
        for name in ["b/z", "b/a", "a.cif", "a/x", "b.cif", "B"] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, "").expect("a file");
        }
        std::os::unix::fs::symlink(root.path(), root.path().join("loop")).expect("a link");
        std::os::unix::fs::symlink("nowhere", root.path().join("lost")).expect("a link");
        std::os::unix::fs::symlink("a.cif", root.path().join("same")).expect("a link");
        let mut walk = FolderWalk::new(root.path()).expect("a walk");
        let mut found = Vec::new();
        while let Some(file) = walk.next_file().expect("listed") {
            let name = file.path.strip_prefix(root.path()).expect("inside").to_string_lossy().into_owned();
            found.push((name, file.regular));
        }
        let names = ["B", "a.cif", "a/x", "b.cif", "b/a", "b/z", "lost", "same"];
        let expected: Vec<_> = names.map(|name| (name.to_owned(), name != "lost")).into();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = FolderWalk::new(Path::new("/no/such/folder")).expect_err("missing");
        assert!(error.to_string().starts_with("/no/such/folder: "), "{error}");
    }
}
