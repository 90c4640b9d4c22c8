//! A hub without broker on a free port, and the smallest HTTP client that its tests need.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "each test file uses a part of it, and a test says what it expects by failing"
)]

pub mod pcs;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use serde_json::Value;
use shelf_hub::config::{HubConfig, Secret};
use shelf_hub::server::{HubHandle, HubServer};

/// A hub over a directory.
pub struct TestHub {
    handle: Option<HubHandle>,
    addr: SocketAddr,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

pub fn config(data: &Path) -> HubConfig {
    HubConfig::local("demo".parse().unwrap(), data.to_owned(), None)
}

impl TestHub {
    pub fn start(data: &Path) -> Self {
        Self::with(&config(data))
    }

    pub fn with_token(data: &Path, token: &str) -> Self {
        let mut config = config(data);
        config.http.token = Some(Secret::new(token));
        Self::with(&config)
    }

    pub fn with(config: &HubConfig) -> Self {
        let handle = HubServer::start(config).unwrap();
        Self {
            addr: handle.http_addr(),
            handle: Some(handle),
        }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn stop(mut self) {
        self.handle.take().unwrap().stop().unwrap();
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, kind: &str, body: &str) -> Answer {
        self.ask("POST", path, &[("content-type", kind)], body.as_bytes())
    }

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        ask(self.addr, method, path, headers, body)
    }
}

pub fn get(addr: SocketAddr, path: &str) -> Answer {
    ask(addr, "GET", path, &[], b"")
}

pub fn ask(
    addr: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        request += &format!("host: {addr}\r\n");
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("content-length: {}\r\n\r\n", body.len());
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    // A hub that refuses a large body closes early; its answer is what counts.
    drop(stream.write_all(body));
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    Answer::read(&bytes)
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let split = bytes.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..split].to_vec())
            .unwrap()
            .to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut body = bytes[split + 4..].to_vec();
        if head.contains("transfer-encoding: chunked") {
            body = unchunked(&body);
        }
        Self { status, head, body }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&self.body));
        })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines();
        lines
            .filter_map(|it| it.split_once(": "))
            .find(|it| it.0 == name)
            .map(|it| it.1)
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = rest.windows(2).position(|it| it == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        whole.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    whole
}
