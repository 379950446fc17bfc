//! Pages as headless Chromium draws them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::png::Picture;

/// Size of the window, in pixels.
const WINDOW: &str = "1200,2000";

/// A browser of this machine.
pub(super) struct Browser {
    program: PathBuf,
}

/// Chromium, where there is one.
pub(super) fn find() -> Option<Browser> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&folders).map(|folder| folder.join("chromium"));
    let programs = std::iter::once(PathBuf::from("/usr/bin/chromium")).chain(on_path);
    programs.into_iter().find(|program| program.is_file()).map(|program| Browser { program })
}

impl Browser {
    /// The upper part of a page, in light colours.
    pub(super) fn photograph(&self, page: &Path) -> Picture {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let picture = folder.path().join("page.png");
        let status = Command::new(&self.program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"])
            .args(["--force-color-profile=srgb", "--force-device-scale-factor=1"])
            .arg(format!("--window-size={WINDOW}"))
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("--screenshot={}", picture.display()))
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("the browser starts");
        assert!(status.success(), "{status}");
        Picture::read(&std::fs::read(&picture).expect("the browser writes the picture"))
    }
}
