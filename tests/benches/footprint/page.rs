//! BARS 20: the status page's first byte, and how soon an open page shows a scan, beside 100,000
//! items.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use shelf_tests::{patience, wares};

use super::lab::{Lab, Times, micros};
use super::pc::{Pc, Setup};

const ITEMS: u32 = 100_000;
const ROUNDS: usize = 5;
const REQUESTS_PER_ROUND: usize = 60;
const UPDATES_PER_ROUND: usize = 12;
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn measure(lab: &Lab) -> Result<()> {
    let mut pc = Pc::running(lab, Setup::default())?;
    pc.load_items(ITEMS)?;
    let (mut pages, mut health) = (Times::default(), Times::default());
    let (mut apart, mut in_a_row) = (Times::default(), Times::default());
    let mut stream = Stream::open(pc.http, "/events/status")?;
    let mut number = 0;
    let mut update = |times: &mut Times| {
        number += 1;
        let code = wares::gtin13(number);
        let name = format!("Ware {number}<");
        let took = micros(|| {
            pc.act("scan", &[("code", &code)])?;
            stream.event(name.as_bytes())
        })?;
        times.add(took);
        anyhow::Ok(())
    };
    for round in 0..ROUNDS {
        [&mut pages, &mut health, &mut apart, &mut in_a_row]
            .into_iter()
            .for_each(Times::next_round);
        for _ in 0..REQUESTS_PER_ROUND {
            health.add(first_byte(pc.http, "/healthz")?);
            pages.add(first_byte(pc.http, "/")?);
        }
        for step in 0..UPDATES_PER_ROUND {
            // Scans of a shop come at any moment of the page's own beat.
            let seed = wares::draw(3, (round * UPDATES_PER_ROUND + step) as u64);
            patience::pass(Duration::from_millis(300 + seed % 500));
            update(&mut apart)?;
        }
        for _ in 0..UPDATES_PER_ROUND {
            update(&mut in_a_row)?;
        }
        pc.act("void_basket", &[])?;
    }
    println!(
        "{}",
        json!({ "bench": "footprint", "bar": 20, "what": "status page with 100,000 items",
            "first_byte": pages.ms(), "healthz_first_byte": health.ms(),
            "live_update": apart.ms(), "live_update_back_to_back": in_a_row.ms() })
    );
    pc.stop()
}

/// From before the connection until the first byte of the answer, in microseconds.
fn first_byte(to: SocketAddr, path: &str) -> Result<f64> {
    let mut rest = Vec::new();
    let start = Instant::now();
    let mut stream = get(to, path, "close")?;
    let mut first = [0; 1];
    stream.read_exact(&mut first)?;
    let took = start.elapsed();
    stream.read_to_end(&mut rest)?;
    if !rest.starts_with(b"TTP/1.1 200") {
        bail!("{path}: {}", String::from_utf8_lossy(&rest));
    }
    Ok(took.as_secs_f64() * 1e6)
}

fn get(to: SocketAddr, path: &str, connection: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let head = format!("GET {path} HTTP/1.1\r\nhost: {to}\r\nconnection: {connection}\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    Ok(stream)
}

/// A page's stream of events.
pub(crate) struct Stream {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Stream {
    /// Opens it and waits for the first picture.
    pub(crate) fn open(to: SocketAddr, path: &str) -> Result<Self> {
        let stream = get(to, path, "keep-alive")?;
        let mut opened = Self {
            stream,
            seen: Vec::new(),
        };
        opened.event(b"event: live")?;
        Ok(opened)
    }

    /// Waits until a text came that was not waited for before.
    pub(crate) fn event(&mut self, text: &[u8]) -> Result<()> {
        self.stream.set_read_timeout(Some(PATIENCE))?;
        let mut from = 0;
        loop {
            if let Some(at) = self.seen[from..]
                .windows(text.len())
                .position(|it| it == text)
            {
                self.seen.drain(..from + at + text.len());
                return Ok(());
            }
            from = self.seen.len().saturating_sub(text.len());
            if self.read().context("an event of the page")? == 0 {
                bail!("the stream ended");
            }
        }
    }

    /// Forgets what came, until nothing comes for a while.
    pub(crate) fn drain(&mut self, quiet: Duration) -> Result<()> {
        self.stream.set_read_timeout(Some(quiet))?;
        loop {
            self.seen.clear();
            match self.read() {
                Ok(0) => bail!("the stream ended"),
                Ok(_) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn read(&mut self) -> std::io::Result<usize> {
        let mut bytes = [0; 65_536];
        let length = self.stream.read(&mut bytes)?;
        self.seen.extend_from_slice(&bytes[..length]);
        Ok(length)
    }
}
