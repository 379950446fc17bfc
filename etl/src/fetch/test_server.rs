//! An HTTP server for tests that can also misbehave: truncate a body, ignore ranges, or change its entity tag.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request received by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Path with a leading slash.
    pub(super) path: String,
    /// Headers, with names in lower case.
    pub(super) headers: Vec<(String, String)>,
}

impl Seen {
    /// Returns the value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns the first byte of a `Range: bytes=N-`.
    pub(super) fn range(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// A response of the server.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// Close the connection after this number of bytes of the body.
    pub(super) cut_at: Option<usize>,
    /// Keep the connection open where the body is truncated, without sending anything.
    pub(super) silent: bool,
    /// Send no length. The body then ends with the connection.
    pub(super) without_length: bool,
}

impl Answer {
    pub(super) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(super) fn whole(body: &[u8]) -> Self {
        Self { status: 200, body: body.to_vec(), ..Self::default() }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn cut_at(mut self, bytes: usize) -> Self {
        self.cut_at = Some(bytes);
        self
    }

    /// Returns the response of a correct server to a request for a file: the complete file, or the rest of the
    /// version that the client has.
    pub(super) fn file(seen: &Seen, body: &[u8], etag: &str) -> Self {
        let same = seen.header("if-range").is_none_or(|tag| tag == etag);
        match seen.range() {
            Some(first) if same && first < body.len() => {
                Self { status: 206, body: body[first..].to_vec(), ..Self::default() }
                    .header("Content-Range", format!("bytes {first}-{}/{}", body.len() - 1, body.len()))
            }
            Some(first) if same && first >= body.len() => Self::status(416),
            _ => Self::whole(body),
        }
        .header("ETag", etag)
    }
}

/// The server. It stops when the value is dropped.
pub(super) struct TestServer {
    /// `http://127.0.0.1:port`.
    pub(super) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl TestServer {
    /// Starts a server whose responses come from `answer`, which gets the request and its number, counted from 0.
    pub(super) fn start(answer: impl Fn(&Seen, usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming().flatten() {
                let Some(request) = read_request(&stream) else { continue };
                let number = {
                    let mut log = log.lock().expect("no test panicked here");
                    log.push(request.clone());
                    log.len() - 1
                };
                // The client may close the connection early.
                let answer = answer(&request, number);
                let _ = write_answer(&stream, &answer);
                if answer.silent {
                    silent.push(stream);
                }
            }
        });
        Self { url, seen }
    }

    /// Returns all requests received so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test panicked here").clone()
    }
}

fn read_request(stream: &TcpStream) -> Option<Seen> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut lines = BufReader::new(stream).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    for line in lines {
        let line = line.ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Some(Seen { path, headers })
}

fn write_answer(mut stream: &TcpStream, answer: &Answer) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} -\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !answer.without_length {
        head += &format!("Content-Length: {}\r\n", answer.body.len());
    }
    stream.write_all(format!("{head}\r\n").as_bytes())?;
    let sent = answer.cut_at.unwrap_or(answer.body.len()).min(answer.body.len());
    stream.write_all(&answer.body[..sent])?;
    stream.flush()
}
