//! The line of keys and values of a frame of extended XYZ, by the rules of ASE (`ase.io.extxyz`).

use std::collections::HashSet;

use super::json::parse_number;
use super::property_value::PropertyValue;

/// Largest number of columns of an atom.
const MAX_COLUMNS: usize = 1 << 16;

/// Splits a line into keys and values.
///
/// `"..."`, `'...'`, `{...}` and `[...]` quote, without nesting; a backslash takes the next character as it is. Blanks
/// around `=` do not count. A key without a value is `T`, true.
pub(super) fn pairs(line: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, Option<String>)> = Vec::new();
    // Whether the next character begins another key, and the character that ends the quotation.
    let (mut is_new, mut close, mut escaped) = (true, None, false);
    for character in line.trim().chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => {
                escaped = true;
                continue;
            }
            _ if close == Some(character) => {
                close = None;
                continue;
            }
            _ if close.is_some() => {}
            '"' | '\'' => {
                close = Some(character);
                continue;
            }
            '{' => {
                close = Some('}');
                continue;
            }
            '[' => {
                close = Some(']');
                continue;
            }
            _ if character.is_whitespace() => {
                // Blanks behind `=` stand before the value.
                is_new |= pairs.last().is_some_and(|(key, value)| match value {
                    Some(value) => !value.is_empty(),
                    None => !key.is_empty(),
                });
                continue;
            }
            '=' => {
                is_new = false;
                match pairs.last_mut() {
                    Some((_, Some(value))) => value.push('='),
                    Some((_, value)) => *value = Some(String::new()),
                    None => pairs.push((String::new(), Some(String::new()))),
                }
                continue;
            }
            _ => {}
        }
        if is_new {
            pairs.push((String::new(), None));
            is_new = false;
        }
        if let Some((key, value)) = pairs.last_mut() {
            value.as_mut().unwrap_or(key).push(character);
        }
    }
    pairs.into_iter().map(|(key, value)| (key, value.unwrap_or_else(|| "T".to_owned()))).collect()
}

/// A value as a property: a number, `T` or `F`, a text, or a list of them, which has no text.
pub(super) struct XyzValue<'a> {
    /// The value.
    pub(super) value: PropertyValue,
    /// Its text; `None` for a list.
    pub(super) text: Option<&'a str>,
}

impl<'a> XyzValue<'a> {
    /// Classifies the text of a value.
    pub(super) fn of(text: &'a str) -> Self {
        let words = || text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
        let is_flag = |word: &str| matches!(word, "T" | "F");
        let is_list = words().nth(1).is_some()
            && (words().all(is_flag) || words().all(|word| parse_number(word.as_bytes()).is_some()));
        let value = match text.trim() {
            "T" => PropertyValue::Boolean(true),
            "F" => PropertyValue::Boolean(false),
            trimmed => PropertyValue::of_text(trimmed.as_bytes()),
        };
        if is_list || value == PropertyValue::List {
            Self { value: PropertyValue::Other, text: None }
        } else {
            Self { value, text: Some(text) }
        }
    }
}

/// Which column gives the species of an atom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SpeciesColumn {
    /// The column of the symbols.
    Symbol(usize),
    /// The column of the atomic numbers.
    Number(usize),
}

/// A further column of the atoms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FurtherColumn {
    /// Name of the property.
    pub(super) name: String,
    /// The column.
    pub(super) at: usize,
}

/// The columns of atoms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    /// The column of the species.
    pub(super) species: SpeciesColumn,
    /// The first of the three columns of the position.
    pub(super) position: usize,
    /// The column of the atomic numbers beside that of the symbols, which must not contradict it.
    pub(super) restated: Option<usize>,
    /// Number of columns.
    pub(super) count: usize,
    /// Whether the frame names its columns. If so, atoms have no others.
    pub(super) are_given: bool,
    /// The other properties that are one number of an atom, in the order of their columns.
    pub(super) numbers: Vec<FurtherColumn>,
    /// The properties that are vectors, texts or truth values, with type and number of columns: `forces`, `R:3`.
    pub(super) others: Vec<(String, String)>,
}

impl Default for Columns {
    /// Returns the columns of plain XYZ: symbol and position.
    fn default() -> Self {
        let (numbers, others) = (Vec::new(), Vec::new());
        let species = SpeciesColumn::Symbol(0);
        Self { species, position: 1, restated: None, count: 4, are_given: false, numbers, others }
    }
}

