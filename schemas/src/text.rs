//! Escaping of text from input files wherever people read it: on terminals, in HTML, SVG, Markdown and CSV.
//!
//! Identifiers and names come from files of unknown origin. They may contain control characters that move the
//! cursor of a terminal, characters that reverse the direction of writing, and invisible ones, so that the text
//! shown differs from the text stored. Such characters are shown by their code point, as `\u{202e}`. Files that
//! programs read (Parquet, JSON, the values of CSV) keep them.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::count::counted;

/// Characters that start a formula in a spreadsheet, in ASCII and full width, or may precede one.
const FORMULA_STARTS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
/// Marks a cell as text in spreadsheets.
const TEXT_MARK: char = '\'';

/// Most bytes of a line of a message. Longer ones quote long texts of files or arguments.
pub const MESSAGE_BYTES: usize = 4096;
/// How many of them are kept from the end of the line, which states the cause.
const MESSAGE_END_BYTES: usize = MESSAGE_BYTES / 4;

/// Whether a character is not seen, or changes how others are: controls, marks of direction (U+202A to U+202E,
/// U+2066 to U+2069 and others), spaces and joiners without width, fillers, variation selectors and tags,
/// and what no text may hold.
pub fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A text as one line: line ends and tabs as `\n`, `\r` and `\t`, what else is hidden as `\u{202e}`.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden, |character, out| match character {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        hidden => by_code(hidden, out),
    })
}

/// A message as one line: as [`line()`], and of a long one the middle is left out, with its length said.
pub fn message(text: &str) -> Cow<'_, str> {
    match line(text) {
        long if long.len() > MESSAGE_BYTES => Cow::Owned(without_middle(&long)),
        short => short,
    }
}

/// A message of several lines about a program's arguments: as [`page()`], but line ends within the arguments
/// are written as [`line()`] does, and each line is cut as by [`message()`].
pub fn about_arguments(text: &str, arguments: &[String]) -> String {
    let mut text = text.to_owned();
    for argument in arguments {
        // A message may quote an option with its value, or either.
        let (option, value) = argument.split_once('=').unwrap_or((argument, argument));
        for quoted in [argument, option, value] {
            if quoted.contains(['\n', '\t']) && !quoted.trim().is_empty() {
                text = text.replace(quoted, &line(quoted));
            }
        }
    }
    let cut = |line: &str| if line.len() > MESSAGE_BYTES { without_middle(line) } else { line.to_owned() };
    page(&text).split_inclusive('\n').map(cut).collect()
}

/// A long line without its middle.
fn without_middle(line: &str) -> String {
    let first = line.floor_char_boundary(MESSAGE_BYTES - MESSAGE_END_BYTES);
    let last = line.ceil_char_boundary(line.len().saturating_sub(MESSAGE_END_BYTES)).max(first);
    let (begin, end) = (line.split_at(first).0, line.split_at(last).1);
    format!("{begin} [... {} left out ...] {end}", counted(last - first, "byte"))
}

/// A text of several lines, a page or a picture: as [`line()`], but line ends and tabs stay.
pub fn page(text: &str) -> Cow<'_, str> {
    escaped(text, |character| is_hidden(character) && !matches!(character, '\n' | '\t'), by_code)
}

