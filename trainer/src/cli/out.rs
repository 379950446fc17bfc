//! Standard output.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};

use anyhow::Context;

/// Writes to standard output. A reader that has seen enough (`| head`) is no error: what else the command
/// does goes on.
pub(super) fn write(text: Arguments<'_>) -> anyhow::Result<()> {
    match io::stdout().lock().write_fmt(text) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write the output"),
        _ => Ok(()),
    }
}

/// Writes a line to standard output, and returns from the function where that cannot be done.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::out::write(format_args!("{}\n", format_args!($($text)*)))?
    };
}
pub(super) use say;
