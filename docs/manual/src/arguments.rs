//! The commands `completions` and `man`, the same in every program.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use clap_complete::Shell;

use crate::{EXAMPLES, Page, Program};

/// Arguments of `PROGRAM completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// Shell that the script is for
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArguments {
    /// Returns the last lines of `PROGRAM completions --help`, which say where shells look for the script.
    pub fn examples(program: &str) -> String {
        format!(
            "\
{EXAMPLES}
  {program} completions bash > ~/.local/share/bash-completion/completions/{program}
  {program} completions fish > ~/.config/fish/completions/{program}.fish
  {program} completions zsh > _{program}     # in a folder of $fpath"
        )
    }

    /// Prints the script to standard output. A closed pipe (`| head`) is not an error.
    ///
    /// # Errors
    /// Returns the errors of writing to standard output.
    pub fn print(&self, program: &Program) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(&program.completions(self.shell)).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

/// Number of bytes that are read from an existing file to tell whether it is a manual page of the program.
const MAX_HEAD_BYTES: u64 = 4096;

/// An error that prevents the pages from being written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PagesError {
    /// The folder cannot be created.
    #[error("cannot create the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A file that has the name of a page is not a manual page of this program.
    #[error("{}: no manual page of this program, and not replaced", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
}

/// Arguments of `PROGRAM man`.
#[derive(Debug, Args)]
pub struct ManArguments {
    /// Folder of the pages; it is created where there is none
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl ManArguments {
    /// Returns the last lines of `PROGRAM man --help`.
    pub fn examples(program: &str) -> String {
        format!(
            "\
{EXAMPLES}
  {program} man ~/.local/share/man/man1
  {program} man . && man ./{program}.1"
        )
    }

    /// Writes every page by calling `write` with its path and content, and returns the paths. Pages of this program
    /// are replaced, whatever their version. Other files are never replaced.
    ///
    /// # Errors
    /// Returns a [`PagesError`] before anything is written, and any error of `write`.
    pub fn write<E: From<PagesError>>(
        &self,
        program: &Program,
        mut write: impl FnMut(&Path, &[u8]) -> Result<(), E>,
    ) -> Result<Vec<PathBuf>, E> {
        std::fs::create_dir_all(&self.folder)
            .map_err(|source| PagesError::Folder { path: self.folder.clone(), source })?;
        let pages = program.pages();
        for page in &pages {
            let path = self.folder.join(&page.name);
            let there = path.symlink_metadata().is_ok_and(|metadata| metadata.len() > 0);
            if there && !page.is_version(&head(&path).unwrap_or_default()) {
                return Err(PagesError::Foreign { path }.into());
            }
        }
        let mut paths = Vec::new();
        for Page { name, text } in pages {
            let path = self.folder.join(name);
            write(&path, text.as_bytes())?;
            paths.push(path);
        }
        Ok(paths)
    }
}

/// Reads the first bytes of a regular file. Anything else is not opened, because reading a pipe would block.
fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    if std::fs::metadata(path)?.is_file() {
        File::open(path)?.take(MAX_HEAD_BYTES).read_to_end(&mut head)?;
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::scales;

    #[test]
    fn pages_go_into_a_folder_that_is_made() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let folder = parent.path().join("share/man/man1");
        let arguments = ManArguments { folder: folder.clone() };
        let mut written = Vec::new();
        let paths = arguments.write(&scales(), |path, text| {
            written.push((path.to_owned(), text.to_vec()));
            Ok::<_, PagesError>(())
        });
        assert!(folder.is_dir());
        let expected: Vec<_> = scales()
            .pages()
            .into_iter()
            .map(|page| (folder.join(page.name), page.text.into_bytes()))
            .collect();
        assert_eq!(written, expected);
        let paths = paths.expect("it is writable");
        assert_eq!(paths, expected.into_iter().map(|(path, _)| path).collect::<Vec<_>>());
    }

    #[test]
    fn files_of_others_stay_and_pages_of_other_versions_do_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = || {
            let arguments = ManArguments { folder: folder.path().to_owned() };
            arguments.write(&scales(), |path, text| {
                std::fs::write(path, text).expect("it is writable");
                Ok::<_, PagesError>(())
            })
        };
        write().expect("nothing is there");
        let path = folder.path().join("scales-zero.1");
        let page = std::fs::read_to_string(&path).expect("it was written");
        std::fs::write(&path, page.replace("scales 1.2.3", "scales 0.9")).expect("it is writable");
        write().expect("a page of another version");
        assert_eq!(std::fs::read_to_string(&path).expect("it is there"), page);
        let others = page.replace("\"scales 1.2.3\"", "\"kitchen 2\"");
        for foreign in [others.as_str(), "years of work", ".TH SCALES-ZERO 1\n"] {
            std::fs::write(&path, foreign).expect("it is writable");
            std::fs::remove_file(folder.path().join("scales.1")).expect("it is there");
            let error = write().expect_err("a file of others").to_string();
            assert!(error.contains("scales-zero.1: no manual page of this program"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).expect("it is there"), foreign);
            assert!(!folder.path().join("scales.1").exists(), "none was written before it");
            std::fs::write(folder.path().join("scales.1"), "").expect("it is writable");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let file = parent.path().join("file");
        std::fs::write(&file, b"").expect("it is writable");
        let folder = file.join("man1");
        let error = ManArguments { folder: folder.clone() }
            .write::<PagesError>(&scales(), |_, _| unreachable!("there is no folder"))
            .expect_err("a file is no folder");
        let message = error.to_string();
        assert!(
            message.starts_with(&format!("cannot create the folder {}: ", folder.display())),
            "{message}"
        );
    }
}
