//! Who may read what is written: whom the user's mask lets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::support::*;

/// Runs the program under a mask.
fn under(mask: &str, arguments: &[&str]) {
    let output = Command::new("sh")
        .args(["-c", &format!("umask {mask}; exec \"$0\" \"$@\""), ETL])
        .args(arguments)
        .output()
        .expect("a shell starts");
    assert!(output.status.success(), "{}", said(&output));
}

/// Permissions of every file of a folder, by its name.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    let mode = |name: &str| fs::metadata(folder.join(name)).expect("a file").permissions().mode() & 0o777;
    tree(folder).into_keys().map(|name| (name.clone(), mode(&name))).collect()
}

#[test]
fn files_have_the_permissions_of_any_new_file() {
    let raw = folder();
    fs::write(raw.path().join("CsCl.cif"), caesium_chloride(4.12)).expect("a file");
    for (mask, expected) in [("077", 0o600), ("022", 0o644), ("002", 0o664)] {
        let out = folder();
        let (store, page, pages) =
            (out.path().join("store"), out.path().join("stats.html"), out.path().join("man"));
        for order in ["source", "shuffle:1"] {
            let arguments = ["build", "cif", "--input", text(raw.path()), "--out", text(&store)];
            under(mask, &[&arguments[..], &["--order", order, "--force"]].concat());
        }
        under(mask, &["stats", text(&store), "--html", text(&page)]);
        under(mask, &["man", text(&pages)]);
        let parts: Vec<_> = ["1/2", "2/2"].map(|part| out.path().join(part.replace('/', "-"))).into();
        for (part, path) in ["1/2", "2/2"].iter().zip(&parts) {
            let arguments = ["build", "cif", "--input", text(raw.path()), "--out", text(path)];
            under(mask, &[&arguments[..], &["--part", part]].concat());
        }
        let merged = out.path().join("merged");
        under(mask, &["merge", text(&parts[0]), text(&parts[1]), "--out", text(&merged)]);
        let found = modes(out.path());
        assert!(found.len() > 12, "{found:?}");
        for (name, mode) in found {
            assert_eq!(mode, expected, "{name}: {mode:o} under {mask}");
        }
    }
}
