//! `etl fetch` from a mirror folder and from a server that breaks off.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

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

/// Serves [`published`] on this machine: the first answer breaks off half-way, the next goes on where the
/// request's range says.
fn breaking_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().take(8).enumerate() {
            let mut stream = stream.expect("a connection");
            let mut start = 0;
            for line in BufReader::new(stream.try_clone().expect("a socket")).lines() {
                let line = line.unwrap_or_default().to_ascii_lowercase();
                if let Some(range) = line.strip_prefix("range: bytes=") {
                    start = range.trim_end_matches('-').parse().expect("a range to the end");
                }
                if line.is_empty() {
                    break;
                }
            }
            let body = published();
            let (status, rest) =
                if start > 0 { ("206 Partial Content", &body[start..]) } else { ("200 OK", &body[..]) };
            let sent = if number == 0 { &rest[..rest.len() / 2] } else { rest };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nContent-Range: bytes {start}-{}/{}\r\nETag: \"1\"\r\n\
                 Connection: close\r\n\r\n",
                rest.len(),
                body.len() - 1,
                body.len()
            );
            // The client may have gone already.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent));
        }
    });
    format!("http://{address}")
}

#[test]
fn a_broken_download_goes_on_where_it_ended() {
    let to = folder();
    let output = etl(["fetch", "oqmd", "--base-url", &breaking_server(), "--to", text(to.path()), "--json"]);
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
