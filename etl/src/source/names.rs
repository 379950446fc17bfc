//! Identifiers of crystals from the names of their files.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::str::FromStr;

use super::by_name::by_name;
use super::files::{FileRule, base_name, strip_archive};
use super::packing::strip_packing;

/// Names that VASP gives to the initial and to the relaxed structure.
pub(super) const OWN_NAMES: [&str; 2] = [START, RELAXED];
const START: &str = "POSCAR";
const RELAXED: &str = "CONTCAR";

/// How a crystal is named after its file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum FileId {
    /// By the stem of the file, or by its path if several files have that stem.
    #[default]
    Auto,
    /// By the stem of the file.
    Stem,
    /// By the path of the file relative to the input, without extension.
    Path,
    /// By the folder of the file.
    Parent,
}

impl FileId {
    /// All rules.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Stem, Self::Path, Self::Parent];

    /// Returns the name of the rule on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Stem => "stem",
            Self::Path => "path",
            Self::Parent => "parent",
        }
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for FileId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        by_name("identifier of a file", &Self::ALL, Self::name, text)
    }
}

/// The meaning of a file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FileName<'a> {
    /// An identifier, and another name by which label tables may refer to the crystal.
    Id {
        /// Identifier in the store.
        id: Cow<'a, str>,
        /// The stem of the file, if it differs from the identifier and no other file has it.
        alias: Option<&'a str>,
    },
    /// A `POSCAR` beside a `CONTCAR`. Only the latter is read.
    Superseded {
        /// Identifier of the crystal.
        id: Cow<'a, str>,
    },
}

/// An input.
#[derive(Debug)]
struct Input {
    /// Prefix of a path that occurs in several inputs.
    name: String,
    /// Whether the input is a file. Its name is then its path as given.
    is_file: bool,
}

/// The names of all files of a source, as far as identifiers depend on them. Each file takes a hash of 8 bytes while
/// names are collected; afterwards only those of repeated names are kept.
#[derive(Debug)]
pub(super) struct Names {
    rule: FileRule,
    id: FileId,
    /// Whether there are several inputs.
    several: bool,
    inputs: Vec<Input>,
    stems: Repeated,
    /// Paths relative to the inputs. They can repeat only in different inputs.
    paths: Repeated,
    /// Folders with a file that has one of VASP's own names.
    own: HashSet<u64>,
    /// Those of these folders that have a relaxed structure.
    relaxed: HashSet<u64>,
}

/// Hashes that occurred, and those that occurred repeatedly.
#[derive(Debug, Default)]
struct Repeated {
    seen: HashSet<u64>,
    again: HashSet<u64>,
}

impl Repeated {
    fn add(&mut self, hash: u64) {
        if !self.seen.insert(hash) {
            self.again.insert(hash);
        }
    }

    fn has(&self, hash: impl FnOnce() -> u64) -> bool {
        !self.again.is_empty() && self.again.contains(&hash())
    }
}

/// The parts of a file's name.
struct Parts<'a> {
    /// Folders of the file.
    folder: &'a str,
    /// The file's own name without the extension of a compression, if it is one of VASP's. The stem is then the name
    /// of the folder.
    own: Option<&'a str>,
    stem: &'a str,
}

impl Names {
    /// Creates an empty collection for one or several inputs.
    pub(super) fn new(rule: FileRule, id: FileId, several: bool) -> Self {
        Self {
            rule,
            id,
            several,
            inputs: Vec::new(),
            stems: Repeated::default(),
            paths: Repeated::default(),
            own: HashSet::new(),
            relaxed: HashSet::new(),
        }
    }

    /// Begins the next input, to which the following files belong.
    pub(super) fn input(&mut self, path: &Path, is_file: bool) {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let name = match is_file {
            true => String::new(),
            false => strip_archive(&name).unwrap_or(&name).to_owned(),
        };
        self.inputs.push(Input { name, is_file });
    }

    /// Adds a file of the last input. Returns `false` if the source does not read files with this name.
    pub(super) fn add(&mut self, name: &str) -> bool {
        let Some(at) = self.inputs.len().checked_sub(1) else { return false };
        let Some(parts) = self.parts(at, name) else { return false };
        let stem = hash(parts.stem);
        let path = self.several.then(|| hash(&self.short_path(at, &parts)));
        if let Some(own) = parts.own {
            let folder = self.folder_hash(at, parts.folder);
            if own.eq_ignore_ascii_case(RELAXED) {
                self.relaxed.insert(folder);
            }
            // The initial and the relaxed structure are one crystal.
            if !self.own.insert(folder) {
                return true;
            }
        }
        self.stems.add(stem);
        if let Some(path) = path {
            self.paths.add(path);
        }
        true
    }

