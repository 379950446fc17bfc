//! The commands `completions` and `man`, the same in every program.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use clap_complete::Shell;

use crate::{Page, Program};

/// Arguments of `PROGRAM completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// Shell that the script is for
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArguments {
    /// Where shells look for the script of a program, as the last lines of `PROGRAM completions --help`.
    pub fn places(program: &str) -> String {
        format!(
            "\
Where shells look for the script:
  {program} completions bash > ~/.local/share/bash-completion/completions/{program}
  {program} completions fish > ~/.config/fish/completions/{program}.fish
  {program} completions zsh > _{program}     in a folder of $fpath"
        )
    }

    /// Prints the script; a reader that has seen enough (`| head`) is no error.
    ///
    /// # Errors
    /// Those of standard output.
    pub fn print(&self, program: &Program) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(&program.completions(self.shell)).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

/// A folder that cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot create the folder {}: {source}", path.display())]
pub struct FolderError {
    /// The folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Arguments of `PROGRAM man`.
#[derive(Debug, Args)]
pub struct ManArguments {
    /// Folder of the pages; it is created where there is none
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl ManArguments {
    /// Writes every page with `write`, which is given a path and the whole content. Gives the pages' paths.
    ///
    /// # Errors
    /// [`FolderError`] where the folder cannot be made, and those of `write`.
    pub fn write<E: From<FolderError>>(
        &self,
        program: &Program,
        mut write: impl FnMut(&Path, &[u8]) -> Result<(), E>,
    ) -> Result<Vec<PathBuf>, E> {
        std::fs::create_dir_all(&self.folder)
            .map_err(|source| FolderError { path: self.folder.clone(), source })?;
        let mut paths = Vec::new();
        for Page { name, text } in program.pages() {
            let path = self.folder.join(name);
            write(&path, text.as_bytes())?;
            paths.push(path);
        }
        Ok(paths)
    }
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
            Ok::<_, FolderError>(())
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
    fn a_folder_that_cannot_be_made_is_named() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let file = parent.path().join("file");
        std::fs::write(&file, b"").expect("it is writable");
        let folder = file.join("man1");
        let error = ManArguments { folder: folder.clone() }
            .write::<FolderError>(&scales(), |_, _| unreachable!("there is no folder"))
            .expect_err("a file is no folder");
        let message = error.to_string();
        assert!(
            message.starts_with(&format!("cannot create the folder {}: ", folder.display())),
            "{message}"
        );
    }
}
