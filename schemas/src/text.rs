//! Escaping of text from input files for display: on terminals, and in HTML, SVG, Markdown and CSV.
//!
//! Identifiers and names come from untrusted files. They may contain control characters that move the cursor of a
//! terminal, characters that reverse the direction of writing, or invisible characters, so that the text displayed
//! differs from the text stored. Such characters are displayed as their code point, `\u{202e}` for example. Formats
//! that programs read (Parquet, JSON, values in CSV) keep them.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::count::counted;

/// Characters that begin a formula in a spreadsheet, in ASCII and full width, or that may precede one.
const FORMULA_STARTS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
/// Prefix that marks a cell as text in spreadsheets.
const TEXT_MARK: char = '\'';

/// Largest length of a line of a message in bytes. Longer lines quote long texts from files or arguments.
pub const MESSAGE_BYTES: usize = 4096;
/// Number of bytes kept from the end of a long line, where the cause is stated.
const MESSAGE_END_BYTES: usize = MESSAGE_BYTES / 4;

/// Whether a character is invisible or changes how others are displayed: control characters, directional formatting
/// characters (U+202A to U+202E, U+2066 to U+2069 and others), zero-width spaces and joiners, fillers, variation
/// selectors, tags and noncharacters.
pub fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Escapes a text for a single line. Line breaks and tabs become `\n`, `\r` and `\t`; other hidden characters become
/// escapes such as `\u{202e}`.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden, |character, out| match character {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        hidden => by_code(hidden, out),
    })
}

/// Escapes a message for a single line as [`line()`] does. The middle of a long message is replaced by its length.
pub fn message(text: &str) -> Cow<'_, str> {
    match line(text) {
        long if long.len() > MESSAGE_BYTES => Cow::Owned(without_middle(&long)),
        short => short,
    }
}

/// Escapes a message of several lines about a program's arguments as [`page()`] does. Line breaks within the
/// arguments are escaped as in [`line()`], and each line is shortened as in [`message()`].
pub fn about_arguments(text: &str, arguments: &[String]) -> String {
    let mut text = text.to_owned();
    for argument in arguments {
        // A message may quote an option with its value or either one alone.
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

/// Replaces the middle of a long line by its length.
fn without_middle(line: &str) -> String {
    let first = line.floor_char_boundary(MESSAGE_BYTES - MESSAGE_END_BYTES);
    let last = line.ceil_char_boundary(line.len().saturating_sub(MESSAGE_END_BYTES)).max(first);
    let (begin, end) = (line.split_at(first).0, line.split_at(last).1);
    format!("{begin} [... {} left out ...] {end}", counted(last - first, "byte"))
}

/// Escapes a text of several lines, such as a page or a figure, as [`line()`] does, but keeps line breaks and tabs.
pub fn page(text: &str) -> Cow<'_, str> {
    escaped(text, |character| is_hidden(character) && !matches!(character, '\n' | '\t'), by_code)
}

/// Escapes hidden characters in JSON as `\u202e`. The values do not change.
pub fn json(text: &str) -> Cow<'_, str> {
    let hidden = |character| is_hidden(character) && !matches!(character, '\n' | '\t' | '\r');
    escaped(text, hidden, |character, out| {
        for unit in character.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

/// Escapes a text for a line or table cell in Markdown: it cannot end the cell or begin emphasis, code, a tag, a link
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

/// Prepares a text for a Markdown code span. Code spans have no escapes, so backticks are replaced.
pub fn markdown_code(text: &str) -> String {
    line(text).replace('`', "'")
}

/// Escapes a cell of a CSV file for spreadsheets. A text that a spreadsheet would interpret as a formula gets an
/// apostrophe in front, which marks it as text. Leading blank or hidden characters are ignored for this test, because
/// a spreadsheet may drop them. Numbers are not changed.
pub fn cell(text: &str) -> Cow<'_, str> {
    let is_formula = |text: &str| text.starts_with(FORMULA_STARTS) && !text.parse().is_ok_and(f64::is_finite);
    let seen = text.trim_start_matches(|character: char| is_hidden(character) || character.is_whitespace());
    if is_formula(text) || is_formula(seen) {
        Cow::Owned(format!("{TEXT_MARK}{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Returns the text from which [`cell`] made the content of a cell. Only a text that itself begins with an apostrophe and
/// looks like a formula behind it is not restored: it loses the apostrophe.
pub fn text_of_cell(content: &str) -> &str {
    match content.strip_prefix(TEXT_MARK) {
        Some(text) if matches!(cell(text), Cow::Owned(_)) => text,
        _ => content,
    }
}

/// Replaces the characters for which `chosen` returns true.
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

/// Appends a character as its code point, in the notation of Rust.
fn by_code(character: char, out: &mut String) {
    // Writing to a string cannot fail.
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
            assert_eq!(text_of_cell(&cell(formula)), formula);
        }
        for plain in [
            "",
            "NaCl",
            "-1.5",
            "+3",
            "-1e-7",
            "a=b",
            "mp-1",
            "1-2",
            "'quoted'",
            " -1.5",
            "\u{200b}a=b",
            " ",
            "\u{feff}",
        ] {
            assert_eq!(cell(plain), plain);
            assert_eq!(text_of_cell(plain), plain);
        }
        assert_eq!((&*cell("'=1"), text_of_cell("'=1")), ("'=1", "=1"));
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