    /// Ends the collection and frees what is no longer needed.
    pub(super) fn finish(&mut self) {
        self.own = HashSet::new();
        for names in [&mut self.stems, &mut self.paths] {
            names.seen = HashSet::new();
        }
    }

    /// Returns the identifier of a file's crystal, or `None` if the source does not read files with this name.
    pub(super) fn of<'a>(&'a self, input: usize, name: &'a str) -> Option<FileName<'a>> {
        let parts = self.parts(input, name)?;
        let Parts { stem, folder, own } = parts;
        let repeats = self.stems.has(|| hash(stem));
        let id = match self.id {
            FileId::Stem => Cow::Borrowed(stem),
            FileId::Auto if !repeats => Cow::Borrowed(stem),
            FileId::Auto => {
                let path = self.short_path(input, &parts);
                let repeats = self.paths.has(|| hash(&path));
                Cow::Owned(if repeats { self.long_path(input, &parts, path) } else { path })
            }
            FileId::Path => Cow::Owned(joined(folders(folder), own.unwrap_or(stem))),
            FileId::Parent => Cow::Borrowed(match own {
                Some(_) => stem,
                None => folders(folder).last().or(self.input_name(input)).unwrap_or(stem),
            }),
        };
        let is_start = own.is_some_and(|own| own.eq_ignore_ascii_case(START));
        if is_start && self.id != FileId::Path && self.relaxed.contains(&self.folder_hash(input, folder)) {
            return Some(FileName::Superseded { id });
        }
        let alias = (!repeats && id != stem).then_some(stem);
        Some(FileName::Id { id, alias })
    }

    fn parts<'a>(&'a self, input: usize, name: &'a str) -> Option<Parts<'a>> {
        let mut stem = (self.rule.identifier)(name)?;
        let base = base_name(name);
        let folder = name.get(..name.len() - base.len())?;
        let own = own_name(base);
        if own.is_some() && folders(folder).next().is_none() {
            stem = self.input_name(input).unwrap_or(stem);
        }
        Some(Parts { folder, own, stem })
    }

    /// Returns the name of an input folder or archive, by which files without folders are named.
    fn input_name(&self, input: usize) -> Option<&str> {
        let input = self.inputs.get(input).filter(|input| !input.is_file && !input.name.is_empty())?;
        Some(&input.name)
    }

    /// Returns the hash of a folder in an input. Inputs that are single files share one tree.
    fn folder_hash(&self, input: usize, folder: &str) -> u64 {
        let input = self.inputs.get(input).filter(|given| !given.is_file).map(|_| input);
        hash(&(input, folder))
    }

    /// Returns the path relative to the input without extension: `mp-1/relaxed` for `mp-1/relaxed.cif`, and
    /// `mp-1/relax` for `mp-1/relax/CONTCAR`. For an input that is a file, only its innermost folder is included.
    fn short_path(&self, input: usize, parts: &Parts<'_>) -> String {
        let mut folders = own_folders(parts);
        if self.inputs.get(input).is_some_and(|input| input.is_file) {
            folders.drain(..folders.len().saturating_sub(1));
        }
        joined(folders.into_iter(), parts.stem)
    }

    /// Returns the path with the input's name as a prefix, or with all folders for an input that is a file.
    fn long_path(&self, input: usize, parts: &Parts<'_>, short: String) -> String {
        if let Some(name) = self.input_name(input) {
            return format!("{name}/{short}");
        }
        joined(own_folders(parts).into_iter(), parts.stem)
    }
}

/// Returns the part of a file's name that is one of VASP's own names, without the extension of a compression.
pub(super) fn own_name(base: &str) -> Option<&str> {
    let name = strip_packing(base);
    OWN_NAMES.iter().any(|own| name.eq_ignore_ascii_case(own)).then_some(name)
}

/// Returns the folders of a path, without empty components, `.` and `..`.
fn folders(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | ".."))
}

/// Returns the folders of a file that its stem does not name.
fn own_folders<'a>(parts: &Parts<'a>) -> Vec<&'a str> {
    let mut folders: Vec<&str> = folders(parts.folder).collect();
    // For one of VASP's own names the stem is the last folder.
    if parts.own.is_some() {
        folders.pop();
    }
    folders
}

fn joined<'a>(folders: impl Iterator<Item = &'a str>, last: &'a str) -> String {
    let mut path = String::new();
    for folder in folders {
        path.push_str(folder);
        path.push('/');
    }
    path.push_str(last);
    path
}

