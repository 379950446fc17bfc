//! Servers that send without an end, and passwords that must stay between two.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use crate::Case;
use crate::files::{folder, text};
use crate::program::{Ran, etl, run};
use crate::table::{MEBIBYTE, Row};

/// A published file whose length is known.
const TASK: &str = "dft_3d_exfoliation_energy";
/// That length, in bytes.
const TASK_BYTES: u64 = 5_502;
/// Most that a server here sends, in bytes.
const MOST: u64 = 1 << 30;
/// Name and password of an address.
const USERINFO: &str = "someone:s3cret";

/// The rows of this file.
pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("server without an end: etl fetch", endless),
        Case::new("server without an end, no length published: etl fetch", endless_without_length),
        Case::new("password in --base-url: etl fetch", password),
        Case::new("redirect from this machine to a cloud's metadata: etl fetch", redirected),
    ]
}

/// A server on this machine for a few requests, each answered as given; its address without the scheme.
fn serve(answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(8) {
            let mut stream = stream.expect("a connection");
            let lines = BufReader::new(stream.try_clone().expect("a socket")).lines();
            lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            // A client that has seen enough closes first.
            let _ = answer(&mut stream);
        }
    });
    address
}

fn fetch(url: &str, to: &Path, more: &[&str]) -> Ran {
    let fixed = ["fetch", "jarvis", TASK, "--base-url", url, "--to", text(to)];
    run(&etl(), [&fixed[..], more].concat())
}

/// The files that were fetched, hidden ones among them.
fn files(to: &Path) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    let mut folders = vec![to.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(fs::read(path).expect("a file")) }
        }
    }
    files
}

/// A server that sends more than any file has, and says no length.
fn serve_without_end() -> String {
    serve(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        let block = vec![0; MEBIBYTE as usize];
        (0..MOST / MEBIBYTE).try_for_each(|_| stream.write_all(&block))
    })
}

fn endless_without_length(row: &mut Row) {
    let (url, to) = (format!("http://{}", serve_without_end()), folder());
    let ran = run(&etl(), ["fetch", "matbench", "jdft2d", "--base-url", &url, "--to", text(to.path())]);
    row.ran(&ran);
    row.outcome("stopped at a limit by its entries");
    if let Err(fault) = ran.refusal("longer than 10420224 bytes") {
        row.fault(fault);
    }
    if files(to.path()).iter().any(|file| !file.is_empty()) {
        row.fault("something was kept");
    }
}

fn endless(row: &mut Row) {
    let address = serve_without_end();
    let to = folder();
    let ran = fetch(&format!("http://{address}"), to.path(), &[]);
    row.ran(&ran);
    row.outcome("stopped at its length");
    if let Err(fault) = ran.refusal(&format!("longer than {TASK_BYTES} bytes")) {
        row.fault(fault);
    }
    if files(to.path()).iter().any(|file| file.len() as u64 > TASK_BYTES) {
        row.fault("more was written than the file has");
    }
}

fn password(row: &mut Row) {
    let told = |text: &str| USERINFO.split(':').any(|secret| text.contains(secret));
    let refusing = serve(|stream| {
        stream.write_all(b"HTTP/1.1 403 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    });
    let to = folder();
    let refused = fetch(&format!("http://{USERINFO}@{refusing}"), to.path(), &[]);
    row.ran(&refused);
    row.outcome("refused");
    if let Err(fault) = refused.refusal("answered 403") {
        row.fault(fault);
    }
    let giving = serve(|stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nETag: \"1\"\r\nConnection: close\r\n\r\nids")
    });
    let given = fetch(&format!("http://{USERINFO}@{giving}"), to.path(), &["--allow-unverified", "--json"]);
    row.ran(&given);
    row.outcome("fetched");
    if given.code() != Some(0) {
        row.fault(format!("status {:?}: {}", given.code(), given.stderr));
    }
    let typed = fetch(&format!("ftp://{USERINFO}@{giving}"), to.path(), &[]);
    row.ran(&typed);
    row.outcome("refused");
    for said in [&refused.stderr, &given.stdout, &given.stderr, &typed.stderr] {
        if told(said) {
            row.fault(format!("the password is told: {said}"));
        }
    }
    if files(to.path()).iter().any(|file| told(&String::from_utf8_lossy(file))) {
        row.fault("the password is in a file");
    }
}

fn redirected(row: &mut Row) {
    let address = serve(|stream| {
        stream.write_all(
            b"HTTP/1.1 302 no\r\nLocation: http://169.254.169.254/x\r\nContent-Length: 0\r\n\
              Connection: close\r\n\r\n",
        )
    });
    let to = folder();
    let ran = fetch(&format!("http://{address}"), to.path(), &[]);
    row.ran(&ran);
    row.outcome("refused");
    if let Err(fault) = ran.refusal("169.254.169.254, an address of this machine, which is not followed") {
        row.fault(fault);
    }
}
