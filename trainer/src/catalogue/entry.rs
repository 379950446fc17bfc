//! Entries of the catalogue.

use std::path::Path;

use schemas::hash::sha256;
use serde::Deserialize;

use super::builtin::{BUILT_IN, BuiltIn};
use super::error::CatalogueError;
use crate::config::similar::nearest;
use crate::{text_file, toml_text};

/// Ending of the file of an entry.
const FILE_ENDING: &str = ".toml";
/// Extension of a card beside the file of an entry.
const CARD_EXTENSION: &str = "md";
/// Maximum number of characters of a name.
const MAX_NAME: usize = 64;
/// Number of characters of a SHA-256 in hexadecimal.
const SHA256_DIGITS: usize = 64;
/// Beginning of the addresses that weights are downloaded from.
const SCHEME: &str = "https://";

/// Weights of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name: letters, digits, `-` and `_`, since it is part of file names.
    pub name: String,
    /// What they are, in a few words on one line.
    pub about: String,
    /// Licence of the data that they were trained on, on one line.
    pub licence: String,
    /// The card in Markdown, if there is one.
    pub card: Option<String>,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file in lower-case hexadecimal.
    pub sha256: String,
    /// Where the file comes from.
    pub origin: Origin,
}

/// Where a weights file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is part of the program.
    Program(&'static [u8]),
    /// It is downloaded from an address.
    Address(String),
}

/// Content of an entry's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    about: String,
    licence: String,
    url: Option<String>,
    bytes: Option<u64>,
    sha256: Option<String>,
}

/// Whether a text can be the name of an entry.
pub(super) fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() <= MAX_NAME
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.bytes().all(is_part)
}

/// Whether a text is the path of an entry's file.
pub(super) fn is_file_name(text: &str) -> bool {
    text.ends_with(FILE_ENDING)
}

impl Entry {
    /// Loads a built-in entry by its name, or one from a TOML file by its path. The file's name without its ending is the
    /// name of the entry; its card is the Markdown file of this name beside it, if there is one.
    ///
    /// # Errors
    /// * [`CatalogueError::Unknown`] if no built-in entry has the name
    /// * [`CatalogueError::Read`] if the TOML file or its card cannot be read
    /// * [`CatalogueError::Name`], [`CatalogueError::Syntax`] and [`CatalogueError::Value`] if the TOML file is not a valid
    ///   entry
    pub fn load(name_or_path: &str) -> Result<Self, CatalogueError> {
        if let Some(entry) = BUILT_IN.iter().find(|entry| entry.name == name_or_path) {
            return Self::of(entry);
        }
        if !is_file_name(name_or_path) {
            return Err(CatalogueError::Unknown {
                name: name_or_path.to_owned(),
                nearest: nearest(name_or_path, Self::names()).map(str::to_owned),
            });
        }
        let path = Path::new(name_or_path);
        let read = |path: &Path| {
            text_file::read(path).map_err(|source| CatalogueError::Read { path: path.to_owned(), source })
        };
        let text = read(path)?;
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if !is_name(name) {
            return Err(CatalogueError::Name { path: path.to_owned(), name: name.to_owned() });
        }
        let card = path.with_extension(CARD_EXTENSION);
        let card = if card.exists() { Some(read(&card)?) } else { None };
        Self::parse(&text, path, name, card, None)
    }

    /// Returns the names of the built-in entries, those of weights in the program first.
    pub fn names() -> Vec<&'static str> {
        BUILT_IN.iter().map(|entry| entry.name).collect()
    }

    fn of(entry: &BuiltIn) -> Result<Self, CatalogueError> {
        let path = format!("{}{FILE_ENDING}", entry.name);
        Self::parse(entry.entry, Path::new(&path), entry.name, Some(entry.card.to_owned()), entry.content)
    }

    /// Parses an entry. `content` is the file that is part of the program; without one, the entry must say where the file
    /// is.
    fn parse(
        text: &str,
        path: &Path,
        name: &str,
        card: Option<String>,
        content: Option<&'static [u8]>,
    ) -> Result<Self, CatalogueError> {
        let file: File = toml::from_str(text).map_err(|error| {
            let (line, column, message) = toml_text::fault(text, &error);
            CatalogueError::Syntax { path: path.to_owned(), line, column, message }
        })?;
        let refused = |key: &'static str, needed: &'static str| {
            let line = toml_text::place_of(text, key).map_or(1, |(line, _)| line);
            CatalogueError::Value { path: path.to_owned(), line, key, needed }
        };
        for (key, value) in [("about", &file.about), ("licence", &file.licence)] {
            if !is_line(value) {
                return Err(refused(key, "text on one line"));
            }
        }
        let (bytes, sha256, origin) = match (content, file.url, file.bytes, file.sha256) {
            (Some(content), None, None, None) => {
                (content.len() as u64, sha256(content), Origin::Program(content))
            }
            (Some(_), ..) => {
                return Err(refused("url", "left out, as bytes and sha256: the file is part of the program"));
            }
            (None, url, bytes, hash) => {
                let url = url.filter(|url| url.starts_with(SCHEME));
                let bytes = bytes.filter(|&bytes| bytes > 0);
                let hash = hash.filter(|hash| is_sha256(hash));
                (
                    bytes.ok_or_else(|| refused("bytes", "the size of the file in bytes"))?,
                    hash.ok_or_else(|| refused("sha256", "64 digits of a SHA-256 in lower case"))?,
                    Origin::Address(url.ok_or_else(|| refused("url", "an address with https://"))?),
                )
            }
        };
        let File { about, licence, .. } = file;
        Ok(Self { name: name.to_owned(), about, licence, card, bytes, sha256, origin })
    }
}

