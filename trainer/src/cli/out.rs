//! Standard output.

use std::collections::BTreeMap;
use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use schemas::manifest::NotedEntries;
use schemas::text;
use trainer::run::unfinished::Unfinished;

/// Writes several lines to standard output, with control characters made visible.
pub(super) fn write(lines: Arguments<'_>) -> anyhow::Result<()> {
    put(&text::page(&lines.to_string()))
}

/// Writes a line to standard output, with control characters made visible.
pub(super) fn write_line(line: Arguments<'_>) -> anyhow::Result<()> {
    put(&format!("{}\n", text::line(&line.to_string())))
}

/// Writes to standard output. A reader that closes the pipe early (`| head`) is not an error, and the command
/// continues.
fn put(text: &str) -> anyhow::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write the output"),
        _ => Ok(()),
    }
}

/// Writes a line to standard output, and returns from the function if that fails.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::out::write_line(format_args!($($text)*))?
    };
}
pub(super) use say;

/// Writes a line to standard error, with control characters made visible and the middle of a long line left out.
macro_rules! remark {
    ($($text:tt)*) => {
        eprintln!("{}", schemas::text::message(&format!($($text)*)))
    };
}
pub(super) use remark;

/// Tells on standard error that a weights file has no description.
pub(super) fn remark_undescribed(weights: &Path) {
    remark!(
        "trainer: {} says nothing about its model, features and lattice statistics: the defaults are taken",
        weights.display()
    );
}

/// Writes the remarks about entries of an input, by code, with the first of each.
pub(super) fn say_noted(noted: &BTreeMap<String, NotedEntries>) -> anyhow::Result<()> {
    for (code, noted) in noted {
        say!("{} noted: {code}; the first:", noted.count);
        for note in &noted.first {
            say!("  {note}");
        }
    }
    Ok(())
}

/// Tells on standard error which weights files are those of runs that have not come to their end.
pub(super) fn remark_unfinished(files: &[PathBuf]) {
    for unfinished in files.iter().filter_map(|file| Unfinished::of(file.parent()?)) {
        remark!("trainer: {unfinished}");
    }
}