/// JSON with the same values in which nothing is hidden: `\u202e`.
pub fn json(text: &str) -> Cow<'_, str> {
    let hidden = |character| is_hidden(character) && !matches!(character, '\n' | '\t' | '\r');
    escaped(text, hidden, |character, out| {
        for unit in character.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

/// A text within a line or a table of Markdown: it neither ends a cell nor begins emphasis, code, a tag, a link
/// or a heading.
pub fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in line(text).chars() {
        let after_bracket = character == '(' && escaped.ends_with(']');
        let first = escaped.is_empty() && character == '#';
        if after_bracket || first || matches!(character, '|' | '*' | '`' | '<' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A text within the backticks of Markdown, which know no escapes: it has none itself.
pub fn markdown_code(text: &str) -> String {
    line(text).replace('`', "'")
}

/// A text as a cell of a CSV that spreadsheets may open: what they would take for a formula gets an
/// apostrophe in front, by which they know a text. What is blank or hidden before a formula may be dropped when
/// the file is opened. Numbers are no formulas.
pub fn cell(text: &str) -> Cow<'_, str> {
    let is_formula = |text: &str| text.starts_with(FORMULA_STARTS) && !text.parse().is_ok_and(f64::is_finite);
    let seen = text.trim_start_matches(|character: char| is_hidden(character) || character.is_whitespace());
    if is_formula(text) || is_formula(seen) {
        Cow::Owned(format!("{TEXT_MARK}{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Replaces the characters that are chosen.
fn escaped(text: &str, chosen: impl Fn(char) -> bool, replace: impl Fn(char, &mut String)) -> Cow<'_, str> {
    let Some(first) = text.find(&chosen) else { return Cow::Borrowed(text) };
    let (before, rest) = text.split_at(first);
    let mut out = String::with_capacity(text.len());
    out.push_str(before);
    for character in rest.chars() {
        if chosen(character) { replace(character, &mut out) } else { out.push(character) }
    }
    Cow::Owned(out)
}

/// A character by its code, as Rust writes it.
fn by_code(character: char, out: &mut String) {
    // Writing to a text cannot fail.
    let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_seen_is_written_by_its_code() {
        for (text, shown) in [
            ("Al2O3 – Å, 𝑎 and 晶体", "Al2O3 – Å, 𝑎 and 晶体"),
            ("\u{1b}[2J\u{7}", "\\u{1b}[2J\\u{7}"),
            ("gpj.\u{202e}exe", "gpj.\\u{202e}exe"),
            ("a\u{2066}b\u{2069}\u{200b}\u{feff}\u{ad}", "a\\u{2066}b\\u{2069}\\u{200b}\\u{feff}\\u{ad}"),
            ("\u{9b}31m\u{e0041}", "\\u{9b}31m\\u{e0041}"),
            ("two\r\nlines\tand\\n", "two\\r\\nlines\\tand\\n"),
        ] {
            assert_eq!(line(text), shown);
        }
        assert_eq!(page("a\n\tb\r\u{1b}c\n"), "a\n\tb\\u{d}\\u{1b}c\n");
        assert!(matches!(line("NaCl"), Cow::Borrowed(_)) && matches!(page("a\nb"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_long_message_keeps_its_ends() {
        let long = format!("begin {} end", "å\u{202e}".repeat(100_000));
        let shown = message(&long);
        assert!(shown.len() < MESSAGE_BYTES + 64, "{}", shown.len());
        assert!(shown.starts_with("begin å\\u{202e}") && shown.ends_with(" end"), "{shown}");
        let said = |line: &str| line.contains(" bytes left out ...] ");
        assert!(said(&shown));
        assert_eq!(message("short\n"), "short\\n");
        assert_eq!(message(&"x".repeat(MESSAGE_BYTES)).len(), MESSAGE_BYTES);
        let lines = about_arguments(&format!("one\n{long}\nthree\n"), &[]);
        let lines: Vec<&str> = lines.lines().collect();
        assert!(lines.len() == 3 && said(lines[1]), "{lines:?}");
        assert_eq!((lines[0], lines[2]), ("one", "three"));
    }

    #[test]
    fn arguments_break_no_lines() {
        let text = "error: 'a\nb\u{1b}[2J' and 'v\n\tw'\n\n\tUsage\n";
        let arguments = ["etl", "a\nb\u{1b}[2J", "--o=v\n\tw", "\n"].map(str::to_owned);
        let shown = about_arguments(text, &arguments);
        assert_eq!(shown, "error: 'a\\nb\\u{1b}[2J' and 'v\\n\\tw'\n\n\tUsage\n");
        assert_eq!(about_arguments("error: 'a'\n\nUsage\n", &arguments), "error: 'a'\n\nUsage\n");
    }

    #[test]
    fn markdown_stays_where_it_is() {
        for (text, shown) in [
            ("a|b", "a\\|b"),
            ("<script>", "\\<script>"),
            ("[x](javascript:y)", "[x]\\(javascript:y)"),
            ("# one\n# two", "\\# one\\\\n# two"),
            ("jdft2d [meV/atom]", "jdft2d [meV/atom]"),
            ("\u{202e}", "\\\\u{202e}"),
        ] {
            assert_eq!(markdown(text), shown);
        }
        assert_eq!(markdown_code("a`b`\n"), "a'b'\\n");
    }

    #[test]
    fn formulas_become_texts_and_numbers_stay() {
        for formula in [
            "=1+1",
            "+cmd|' /C calc'!A0",
            "-2+3",
            "@SUM(1)",
            "\t=1",
            "\r=1",
            "-inf",
            "＝1",
            "-",
            "\u{200b}=1",
            "\u{feff}=1",
            " =1",
            "\u{a0}\u{3000}@SUM(1)",
            "\u{202e}\u{ad} +cmd|' /C calc'!A0",
            "\u{0}=1",
            "\u{2028}-2+3",
        ] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
        for plain in [
            "",
            "NaCl",
            "-1.5",
            "+3",
            "-1e-7",
            "a=b",
            "mp-1",
            "'=1",
            "1-2",
            " -1.5",
            "\u{200b}a=b",
            " ",
            "\u{feff}",
        ] {
            assert_eq!(cell(plain), plain);
        }
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(text in any::<String>()) {
            prop_assert!(!line(&text).contains(is_hidden));
            prop_assert!(!markdown(&text).contains(is_hidden));
            prop_assert!(!page(&text).contains(|c| is_hidden(c) && c != '\n' && c != '\t'));
            let seen = |c: char| !is_hidden(c) && !c.is_whitespace();
            prop_assert!(!cell(&text).chars().find(|c| seen(*c)).is_some_and(|c| matches!(c, '=' | '@')));
        }

        #[test]
        fn json_keeps_its_values(text in any::<String>()) {
            let written = serde_json::to_string(&[&text]).expect("a text");
            let shown = json(&written);
            prop_assert!(!shown.contains(is_hidden));
            let read: [String; 1] = serde_json::from_str(&shown).expect("JSON");
            prop_assert_eq!(&read[0], &text);
        }
    }
}
