//! Positions and messages of TOML errors.

use toml::de::{DeTable, DeValue};

/// Returns the line and column of a byte of a text, counted from 1.
pub(crate) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// Returns the line and column of a dotted key in a text; `None` if it is not there. An element of an array of tables
/// is found by its `name` or `model`.
pub(crate) fn place_of(text: &str, key: &str) -> Option<(usize, usize)> {
    let table = DeTable::parse(text).ok()?;
    Some(line_and_column(text, offset_of(table.get_ref(), key)?))
}

/// Returns the byte offset of a dotted key in a table.
fn offset_of(table: &DeTable<'_>, key: &str) -> Option<usize> {
    table.iter().find_map(|(name, value)| {
        let rest = key.strip_prefix(name.get_ref().as_ref())?;
        if rest.is_empty() {
            return Some(name.span().start);
        }
        let rest = rest.strip_prefix('.')?;
        match value.get_ref() {
            DeValue::Table(inner) => offset_of(inner, rest),
            DeValue::Array(elements) => elements.iter().find_map(|element| {
                let DeValue::Table(inner) = element.get_ref() else { return None };
                let names =
                    ["name", "model"].into_iter().filter_map(|name| inner.get(name)?.get_ref().as_str());
                let rest = names.filter_map(|name| rest.strip_prefix(name)?.strip_prefix('.')).next()?;
                offset_of(inner, rest)
            }),
            _ => None,
        }
    })
}

/// Returns the line, column and message of a TOML error. The message is on one line.
pub(crate) fn fault(text: &str, error: &toml::de::Error) -> (usize, usize, String) {
    let (line, column) = line_and_column(text, error.span().map_or(0, |span| span.start));
    let message = match error.message().trim() {
        // The parser's words for a value that is no text where a choice of words is needed.
        "wanted string or table" | "wanted exactly 1 element, more than 1 element" => {
            "must be one of its words, in quotation marks".to_owned()
        }
        message => message.replace('\n', ", "),
    };
    (line, column, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        assert_eq!(line_and_column("a\nÅb", 0), (1, 1));
        assert_eq!(line_and_column("a\nÅb", 4), (2, 2));
        assert_eq!(line_and_column("a", 9), (1, 2));
    }

    #[test]
    fn keys_are_found_however_they_are_written() {
        let text = "a.b = 1\n[c]\n\"d.e\" = 2\nf = { g = 3 }\n[[h]]\nname = \"i\"\nj = 4\n";
        for (key, place) in [
            ("a", Some((1, 1))),
            ("a.b", Some((1, 3))),
            ("c", Some((2, 2))),
            ("c.d.e", Some((3, 1))),
            ("c.f.g", Some((4, 7))),
            ("h.i.j", Some((7, 1))),
            ("h.x.j", None),
            ("c.d", None),
            ("a.b.c", None),
        ] {
            assert_eq!(place_of(text, key), place, "{key}");
        }
    }

    #[test]
    fn a_fault_is_told_on_one_line() {
        let text = "a = 1\nb = ";
        let error = toml::from_str::<toml::Table>(text).expect_err("no value");
        let (line, column, message) = fault(text, &error);
        assert_eq!((line, column), (2, 5));
        assert!(!message.is_empty() && !message.contains('\n'), "{message}");
    }
}
