//! Cutting of XYZ files into frames.

use std::path::Path;
use std::sync::Arc;

use schemas::count::counted;

use super::document::open_document;
use super::input::Progress;
use super::line_stream::LineStream;
use super::records::{Piece, RecordCutter};
use super::{MAX_RECORD_BYTES, RecordError, SourceError};

/// Largest size in bytes of a line with the number of atoms.
const MAX_COUNT_BYTES: usize = 64;
/// Largest number of bytes of a line that a message quotes.
const SHOWN_BYTES: usize = 32;

/// Cuts a file into frames. A frame that ends too early or goes on behind its last atom is one without content, and what
/// follows is read from the next line with nothing but a number on.
pub(super) struct FrameCutter {
    lines: LineStream,
    /// The line with the number of atoms, if it was read already.
    ahead: Option<u64>,
    line: Vec<u8>,
    /// Whether a frame was found.
    begun: bool,
}

/// Returns the number in a line with nothing else.
fn lone_number(line: &[u8]) -> Option<u64> {
    let digits = line.trim_ascii();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

/// Whether a line is that of a cell vector, `VEC1 4.0 0.0 0.0`, which ASE reads behind the atoms.
fn is_cell_vector(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start(), [b'V', b'E', b'C', b'0'..=b'9', ..])
}

impl FrameCutter {
    /// Opens a file, compressed or not, or the only member of a zip archive whose name has one of the `endings`.
    ///
    /// # Errors
    /// Returns a [`SourceError`] if it cannot be opened.
    pub(super) fn open(path: &Path, endings: &[&str], progress: &Progress) -> Result<Self, SourceError> {
        let lines = LineStream::new(open_document(path, endings, progress)?);
        Ok(Self { lines, ahead: None, line: Vec::new(), begun: false })
    }

    /// Reads a line that may hold the number of atoms. Returns its size in bytes, 0 at the end of the file.
    fn count_line(&mut self) -> Result<usize, SourceError> {
        self.line.clear();
        let size = self.lines.next(&mut self.line, MAX_COUNT_BYTES)?;
        if size > MAX_COUNT_BYTES {
            // What follows in the line is no number.
            self.line.push(b'.');
        }
        Ok(size)
    }

