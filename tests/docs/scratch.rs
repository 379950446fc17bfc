//! A folder that looks like the root of the project, in which pages are followed.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::programs::etl_beside;
use crate::steps;
use crate::{TRAINER, output, root};

/// The Python that `make .venv/complete` installs.
const PYTHON: &str = ".venv/bin/python";
/// What of the root the pages use, besides `data`.
const LINKED: [&str; 4] = [".venv", "schemas", "tests", "trainer"];
/// What of `data` is committed.
const COMMITTED_DATA: [&str; 3] = ["build.sh", "mirror", "sample"];

/// The folder, and how commands find the programs.
pub(crate) struct Scratch {
    folder: TempDir,
    path: OsString,
}

impl Scratch {
    /// A folder with what is committed, and nothing that was built.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = root().canonicalize().expect("the root is there");
        fs::create_dir(folder.path().join("data")).expect("a folder");
        let data = COMMITTED_DATA.map(|name| format!("data/{name}"));
        for name in LINKED.into_iter().chain(data.iter().map(String::as_str)) {
            symlink(root.join(name), folder.path().join(name)).expect("a link");
        }
        let etl = etl_beside(TRAINER);
        let programs = etl.parent().expect("a file lies in a folder").to_owned();
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(programs).chain(std::env::split_paths(&inherited));
        let path = std::env::join_paths(folders).expect("no colon in the folder of the programs");
        Self { folder, path }
    }

    /// Saves a text of a page.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder");
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Runs a command of a page, which has to end as the page says; gives what it printed, `None` if it
    /// is skipped.
    pub(crate) fn run(&self, command: &steps::Command) -> Option<String> {
        if command.text.starts_with(PYTHON) && !root().join(PYTHON).exists() {
            println!("skipped: Python is not here; `make .venv/complete` installs it");
            return None;
        }
        let script = format!("exec 2>&1\n{}", command.text);
        let Output { status, stdout, .. } = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .current_dir(self.folder.path())
            .env("PATH", &self.path)
            .env("CRYSTAL_MMPT_CACHE", self.folder.path().join(".cache"))
            .output()
            .expect("bash starts");
        let printed = String::from_utf8_lossy(&stdout).into_owned();
        assert_eq!(status.code(), Some(command.status), "$ {}\n{printed}", command.text);
        Some(printed)
    }

    /// Runs a command of a session and compares what it prints with what the page shows.
    pub(crate) fn exchange(&self, exchange: &steps::Exchange, about: bool) {
        let Some(printed) = self.run(&exchange.command) else { return };
        assert!(
            output::fits(&exchange.printed, &printed, about),
            "$ {}\nthe page shows\n{}\nbut it prints\n{printed}",
            exchange.command.text,
            exchange.printed.join("\n"),
        );
    }
}