/// Whether a text can be shown on a line of a terminal, and is not blank.
fn is_line(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains(char::is_control)
}

/// Whether a text is a SHA-256 in lower-case hexadecimal.
fn is_sha256(text: &str) -> bool {
    text.len() == SHA256_DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights;

    /// Largest number of bytes of weights that are part of the program.
    const MAX_SHIPPED_BYTES: usize = 10_000_000;
    const HASH: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    /// An entry of weights elsewhere.
    fn elsewhere() -> String {
        format!(
            "about = \"a\"\nlicence = \"CC BY 4.0\"\nurl = \"https://example.org/a\"\nbytes = 3\nsha256 = \"{HASH}\"\n"
        )
    }

    fn parse(text: &str, content: Option<&'static [u8]>) -> Result<Entry, String> {
        Entry::parse(text, Path::new("lab.toml"), "lab", None, content).map_err(|error| error.to_string())
    }

    /// Cards say what a user must know before they use weights.
    #[test]
    fn built_in_entries_are_whole() {
        let mut hashes = std::collections::BTreeSet::new();
        for name in Entry::names() {
            let entry = Entry::load(name).expect("an entry");
            assert!(is_name(name) && entry.name == name, "{name}");
            assert!(hashes.insert(entry.sha256.clone()), "{name}: the same file twice");
            let card = entry.card.expect("a card");
            for part in ["# ", "\n## Data\n", "\n## Losses", "\n## Settings\n", "\n## Command\n", "\nseed = "]
            {
                assert!(card.contains(part), "{name}: the card has no '{part}'");
            }
            for word in [&entry.licence, "crystals", "epoch", "steps"] {
                assert!(card.contains(word), "{name}: the card does not tell of '{word}'");
            }
            let Origin::Program(content) = entry.origin else { continue };
            assert!(content.len() <= MAX_SHIPPED_BYTES, "{name}: {}", content.len());
            let folder = tempfile::tempdir().expect("a temporary folder");
            let path = folder.path().join("weights.safetensors");
            std::fs::write(&path, content).expect("it is writable");
            let file = weights::read(&path).expect("weights");
            assert!(file.description().expect("a description").is_some(), "{name}: weights without one");
        }
    }

    #[test]
    fn an_entry_says_where_its_file_is() {
        let entry = parse(&elsewhere(), None).expect("an entry");
        assert_eq!((entry.bytes, entry.sha256.as_str()), (3, HASH));
        assert_eq!(entry.origin, Origin::Address("https://example.org/a".to_owned()));
        let shipped = parse("about = \"a\"\nlicence = \"none\"\n", Some(b"abc")).expect("an entry");
        assert_eq!((shipped.bytes, shipped.sha256.as_str()), (3, HASH));
        assert!(
            parse(&elsewhere(), Some(b"abc"))
                .expect_err("twice")
                .contains("lab.toml:3: url: must be left out")
        );
    }

    #[test]
    fn a_wrong_entry_is_refused_with_its_line() {
        for (from, to, expected) in [
            ("https", "http", "lab.toml:3: url: must be an address with https://"),
            ("bytes = 3", "bytes = 0", "lab.toml:4: bytes: must be the size"),
            ("bytes = 3", "bytes = -3", "lab.toml:4:9: not a valid entry"),
            (HASH, "abc", "lab.toml:5: sha256: must be 64 digits"),
            ("url", "uri", "unknown field `uri`"),
            ("about = \"a\"\n", "", "missing field `about`"),
            ("\"a\"", "\"a\\nb\"", "lab.toml:1: about: must be text on one line"),
            ("\"a\"", "\"\\u001b[2J\"", "lab.toml:1: about: must be text on one line"),
            ("CC BY 4.0", " ", "lab.toml:2: licence: must be text on one line"),
        ] {
            let line = parse(&elsewhere().replace(from, to), None).expect_err(expected);
            assert!(line.contains(expected) && !line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn names_are_parts_of_file_names() {
        for name in ["mmpt-mp", "a", "A_1"] {
            assert!(is_name(name), "{name}");
        }
        for text in ["", "-a", ".a", "a.b", "a/b", "..", "a b", "ä", "*", &"a".repeat(65)] {
            assert!(!is_name(text), "{text}");
        }
    }

    #[test]
    fn a_file_names_its_entry_and_card() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("lab-1.toml"), elsewhere()).expect("it is writable");
        let load = |name: &str| Entry::load(path(name).to_str().expect("UTF-8"));
        let entry = load("lab-1.toml").expect("an entry");
        assert_eq!((entry.name.as_str(), entry.card), ("lab-1", None));
        std::fs::write(path("lab-1.md"), "# Lab\n").expect("it is writable");
        assert_eq!(load("lab-1.toml").expect("an entry").card.as_deref(), Some("# Lab\n"));
        std::fs::write(path("a b.toml"), elsewhere()).expect("it is writable");
        assert!(matches!(load("a b.toml"), Err(CatalogueError::Name { .. })));
    }
}
