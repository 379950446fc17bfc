//! Identifiers of crystals that are files of their own.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::str::FromStr;

use super::by_name::by_name;
use super::files::{FileRule, base_name, strip_archive};
use super::packing::strip_packing;

/// What VASP calls a structure that goes in and one that comes out.
pub(super) const OWN_NAMES: [&str; 2] = [START, RELAXED];
const START: &str = "POSCAR";
const RELAXED: &str = "CONTCAR";

/// What a crystal in a file of its own is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum FileId {
    /// By its file's stem; by its path where several files have that stem.
    #[default]
    Auto,
    /// By its file's stem.
    Stem,
    /// By its file's path below the input, without the ending.
    Path,
    /// By the folder that its file is in.
    Parent,
}

impl FileId {
    /// Every rule.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Stem, Self::Path, Self::Parent];

    /// The rule's name on a command line.
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

/// What a file's name gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FileName<'a> {
    /// The crystal's identifier, and by what else a label table may call it.
    Id {
        /// Identifier in the store.
        id: Cow<'a, str>,
        /// The file's stem, where that is another name and no other file has it.
        alias: Option<&'a str>,
    },
    /// A `POSCAR` beside a `CONTCAR`, under which the crystal is read.
    Relaxed {
        /// Identifier of the crystal.
        id: Cow<'a, str>,
    },
}

/// One of the inputs.
#[derive(Debug)]
struct Input {
    /// What stands before a path where several inputs hold it.
    name: String,
    /// Whether it is a file, whose name is its path as given.
    is_file: bool,
}

/// The names of all files of a source, as far as they matter for identifiers: a hash of 8 bytes for each
/// while they are met, afterwards of those alone that repeat.
#[derive(Debug)]
pub(super) struct Names {
    rule: FileRule,
    id: FileId,
    /// Whether there are several inputs.
    several: bool,
    inputs: Vec<Input>,
    stems: Repeated,
    /// Paths below the inputs; they repeat in different inputs alone.
    paths: Repeated,
    /// Folders with a file of VASP's own name.
    own: HashSet<u64>,
    /// Those of them that have a relaxed structure.
    relaxed: HashSet<u64>,
}

/// What was met, and what of it more than once.
#[derive(Debug, Default)]
struct Repeated {
    met: HashSet<u64>,
    again: HashSet<u64>,
}

impl Repeated {
    fn meet(&mut self, hash: u64) {
        if !self.met.insert(hash) {
            self.again.insert(hash);
        }
    }

    fn has(&self, hash: impl FnOnce() -> u64) -> bool {
        !self.again.is_empty() && self.again.contains(&hash())
    }
}

/// A file's name in its parts.
struct Parts<'a> {
    /// Folders before it.
    folder: &'a str,
    /// Its own name without packing, where that is one of VASP's; the stem is then the folder's.
    own: Option<&'a str>,
    stem: &'a str,
}

impl Names {
    /// Of one or several inputs of which no file was met yet.
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

    /// The next input, whose files are met from now on.
    pub(super) fn input(&mut self, path: &Path, is_file: bool) {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let name = match is_file {
            true => String::new(),
            false => strip_archive(&name).unwrap_or(&name).to_owned(),
        };
        self.inputs.push(Input { name, is_file });
    }

    /// Meets a file of the last input; `false` where the source does not read files of this name.
    pub(super) fn meet(&mut self, name: &str) -> bool {
        let Some(at) = self.inputs.len().checked_sub(1) else { return false };
        let Some(parts) = self.parts(at, name) else { return false };
        let stem = hash(parts.stem);
        let path = self.several.then(|| hash(&self.short_path(at, &parts)));
        if let Some(own) = parts.own {
            let folder = self.folder_hash(at, parts.folder);
            if own.eq_ignore_ascii_case(RELAXED) {
                self.relaxed.insert(folder);
            }
            // The structures that go in and come out are one crystal.
            if !self.own.insert(folder) {
                return true;
            }
        }
        self.stems.meet(stem);
        if let Some(path) = path {
            self.paths.meet(path);
        }
        true
    }

    /// All files were met: what is no longer needed is let go.
    pub(super) fn met(&mut self) {
        self.own = HashSet::new();
        for names in [&mut self.stems, &mut self.paths] {
            names.met = HashSet::new();
        }
    }

    /// What the crystal of a file is called; `None` where the source does not read files of this name.
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
            return Some(FileName::Relaxed { id });
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

    /// Name of the folder or archive whose files have names without folders.
    fn input_name(&self, input: usize) -> Option<&str> {
        let input = self.inputs.get(input).filter(|input| !input.is_file && !input.name.is_empty())?;
        Some(&input.name)
    }

    /// Of a folder of an input; files given one by one are of the same tree.
    fn folder_hash(&self, input: usize, folder: &str) -> u64 {
        let input = self.inputs.get(input).filter(|given| !given.is_file).map(|_| input);
        hash(&(input, folder))
    }

    /// The path below the input without what is special to the file's name: `mp-1/relaxed.cif` is
    /// `mp-1/relaxed`, `mp-1/relax/CONTCAR` is `mp-1/relax`. Of a file that is an input itself, the
    /// folder next to it stands for the path.
    fn short_path(&self, input: usize, parts: &Parts<'_>) -> String {
        let mut folders: Vec<&str> = folders(parts.folder).collect();
        // An own name's stem is the last folder's.
        if parts.own.is_some() {
            folders.pop();
        }
        if self.inputs.get(input).is_some_and(|input| input.is_file) {
            folders.drain(..folders.len().saturating_sub(1));
        }
        joined(folders.into_iter(), parts.stem)
    }

    /// The path with the input's name before it, or all folders of an input that is a file.
    fn long_path(&self, input: usize, parts: &Parts<'_>, short: String) -> String {
        if let Some(name) = self.input_name(input) {
            return format!("{name}/{short}");
        }
        let mut folders: Vec<&str> = folders(parts.folder).collect();
        if parts.own.is_some() {
            folders.pop();
        }
        joined(folders.into_iter(), parts.stem)
    }
}

/// The part of a file's own name that is one of VASP's, without the ending of its packing.
pub(super) fn own_name(base: &str) -> Option<&str> {
    let name = strip_packing(base);
    OWN_NAMES.iter().any(|own| name.eq_ignore_ascii_case(own)).then_some(name)
}

/// The folders of a path that have a name of their own.
fn folders(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | ".."))
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

/// The same on every machine and in every run.
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
            assert!(files.iter().all(|file| names.meet(file)), "{files:?}");
        }
        names.met();
        let mut found = Vec::new();
        for (at, (input, files)) in inputs.iter().enumerate() {
            for file in if files.is_empty() { std::slice::from_ref(input) } else { files } {
                found.push(match names.of(at, file).expect("met before") {
                    FileName::Id { id, alias: None } => id.into_owned(),
                    FileName::Id { id, alias: Some(alias) } => format!("{id} = {alias}"),
                    FileName::Relaxed { id } => format!("({id})"),
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
