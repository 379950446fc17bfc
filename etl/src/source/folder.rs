//! Walking of folders in the byte order of paths, regardless of the order in the file system.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::SourceError;

/// The kind of an entry in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    /// A symbolic link to a file.
    FileLink,
    Folder,
    /// A symbolic link to a folder.
    Link,
    /// A device, a pipe or a dangling link. Reading it may not end.
    Special,
}

/// A file found by a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WalkedFile {
    /// Path of the file, including the root of the walk.
    pub path: PathBuf,
    /// Path relative to the root.
    pub name: String,
    /// Whether it is a regular file or a link to one.
    pub regular: bool,
    /// Whether it is a symbolic link.
    pub link: bool,
}

/// A walk through a folder and its subfolders. Links to files are followed. A link to a folder is followed unless
/// that folder is walked anyway or contains one that is. Every file is found once.
#[derive(Debug)]
pub(super) struct FolderWalk {
    root: PathBuf,
    /// Open folders, the innermost last, each with its remaining entries.
    open: Vec<(PathBuf, std::vec::IntoIter<(OsString, Kind)>)>,
    /// The root and the folders that links lead to, with links resolved; empty until the first link.
    walked: Vec<PathBuf>,
    /// Links to folders that contain one of these.
    unfollowed: Vec<String>,
}

impl FolderWalk {
    /// Lists the folder `root`.
    ///
    /// # Errors
    /// Returns [`SourceError::Open`] if it cannot be listed.
    pub(super) fn new(root: &Path) -> Result<Self, SourceError> {
        let open = vec![(root.to_path_buf(), list(root)?)];
        Ok(Self { root: root.to_path_buf(), open, walked: Vec::new(), unfollowed: Vec::new() })
    }

    /// Returns the next file.
    ///
    /// # Errors
    /// Returns [`SourceError::Open`] if a folder cannot be listed.
    pub(super) fn next_file(&mut self) -> Result<Option<WalkedFile>, SourceError> {
        while let Some((folder, entries)) = self.open.last_mut() {
            let Some((name, kind)) = entries.next() else {
                self.open.pop();
                continue;
            };
            let path = folder.join(name);
            let name = path.strip_prefix(&self.root).unwrap_or(&path).to_string_lossy().into_owned();
            match kind {
                Kind::Folder => self.open.push((path.clone(), list(&path)?)),
                Kind::Link => self.follow(path, name)?,
                Kind::File | Kind::FileLink | Kind::Special => {
                    let (regular, link) = (kind != Kind::Special, kind == Kind::FileLink);
                    return Ok(Some(WalkedFile { path, name, regular, link }));
                }
            }
        }
        Ok(None)
    }

    /// Returns the links so far that would have led through a folder a second time.
    pub(super) fn unfollowed(&self) -> &[String] {
        &self.unfollowed
    }

    fn follow(&mut self, path: PathBuf, name: String) -> Result<(), SourceError> {
        let real = |path: &Path| fs::canonicalize(path).map_err(|source| SourceError::open(path, source));
        if self.walked.is_empty() {
            self.walked.push(real(&self.root)?);
        }
        let target = real(&path)?;
        if self.walked.iter().any(|walked| target.starts_with(walked)) {
            // The files of this folder are found under their own names, or were found through another link.
        } else if self.walked.iter().any(|walked| walked.starts_with(&target)) {
            self.unfollowed.push(name);
        } else {
            self.walked.push(target);
            self.open.push((path.clone(), list(&path)?));
        }
        Ok(())
    }
}

/// Returns the symbolic links to files in a folder and its subfolders.
///
/// # Errors
/// Returns [`SourceError::Open`] if a folder cannot be listed.
pub(crate) fn links(
    folder: &Path,
) -> Result<impl Iterator<Item = Result<PathBuf, SourceError>> + use<>, SourceError> {
    let mut walk = FolderWalk::new(folder)?;
    let files = std::iter::from_fn(move || walk.next_file().transpose());
    Ok(files.filter_map(|file| match file {
        Ok(file) => file.link.then_some(Ok(file.path)),
        Err(error) => Some(Err(error)),
    }))
}

/// Lists the entries of a folder so that a walk visits paths in byte order. The name of a folder is compared with the
/// separator that follows it.
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
                Ok(target) if target.is_dir() => Kind::Link,
                Ok(target) if target.is_file() => Kind::FileLink,
                _ => Kind::Special,
            }
        } else {
            Kind::Special
        };
        entries.push((entry.file_name(), kind));
    }
    let slash = |kind: Kind| matches!(kind, Kind::Folder | Kind::Link).then_some(&b'/');
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
            assert_eq!(file.path, root.path().join(&file.name));
            found.push((file.name, file.regular));
        }
        let names = ["B", "a.cif", "a/x", "b.cif", "b/a", "b/z", "lost", "same"];
        let expected: Vec<_> = names.map(|name| (name.to_owned(), name != "lost")).into();
        assert_eq!(found, expected);
        assert!(walk.unfollowed().is_empty(), "nothing is left out");
        let links: Result<Vec<_>, _> = links(root.path()).expect("a walk").collect();
        assert_eq!(links.expect("listed"), [root.path().join("same")]);
    }

    #[test]
    fn linked_folders_are_walked_once() {
        let outside = tempfile::tempdir().expect("a folder");
        let root = outside.path().join("root");
        for name in ["root/x", "other/inner/y", "other/z"] {
            let path = outside.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, "").expect("a file");
        }
        for (link, target) in [("a", "../other"), ("b", "../other/inner"), ("c", ".."), ("d", "../other")] {
            std::os::unix::fs::symlink(target, root.join(link)).expect("a link");
        }
        let mut walk = FolderWalk::new(&root).expect("a walk");
        let mut found = Vec::new();
        while let Some(file) = walk.next_file().expect("listed") {
            found.push(file.name);
        }
        assert_eq!(found, ["a/inner/y", "a/z", "x"]);
        assert_eq!(walk.unfollowed(), ["c"]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = FolderWalk::new(Path::new("/no/such/folder")).expect_err("missing");
        assert!(error.to_string().starts_with("/no/such/folder: "), "{error}");
    }
}