    /// Moves behind the next line with nothing but a number.
    fn skip_to_frame(&mut self) -> Result<(), SourceError> {
        while self.count_line()? > 0 {
            self.ahead = lone_number(&self.line);
            if self.ahead.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Reads the line behind the last atom of a frame and its cell vectors, if it has any there. Returns whether it may be
    /// one more atom: it is neither empty nor the number of atoms of the next frame.
    fn goes_on(&mut self) -> Result<bool, SourceError> {
        loop {
            if self.count_line()? == 0 {
                return Ok(false);
            }
            if !is_cell_vector(&self.line) {
                break;
            }
        }
        self.ahead = lone_number(&self.line);
        Ok(self.ahead.is_none() && !self.line.trim_ascii().is_empty())
    }

    /// Appends the lines of a frame of `atoms` atoms.
    fn frame(&mut self, atoms: u64, bytes: &mut Vec<u8>) -> Result<Result<(), RecordError>, SourceError> {
        let start = bytes.len();
        let (mut is_large, mut found) = (false, 0);
        let few = |found: u64| RecordError::Frame {
            line: 1,
            message: format!("the frame has {found} lines of atoms instead of {atoms}"),
        };
        // The line of keys may hold nothing but a number.
        for is_comment in std::iter::once(true).chain(std::iter::repeat(false)) {
            if !is_comment && found == atoms {
                break;
            }
            let line = bytes.len();
            let limit = (MAX_RECORD_BYTES + 1).saturating_sub(line - start);
            if self.lines.next(bytes, limit)? == 0 {
                bytes.truncate(start);
                return Ok(if is_comment || found < atoms { Err(few(found)) } else { Ok(()) });
            }
            is_large |= bytes.len() - start > MAX_RECORD_BYTES;
            if is_large {
                bytes.truncate(start);
            } else if !is_comment {
                let number = bytes.get(line..).and_then(lone_number);
                if number.is_some() {
                    self.ahead = number;
                    bytes.truncate(start);
                    return Ok(Err(few(found)));
                }
            }
            found += u64::from(!is_comment);
        }
        Ok(if is_large { Err(RecordError::TooLarge { limit: MAX_RECORD_BYTES }) } else { Ok(()) })
    }
}

impl RecordCutter for FrameCutter {
    fn file(&self) -> &Arc<str> {
        self.lines.file()
    }

    fn next(&mut self, bytes: &mut Vec<u8>) -> Result<Option<Piece>, SourceError> {
        let atoms = loop {
            if let Some(atoms) = self.ahead.take() {
                break Ok(atoms);
            }
            match self.count_line()? {
                0 => return Ok(None),
                _ if self.line.trim_ascii().is_empty() => {}
                _ => break lone_number(&self.line).ok_or(()),
            }
        };
        let line = Some(self.lines.line());
        let start = bytes.len();
        let body = match atoms {
            Ok(atoms) => match self.frame(atoms, bytes)? {
                Ok(()) if self.goes_on()? => {
                    bytes.truncate(start);
                    self.skip_to_frame()?;
                    Err(RecordError::Frame {
                        line: 1,
                        message: format!("the frame has more than {} of atoms", counted(atoms, "line")),
                    })
                }
                body => body,
            },
            Err(()) => {
                let shown = self.line.trim_ascii();
                let shown = String::from_utf8_lossy(shown.get(..SHOWN_BYTES).unwrap_or(shown)).into_owned();
                if !self.begun {
                    let message = format!("begins with {shown:?} instead of a number of atoms: no XYZ file");
                    return Err(SourceError::layout(self.lines.file(), message));
                }
                self.skip_to_frame()?;
                Err(RecordError::Frame {
                    line: 1,
                    message: format!("{shown:?} where a number of atoms is due"),
                })
            }
        };
        self.begun = true;
        Ok(Some(Piece { line, name: None, body: body.map(|()| start..bytes.len()) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::{written, zip};

    /// Line and content of every frame, or its error.
    fn cut(text: &str) -> Vec<(u64, Result<String, String>)> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("a file");
        let mut cutter = FrameCutter::open(file.path(), &[".xyz"], &Progress::default()).expect("a file");
        let (mut bytes, mut found) = (Vec::new(), Vec::new());
        while let Some(piece) = cutter.next(&mut bytes).expect("readable") {
            let body = piece.body.map(|body| String::from_utf8_lossy(&bytes[body]).into_owned());
            found.push((piece.line.expect("a line"), body.map_err(|error| error.to_string())));
        }
        found
    }

    #[test]
    fn frames_are_cut_by_their_numbers_of_atoms() {
        let whole = |line, text: &str| (line, Ok(text.to_owned()));
        assert_eq!(cut("1\na=1\nX 1\n2\n\nX 1\nX 2"), [whole(1, "a=1\nX 1\n"), whole(4, "\nX 1\nX 2")]);
        assert_eq!(cut(" 1 \r\na\r\nX\r\n\n\n"), [whole(1, "a\r\nX\r\n")]);
        assert_eq!(cut("0\n7\n1\nb\nX"), [whole(1, "7\n"), whole(3, "b\nX")]);
        assert!(cut("").is_empty());
    }

    #[test]
    fn a_frame_with_another_number_of_atoms_does_not_spoil_the_next() {
        let few = |found: u64, atoms: u64| format!("the frame has {found} lines of atoms instead of {atoms}");
        let next = || (4, Ok("b\nX 2\n".to_owned()));
        assert_eq!(cut("3\na\nX 1\n1\nb\nX 2\n"), [(1, Err(few(1, 3))), next()]);
        let more = Err("the frame has more than 1 line of atoms".to_owned());
        let last = || (6, Ok("b\nX\n".to_owned()));
        assert_eq!(cut("1\na\nX 1\nX 2\nX 3\n1\nb\nX\n"), [(1, more.clone()), last()]);
        let behind = Err("\"X 2\" where a number of atoms is due".to_owned());
        let found = cut("1\na\nX 1\n\nX 2\n1\nb\nX\n");
        assert_eq!(found, [(1, Ok("a\nX 1\n".to_owned())), (5, behind), last()]);
        let long = format!("1\na\nX 1\nX {}\n", "2 ".repeat(MAX_COUNT_BYTES));
        assert_eq!(cut(&long), [(1, more)]);
        assert_eq!(cut("3\na\nX 1\n"), [(1, Err(few(1, 3)))]);
        assert_eq!(cut("3"), [(1, Err(few(0, 3)))]);
        assert_eq!(cut("18446744073709551615\na\nX 1\n")[0].1, Err(few(1, u64::MAX)));
    }

    #[test]
    fn cell_vectors_behind_the_atoms_are_left_out() {
        let vectors = format!("VEC1 3 0 0\n VEC2 0 3 0\nVEC3 {}0 0 3\n", " ".repeat(MAX_COUNT_BYTES));
        let (first, last) = ((1, Ok("a\nX 1\n".to_owned())), (7, Ok("b\nX 2\n".to_owned())));
        assert_eq!(cut(&format!("1\na\nX 1\n{vectors}1\nb\nX 2\n{vectors}")), [first.clone(), last]);
        for rest in ["X 2\n", "VECTOR 1\n"] {
            let more = "the frame has more than 1 line of atoms".to_owned();
            assert_eq!(cut(&format!("1\na\nX 1\n{vectors}{rest}")), [(1, Err(more))], "{rest}");
        }
        assert_eq!(cut(&format!("1\na\nX 1\n{vectors}\n")), [first]);
    }

    #[test]
    fn a_member_of_an_archive_needs_the_whole_ending() {
        let members: [(&str, &[u8]); 2] = [("wyckoffxyz", b"no frames"), ("a.xyz", b"1\na\nX 1\n")];
        let (_folder, path) = written("frames.zip", &zip(&members));
        let mut cutter = FrameCutter::open(&path, &[".xyz"], &Progress::default()).expect("one file");
        assert!(cutter.file().ends_with("!a.xyz"), "{}", cutter.file());
        let piece = cutter.next(&mut Vec::new()).expect("readable").expect("a frame");
        assert_eq!(piece.body, Ok(0..6));
    }

    #[test]
    fn what_is_no_xyz_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "data_x\n").expect("a file");
        let mut cutter = FrameCutter::open(file.path(), &[".xyz"], &Progress::default()).expect("a file");
        let error = cutter.next(&mut Vec::new()).map(|_| ()).expect_err("no number").to_string();
        assert!(
            error.ends_with("begins with \"data_x\" instead of a number of atoms: no XYZ file"),
            "{error}"
        );
    }
}
