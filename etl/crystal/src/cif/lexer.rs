//! Tokens of a CIF, by the grammars of CIF 1.1 and 2.0.
//!
//! Nothing is copied: tokens are byte ranges. Harmless violations of the grammar in real files are accepted: control
//! characters, bytes outside ASCII in any encoding, `$` or `[` at the start of a value. Violations that make the
//! content ambiguous, such as an unterminated quote or text field, are errors.

use memchr::{memchr, memchr2};

use super::error::SyntaxProblem;

/// A range of bytes of the file, as 32-bit offsets. Longer files are refused beforehand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    /// Offset of the first byte.
    pub(super) start: u32,
    /// Offset after the last byte.
    pub(super) end: u32,
}

impl Span {
    fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// Returns the bytes of the range, or an empty slice if it is out of range.
    #[inline]
    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// Whether the range is empty.
    pub(super) fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// How a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Without quotes. Only in this form are `?` and `.` special.
    Bare,
    /// In quotes or as a text field.
    Quoted,
    /// A list or table of CIF 2.0.
    Container,
}

/// A value without its delimiters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value {
    /// The bytes.
    pub(super) span: Span,
    /// How it was written.
    pub(super) form: Form,
}

impl Value {
    /// Whether the value is `?` (unknown) or `.` (inapplicable).
    #[inline]
    pub(super) fn is_missing(self, bytes: &[u8]) -> bool {
        self.form == Form::Bare && matches!(self.span.of(bytes), b"?" | b".")
    }
}

/// Whether a value is empty, `?` or `.`, with or without quotes.
pub(super) fn says_nothing(value: &[u8]) -> bool {
    matches!(value.trim_ascii(), b"" | b"?" | b".")
}

/// A token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// `data_name`, with the range of the name.
    Data(Span),
    /// `save_name`. An empty name ends a save frame.
    Save(Span),
    /// `loop_`.
    Loop,
    /// `global_`, a word of STAR that is reserved in CIF. The items after it belong to all blocks.
    Global,
    /// `stop_`, another reserved word of STAR.
    Reserved,
    /// `_tag`, with the underscore.
    Tag(Span),
    /// A value.
    Value(Value),
    /// End of the file.
    End,
}

/// An error of a text that violates the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// What is wrong.
    pub(super) problem: SyntaxProblem,
    /// Its byte offset.
    pub(super) offset: usize,
}

/// First bytes of a file in CIF 2.0.
const MAGIC_2: &[u8] = b"#\\#CIF_2.0";

/// UTF-8 byte order mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Splits the bytes of a file into tokens.
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    version_2: bool,
}