/// Returns a hash that is the same throughout a run.
fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{cif, poscar};

    const CIF: FileRule = FileRule { what: "", identifier: cif::identifier };
    const POSCAR: FileRule = FileRule { what: "", identifier: poscar::identifier };

    /// Identifiers of the files of inputs, those left out in brackets, aliases behind a slash.
    fn ids(rule: FileRule, id: FileId, inputs: &[(&str, &[&str])]) -> Vec<String> {
        let mut names = Names::new(rule, id, inputs.len() > 1);
        for (input, files) in inputs {
            names.input(Path::new(input), files.is_empty());
            let files = if files.is_empty() { std::slice::from_ref(input) } else { files };
            assert!(files.iter().all(|file| names.add(file)), "{files:?}");
        }
        names.finish();
        let mut found = Vec::new();
        for (at, (input, files)) in inputs.iter().enumerate() {
            for file in if files.is_empty() { std::slice::from_ref(input) } else { files } {
                found.push(match names.of(at, file).expect("added before") {
                    FileName::Id { id, alias: None } => id.into_owned(),
                    FileName::Id { id, alias: Some(alias) } => format!("{id} = {alias}"),
                    FileName::Superseded { id } => format!("({id})"),
                });
            }
        }
        found
    }

    #[test]
    fn stems_that_repeat_get_their_paths() {
        let files = ["a.cif", "b/a.cif", "b/c.cif", "../d/a.cif.gz"];
        let of = |id| ids(CIF, id, &[("in", &files)]);
        assert_eq!(of(FileId::Auto), ["a", "b/a", "c", "d/a"]);
        assert_eq!(of(FileId::Stem), ["a", "a", "c", "a"]);
        assert_eq!(of(FileId::Path), ["a", "b/a", "b/c = c", "d/a"]);
        assert_eq!(of(FileId::Parent), ["in", "b", "b = c", "d"]);
    }

    #[test]
    fn the_relaxed_structure_is_taken() {
        let files = ["mp-1/CONTCAR.gz", "mp-1/POSCAR", "mp-2/POSCAR", "mp-2/CONTCAR", "mp-3/POSCAR"];
        let of = |id| ids(POSCAR, id, &[("in", &files)]);
        assert_eq!(of(FileId::Auto), ["mp-1", "(mp-1)", "(mp-2)", "mp-2", "mp-3"]);
        assert_eq!(of(FileId::Auto), of(FileId::Stem));
        let paths = [
            "mp-1/CONTCAR = mp-1",
            "mp-1/POSCAR = mp-1",
            "mp-2/POSCAR = mp-2",
            "mp-2/CONTCAR = mp-2",
            "mp-3/POSCAR = mp-3",
        ];
        assert_eq!(of(FileId::Path), paths);
        let single = [("mp-1/POSCAR", [].as_slice()), ("mp-1/CONTCAR", &[]), ("mp-2/POSCAR", &[])];
        assert_eq!(ids(POSCAR, FileId::Auto, &single), ["(mp-1)", "mp-1", "mp-2"]);
    }

    #[test]
    fn own_names_go_by_their_folders() {
        let files =
            ["mp-1/relax/CONTCAR", "mp-2/relax/CONTCAR", "Cu/POSCAR-unitcell", "NaCl/POSCAR-unitcell"];
        let expected = ["mp-1/relax", "mp-2/relax", "Cu/unitcell", "NaCl/unitcell"];
        assert_eq!(ids(POSCAR, FileId::Auto, &[("in", &files)]), expected);
        let inputs = [("x/mp-1", ["POSCAR"].as_slice()), ("mp-2.zip", &["CONTCAR"]), ("x/mp-3/POSCAR", &[])];
        assert_eq!(ids(POSCAR, FileId::Auto, &inputs), ["mp-1", "mp-2", "mp-3"]);
    }

    #[test]
    fn several_inputs_that_hold_the_same_paths_give_their_names() {
        let inputs = [("x/one", ["a.cif", "d/b.cif"].as_slice()), ("two.tar.gz", &["a.cif", "c/b.cif"])];
        assert_eq!(ids(CIF, FileId::Auto, &inputs), ["one/a", "d/b", "two/a", "c/b"]);
        let files = [("x/mp-1/a.cif", [].as_slice()), ("y/mp-1/a.cif", &[]), ("/z/mp-2/a.cif", &[])];
        assert_eq!(ids(CIF, FileId::Auto, &files), ["x/mp-1/a", "y/mp-1/a", "mp-2/a"]);
    }

    #[test]
    fn names_lead_back_to_rules() {
        for rule in FileId::ALL {
            assert_eq!(rule.to_string().parse(), Ok(rule));
        }
        assert!("name".parse::<FileId>().is_err());
    }
}
