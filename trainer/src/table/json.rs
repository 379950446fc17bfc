//! Rows as JSON: an array with one object per line, or JSON lines.

use std::io::{self, Write};

use serde::Serialize;

/// Writer of rows as JSON.
pub(crate) struct JsonRows<W: Write> {
    out: W,
    /// Whether to write JSON lines instead of an array.
    lines: bool,
    empty: bool,
}

impl<W: Write> JsonRows<W> {
    /// Begins an array or, if `lines`, JSON lines.
    ///
    /// # Errors
    /// If writing fails.
    pub(crate) fn new(mut out: W, lines: bool) -> io::Result<Self> {
        if !lines {
            out.write_all(b"[")?;
        }
        Ok(Self { out, lines, empty: true })
    }

    /// Appends a row.
    ///
    /// # Errors
    /// If writing fails.
    pub(crate) fn write(&mut self, row: &impl Serialize) -> io::Result<()> {
        if !self.lines {
            self.out.write_all(if self.empty { b"\n" } else { b",\n" })?;
        }
        self.empty = false;
        serde_json::to_writer(&mut self.out, row)?;
        if self.lines { self.out.write_all(b"\n") } else { Ok(()) }
    }

    /// Ends the array or the lines.
    ///
    /// # Errors
    /// If writing fails.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if !self.lines {
            self.out.write_all(b"\n]\n")?;
        }
        self.out.flush()
    }
}