impl<'a> Lexer<'a> {
    /// Creates a lexer at the first byte after a byte order mark.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let at = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let version_2 = bytes.get(at..).is_some_and(|rest| rest.starts_with(MAGIC_2));
        Self { bytes, at, version_2 }
    }

    /// Returns the offset of the next byte.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// Reads the next token.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Result<Token, SyntaxError> {
        let Some(first) = self.skip_blanks() else { return Ok(Token::End) };
        match first {
            b'_' => {
                let start = self.at;
                self.skip_word();
                Ok(Token::Tag(Span::new(start, self.at)))
            }
            b'\'' | b'"' => self.quoted(first).map(|span| Token::Value(Value { span, form: Form::Quoted })),
            b';' if self.at_line_start() => {
                self.text_field().map(|span| Token::Value(Value { span, form: Form::Quoted }))
            }
            b'[' | b'{' if self.version_2 => {
                self.container().map(|span| Token::Value(Value { span, form: Form::Container }))
            }
            b'd' | b'D' | b'l' | b'L' | b's' | b'S' | b'g' | b'G' => Ok(self.word_or_keyword()),
            _ => {
                let start = self.at;
                self.skip_word();
                Ok(Token::Value(Value { span: Span::new(start, self.at), form: Form::Bare }))
            }
        }
    }

    /// Skips blanks and comments. Returns the byte that follows, or `None` at the end.
    ///
    /// All control characters count as blanks, because old files end with Ctrl-Z or contain form feeds.
    #[inline]
    fn skip_blanks(&mut self) -> Option<u8> {
        loop {
            match *self.bytes.get(self.at)? {
                b'#' => {
                    let rest = self.bytes.get(self.at..)?;
                    self.at += memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                }
                byte if byte > b' ' => return Some(byte),
                _ => self.at += 1,
            }
        }
    }

    /// Skips to the next blank.
    #[inline]
    fn skip_word(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let mut length = 0;
        // Eight bytes are tested at a time: the lowest byte below 0x21 sets the lowest of the high bits.
        while let Some(eight) = rest.get(length..).and_then(<[u8]>::first_chunk) {
            let word = u64::from_le_bytes(*eight);
            let blanks = word.wrapping_sub(0x2121_2121_2121_2121) & !word & 0x8080_8080_8080_8080;
            if blanks != 0 {
                self.at += length + blanks.trailing_zeros() as usize / 8;
                return;
            }
            length += 8;
        }
        let rest = rest.get(length..).unwrap_or_default();
        self.at += length + rest.iter().position(|&byte| byte <= b' ').unwrap_or(rest.len());
    }

    fn at_line_start(&self) -> bool {
        self.at == 0 || matches!(self.bytes.get(self.at - 1), Some(b'\n' | b'\r'))
    }

    fn word_or_keyword(&mut self) -> Token {
        let start = self.at;
        self.skip_word();
        let span = Span::new(start, self.at);
        let word = span.of(self.bytes);
        let has_prefix = |prefix: &[u8]| word.get(..5).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
        if has_prefix(b"data_") {
            return Token::Data(Span::new(start + 5, self.at));
        }
        if has_prefix(b"save_") {
            return Token::Save(Span::new(start + 5, self.at));
        }
        if word.eq_ignore_ascii_case(b"loop_") {
            return Token::Loop;
        }
        if word.eq_ignore_ascii_case(b"global_") {
            return Token::Global;
        }
        if word.eq_ignore_ascii_case(b"stop_") {
            return Token::Reserved;
        }
        Token::Value(Value { span, form: Form::Bare })
    }

    /// Reads a value in quotes, or in triple quotes in CIF 2.0.
    ///
    /// In CIF 1.1 a quote ends the value only before a blank, so `'a dog's life'` is one value.
    fn quoted(&mut self, quote: u8) -> Result<Span, SyntaxError> {
        let open = self.at;
        let error = SyntaxError { problem: SyntaxProblem::UnterminatedQuote, offset: open };
        if self.version_2 && self.bytes.get(open..open + 3) == Some(&[quote; 3]) {
            return self.triple_quoted(quote).ok_or(error);
        }
        let mut at = open + 1;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let found = rest.iter().position(|&byte| byte == quote || byte == b'\n' || byte == b'\r');
            at += found.ok_or(error)?;
            if self.bytes.get(at) != Some(&quote) {
                return Err(error);
            }
            let after = self.bytes.get(at + 1);
            if self.version_2 || after.is_none_or(|&byte| byte <= b' ') {
                self.at = at + 1;
                return Ok(Span::new(open + 1, at));
            }
            at += 1;
        }
    }

    fn triple_quoted(&mut self, quote: u8) -> Option<Span> {
        let start = self.at + 3;
        let mut at = start;
        loop {
            at += memchr(quote, self.bytes.get(at..)?)?;
            if self.bytes.get(at..at + 3) == Some(&[quote; 3]) {
                self.at = at + 3;
                return Some(Span::new(start, at));
            }
            at += 1;
        }
    }

    /// Reads a text field, from a `;` at the start of a line to the next `;` at the start of a line.
    fn text_field(&mut self) -> Result<Span, SyntaxError> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let Some(line_end) = memchr2(b'\n', b'\r', rest) else {
                return Err(SyntaxError { problem: SyntaxProblem::UnterminatedText, offset: self.at });
            };
            at += line_end;
            if self.bytes.get(at + 1) == Some(&b';') {
                self.at = at + 2;
                // The search found the LF. The CR before it is not part of the text either.
                let end = if at > start && self.bytes.get(at - 1) == Some(&b'\r') { at - 1 } else { at };
                return Ok(Span::new(start, end));
            }
            at += 1;
        }
    }

    /// Reads a list or table of CIF 2.0 up to its closing bracket. Its content is not examined.
    fn container(&mut self) -> Result<Span, SyntaxError> {
        let open = self.at;
        let error = SyntaxError { problem: SyntaxProblem::UnterminatedContainer, offset: open };
        let mut depth = 0usize;
        loop {
            let byte = self.skip_blanks().ok_or(error)?;
            match byte {
                b'[' | b'{' => {
                    depth += 1;
                    self.at += 1;
                }
                b']' | b'}' => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        return Ok(Span::new(open, self.at));
                    }
                }
                b'\'' | b'"' => {
                    self.quoted(byte)?;
                }
                b';' if self.at_line_start() => {
                    self.text_field()?;
                }
                _ => {
                    let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
                    let ends =
                        |byte: &u8| *byte <= b' ' || matches!(byte, b'[' | b']' | b'{' | b'}' | b'\'' | b'"');
                    self.at += 1 + rest.iter().position(ends).unwrap_or(rest.len());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens as text: `D` data, `S` save, `L` loop, `T` tag, `B` bare, `Q` quoted, `C` container, `!` reserved.
    fn tokens(text: &str) -> Vec<String> {
        let mut lexer = Lexer::new(text.as_bytes());
        let mut all = Vec::new();
        loop {
            let (kind, span) = match lexer.next().expect(text) {
                Token::Data(span) => ('D', span),
                Token::Save(span) => ('S', span),
                Token::Tag(span) => ('T', span),
                Token::Value(Value { span, form: Form::Bare }) => ('B', span),
                Token::Value(Value { span, form: Form::Quoted }) => ('Q', span),
                Token::Value(Value { span, form: Form::Container }) => ('C', span),
                Token::Loop => ('L', Span::default()),
                Token::Reserved | Token::Global => ('!', Span::default()),
                Token::End => return all,
            };
            all.push(format!("{kind}{}", String::from_utf8_lossy(span.of(text.as_bytes()))));
        }
    }

    #[test]
    fn words() {
        let text = "data_a _tag value # comment\n#comment\n_t#g v#lue\tloop_ SAVE_f save_ 'loop_' data dat loop_s stop_ Global_";
        let expected = [
            "Da", "T_tag", "Bvalue", "T_t#g", "Bv#lue", "L", "Sf", "S", "Qloop_", "Bdata", "Bdat", "Bloop_s",
            "!", "!",
        ];
        assert_eq!(tokens(text), expected);
    }

    #[test]
    fn quotes_of_version_1_end_before_a_blank_only() {
        assert_eq!(
            tokens("'a dog's life' \"x\"\"y\" '' 'a;' ';'"),
            ["Qa dog's life", "Qx\"\"y", "Q", "Qa;", "Q;"]
        );
        assert_eq!(tokens("'''triple''' [1 2] {a}"), ["Q''triple''", "B[1", "B2]", "B{a}"]);
    }

    #[test]
    fn quotes_and_containers_of_version_2() {
        let text = "#\\#CIF_2.0\n'''a\n'b''' \"x\" [1 [']'] {'a':2}] {}";
        assert_eq!(tokens(text), ["Qa\n'b", "Qx", "C[1 [']'] {'a':2}]", "C{}"]);
    }

    #[test]
    fn text_fields() {
        assert_eq!(tokens(";one\n two ; 'three\n;four"), ["Qone\n two ; 'three", "Bfour"]);
        assert_eq!(tokens("a\r\n;one\r\ntwo\r\n;\r\nb"), ["Ba", "Qone\r\ntwo", "Bb"]);
        assert_eq!(tokens("a\r;one\rtwo\r;\rb"), ["Ba", "Qone\rtwo", "Bb"]);
        assert_eq!(tokens("a ;b \n;\n;"), ["Ba", "B;b", "Q"]);
    }

    #[test]
    fn what_does_not_end() {
        for (text, problem, offset) in [
            ("a 'b\nc'", SyntaxProblem::UnterminatedQuote, 2),
            ("\"b", SyntaxProblem::UnterminatedQuote, 0),
            ("a\n;b\n c;", SyntaxProblem::UnterminatedText, 2),
            ("#\\#CIF_2.0\n[1 {2]", SyntaxProblem::UnterminatedContainer, 11),
            ("#\\#CIF_2.0\n'''b''", SyntaxProblem::UnterminatedQuote, 11),
        ] {
            let mut lexer = Lexer::new(text.as_bytes());
            let error = loop {
                match lexer.next() {
                    Ok(Token::End) => panic!("{text}"),
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            assert_eq!(error, SyntaxError { problem, offset }, "{text}");
        }
    }
}
