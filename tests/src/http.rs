//! The smallest HTTP client that the tests need: one request, one connection, one answer.
//!
//! It uses none of the product's HTTP code, so that both can't be wrong in the same way. Every
//! wait has a limit; a peer that is killed in the middle of an answer gives an error.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long one request may take.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// The most bytes of one answer.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Head without the status line, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; text that is none gives an error that shows it.
    pub fn json(&self) -> io::Result<Value> {
        serde_json::from_slice(&self.body)
            .map_err(|error| broken(format!("{error}: {} {}", self.status, self.text())))
    }

    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|it| it.0 == name)
            .map(|it| it.1.as_str())
    }
}

/// `GET`.
pub fn get(to: SocketAddr, path: &str) -> io::Result<Answer> {
    ask(to, "GET", path, &[], b"")
}

/// `GET` of JSON, which must come with status 200.
pub fn get_json(to: SocketAddr, path: &str) -> io::Result<Value> {
    let answer = get(to, path)?;
    if answer.status != 200 {
        return Err(broken(format!(
            "{path}: {} {}",
            answer.status,
            answer.text()
        )));
    }
    answer.json()
}

/// `POST` of JSON.
pub fn post_json(to: SocketAddr, path: &str, body: &Value) -> io::Result<Answer> {
    let kind = [("content-type", "application/json")];
    ask(to, "POST", path, &kind, body.to_string().as_bytes())
}

/// `POST` of CSV.
pub fn post_csv(to: SocketAddr, path: &str, body: &str) -> io::Result<Answer> {
    ask(
        to,
        "POST",
        path,
        &[("content-type", "text/csv")],
        body.as_bytes(),
    )
}

/// Any request.
pub fn ask(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\nhost: {to}\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\n\r\n", body.len());
    let mut stream = TcpStream::connect_timeout(&to, REQUEST_TIMEOUT)?;
    stream.set_read_timeout(Some(REQUEST_TIMEOUT))?;
    stream.set_write_timeout(Some(REQUEST_TIMEOUT))?;
    stream.set_nodelay(true)?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    // Some servers keep the connection open although they were asked to close it.
    while !is_whole(&bytes) && bytes.len() < ANSWER_BYTES_MAX {
        let taken = stream.read(&mut buffer)?;
        if taken == 0 {
            break;
        }
        bytes.extend_from_slice(buffer.get(..taken).unwrap_or_default());
    }
    read(&bytes)
}

/// Whether an answer says of itself that it ends here.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(split) = bytes.windows(4).position(|it| it == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(bytes.get(..split).unwrap_or_default()).to_ascii_lowercase();
    let value = |name: &str| {
        head.lines()
            .find_map(|it| it.strip_prefix(name).map(str::trim))
    };
    match value("content-length:").and_then(|it| it.parse::<usize>().ok()) {
        Some(length) => bytes.len() >= split + 4 + length,
        None => value("transfer-encoding:") == Some("chunked") && bytes.ends_with(b"\r\n0\r\n\r\n"),
    }
}

fn broken(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

fn read(bytes: &[u8]) -> io::Result<Answer> {
    let split = bytes.windows(4).position(|it| it == b"\r\n\r\n");
    let split = split.ok_or_else(|| broken("the answer broke off in its head"))?;
    let (head, rest) = bytes.split_at(split);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|it| it.split(' ').nth(1))
        .and_then(|it| it.parse().ok());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    let mut answer = Answer {
        status: status.ok_or_else(|| broken("no status line"))?,
        headers: lines.filter_map(header).collect(),
        body: rest.get(4..).unwrap_or_default().to_vec(),
    };
    if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = unchunked(&answer.body)?;
    } else if let Some(length) = answer.header("content-length") {
        let length: usize = length.parse().map_err(|_| broken("content-length"))?;
        if answer.body.len() != length {
            return Err(broken("the answer broke off in its body"));
        }
    }
    Ok(answer)
}

fn unchunked(mut rest: &[u8]) -> io::Result<Vec<u8>> {
    let mut whole = Vec::new();
    let torn = || broken("the answer broke off between its chunks");
    loop {
        let end = rest
            .windows(2)
            .position(|it| it == b"\r\n")
            .ok_or_else(torn)?;
        let size = std::str::from_utf8(rest.get(..end).unwrap_or_default()).unwrap_or("?");
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| torn())?;
        if size == 0 {
            return Ok(whole);
        }
        whole.extend_from_slice(rest.get(end + 2..end + 2 + size).ok_or_else(torn)?);
        rest = rest.get(end + 4 + size..).ok_or_else(torn)?;
    }
}
