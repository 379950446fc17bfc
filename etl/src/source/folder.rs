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
    /// A link to a file.
    FileLink,
    Folder,
    /// A link to a folder.
    Link,
    /// A device, a pipe, a link to nowhere: reading it may never end.
    Special,
}

/// A file met on a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WalkedFile {
    /// Its path, the walk's root included.
    pub path: PathBuf,
    /// Its path below the root.
    pub name: String,
    /// Whether it is a regular file, or a link to one.
    pub regular: bool,
    /// Whether it is a link.
    pub link: bool,
}

/// A walk through a folder and the folders in it. Links to files are followed; a link to a folder is
/// too, unless that folder is walked anyway or holds one that is: every file comes once.
#[derive(Debug)]
pub(super) struct FolderWalk {
    root: PathBuf,
    /// Folders that are open, innermost last, each with the entries still to come.
    open: Vec<(PathBuf, std::vec::IntoIter<(OsString, Kind)>)>,
    /// The root and the folders to which a link led, without links; empty before the first link.
    walked: Vec<PathBuf>,
    /// Links to folders that hold one of these.
    unfollowed: Vec<String>,
}

impl FolderWalk {
    /// Lists `root`.
    ///
    /// # Errors
    /// [`SourceError::Open`] where it cannot be listed.
    pub(super) fn new(root: &Path) -> Result<Self, SourceError> {
        let open = vec![(root.to_path_buf(), list(root)?)];
        Ok(Self { root: root.to_path_buf(), open, walked: Vec::new(), unfollowed: Vec::new() })
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

    /// The links so far that would have led through a folder a second time.
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
            // Its files come by their own names, or came by another link's.
        } else if self.walked.iter().any(|walked| walked.starts_with(&target)) {
            self.unfollowed.push(name);
        } else {
            self.walked.push(target);
            self.open.push((path.clone(), list(&path)?));
        }
        Ok(())
    }
}

/// The links to files in a folder and the folders in it.
///
/// # Errors
/// [`SourceError::Open`] where a folder cannot be listed.
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
