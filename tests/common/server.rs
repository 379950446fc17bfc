//! An HTTP server on this machine that may break off.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

/// Serves a body under every path, from the byte that a request asks for, and returns the address. The first answer has at
/// most `first_bytes` of the body; after them the connection is closed, unless it `stays_open`.
pub(crate) fn serve(body: Vec<u8>, first_bytes: usize, stays_open: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for (number, stream) in listener.incoming().enumerate() {
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
            let (status, rest) =
                if start > 0 { ("206 Partial Content", &body[start..]) } else { ("200 OK", &body[..]) };
            let sent = if number == 0 { first_bytes.min(rest.len()) } else { rest.len() };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nContent-Range: bytes {start}-{}/{}\r\nETag: \"1\"\r\n\
                 Connection: close\r\n\r\n",
                rest.len(),
                body.len() - 1,
                body.len()
            );
            // The client may have gone already.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&rest[..sent]));
            if stays_open && number == 0 {
                open.push(stream);
            }
        }
    });
    format!("http://{address}")
}
