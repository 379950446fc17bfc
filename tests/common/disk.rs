//! A disk of a few kilobytes, to run out of.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// A small file system in memory, mounted for as long as this lives.
pub(crate) struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts a file system of a size as `mount` takes it, `500k` for example; `None`, said on standard
    /// output, where that is not allowed.
    pub(crate) fn new(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(folder.path());
        if !mount.output().is_ok_and(|mount| mount.status.success()) {
            println!("skipped: mounting a small file system is not allowed here");
            return None;
        }
        Some(Self { folder })
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Changes how it is mounted, `size=64m` or `ro` for example.
    pub(crate) fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let status = Command::new("mount").args(["-o", &options]).arg(self.path()).status();
        assert!(status.is_ok_and(|status| status.success()), "mount -o {options}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Whatever still has a file open there has it until its end.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
