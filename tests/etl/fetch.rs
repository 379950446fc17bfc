//! `etl fetch` from a mirror folder and from a server that breaks off.

use std::fs;

use crate::server::serve;
use crate::support::*;

/// The bytes that stand for a published file.
fn published() -> Vec<u8> {
    (0..100_000_u32).flat_map(u32::to_le_bytes).collect()
}

#[test]
fn a_mirror_folder_serves_the_published_names() {
    let (mirror, to) = (folder(), folder());
    fs::create_dir(mirror.path().join("oqmd")).expect("a folder");
    fs::write(mirror.path().join("oqmd/all_oqmd.json.zip"), published()).expect("a file");
    let fetch =
        |database: &str| etl(["fetch", database, "--mirror", text(mirror.path()), "--to", text(to.path())]);
    let output = fetch("oqmd");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(fs::read(to.path().join("oqmd/all_oqmd.json.zip")).expect("it is there"), published());
    let output = fetch("matbench");
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("matbench"), "{}", said(&output));
}

#[test]
fn a_broken_download_goes_on_where_it_ended() {
    let to = folder();
    let url = serve(published(), published().len() / 2, false);
    let output = etl(["fetch", "oqmd", "--base-url", &url, "--to", text(to.path()), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(fs::read(to.path().join("oqmd/all_oqmd.json.zip")).expect("it is there"), published());
    let fetched: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(fetched[0]["bytes"], 400_000);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let to = folder();
    let output = etl(["fetch", "oqmd", "--base-url", "http://127.0.0.1:1", "--to", text(to.path())]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("http://127.0.0.1:1/oqmd/all_oqmd.json.zip"), "{}", said(&output));
}