impl Columns {
    /// Reads `Properties`: `name:type:columns` for each property of the atoms, separated by colons. Returns `None` if
    /// it is malformed, names no species or positions, or gives two properties one name.
    pub(super) fn read(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.trim().split(':').collect();
        let (triples, rest) = words.as_chunks::<3>();
        if !rest.is_empty() {
            return None;
        }
        let (mut symbol, mut number, mut position, mut count) = (None, None, None, 0usize);
        let (mut numbers, mut others, mut names) = (Vec::new(), Vec::new(), HashSet::new());
        let mut restated = None;
        for [name, kind, width] in triples {
            if !names.insert(*name) {
                return None;
            }
            let width: usize = width.parse().ok().filter(|width| (1..=MAX_COLUMNS).contains(width))?;
            match (*name, *kind, width) {
                ("species", "S", 1) => symbol = Some(count),
                ("Z", "I", 1) => number = Some(count),
                ("pos", "R", 3) => position = Some(count),
                ("species" | "pos", ..) => return None,
                // The name that ASE gives the atomic numbers.
                ("numbers", "I", 1) => {
                    restated = Some(count);
                    numbers.push(FurtherColumn { name: (*name).to_owned(), at: count });
                }
                (name, "R" | "I", 1) => numbers.push(FurtherColumn { name: name.to_owned(), at: count }),
                (name, "R" | "I" | "S" | "L", width) => {
                    others.push((name.to_owned(), format!("{kind}:{width}")));
                }
                _ => return None,
            }
            count += width;
            if count > MAX_COLUMNS {
                return None;
            }
        }
        let species = symbol.map(SpeciesColumn::Symbol).or(number.map(SpeciesColumn::Number))?;
        let restated = if symbol.is_some() { number.or(restated) } else { restated };
        Some(Self { species, position: position?, restated, count, are_given: true, numbers, others })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(line: &str) -> Vec<(String, String)> {
        pairs(line)
    }

    #[test]
    fn quotes_braces_escapes_and_flags_are_those_of_ase() {
        for (line, expected) in [
            (
                r#"name="a \"quoted\" word" other='single quoted words'"#,
                &[("name", r#"a "quoted" word"#), ("other", "single quoted words")][..],
            ),
            (
                "v={1 2 3} w=[1.5, 2.5] m=[[1,2],[3,4]]",
                &[("v", "1 2 3"), ("w", "1.5, 2.5"), ("m", "[1,2,3,4]")],
            ),
            ("relaxed energy = -1.0\tx =2", &[("relaxed", "T"), ("energy", "-1.0"), ("x", "2")]),
            ("a=b=c", &[("a", "b=c")]),
            ("just a comment", &[("just", "T"), ("a", "T"), ("comment", "T")]),
            ("\"two words\"=1", &[("two words", "1")]),
            ("", &[]),
            ("a=\"open", &[("a", "open")]),
        ] {
            let expected: Vec<_> =
                expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn values_are_told_by_their_words() {
        let of = |text: &'static str| {
            let XyzValue { value, text } = XyzValue::of(text);
            (value, text)
        };
        assert_eq!(of("-1.5"), (PropertyValue::Number(-1.5), Some("-1.5")));
        assert_eq!(of("T"), (PropertyValue::Boolean(true), Some("T")));
        assert_eq!(of("1 2 3"), (PropertyValue::Other, None));
        assert_eq!(of("[1, 2]"), (PropertyValue::Other, None));
        assert_eq!(of("T F"), (PropertyValue::Other, None));
        assert_eq!(of("T 1"), (PropertyValue::Other, Some("T 1")));
        assert_eq!(of("two words"), (PropertyValue::Other, Some("two words")));
        assert_eq!(of(""), (PropertyValue::Missing, Some("")));
        assert_eq!(of("nan").0, PropertyValue::Missing);
    }

    #[test]
    fn columns_are_counted() {
        let of = |text: &str| {
            Columns::read(text).map(|columns| (columns.species, columns.position, columns.count))
        };
        assert_eq!(of("species:S:1:pos:R:3:forces:R:3"), Some((SpeciesColumn::Symbol(0), 1, 7)));
        assert_eq!(of("pos:R:3:Z:I:1"), Some((SpeciesColumn::Number(3), 0, 4)));
        let columns =
            Columns::read("q:R:1:species:S:1:Z:I:1:pos:R:3:f:R:3:tag:I:1:fixed:L:1").expect("columns");
        let numbers: Vec<_> = columns.numbers.iter().map(|column| (&*column.name, column.at)).collect();
        assert_eq!(numbers, [("q", 0), ("tag", 9)]);
        let others: Vec<_> = columns.others.iter().map(|(name, kind)| (&**name, &**kind)).collect();
        assert_eq!(others, [("f", "R:3"), ("fixed", "L:1")]);
        for text in [
            "",
            "species:S:1",
            "pos:R:3",
            "species:S:1:pos:R:2",
            "species:S:1:pos:R:3:x:R:0",
            "species:S:1:pos:R:3:x:Q:1",
            "species:S:1:pos:R:3:x",
            "species:S:1:pos:R:3:x:R:99999999",
            "species:S:1:pos:R:3:x:R:1:x:R:1",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_line_ends_without_panic(line in "[a=\"'{}\\[\\]\\\\ ,T1é]{0,60}") {
            for (_, value) in pairs(&line) {
                XyzValue::of(&value);
            }
            let _ = Columns::read(&line);
        }
    }
}
