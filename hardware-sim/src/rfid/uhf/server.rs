//! The reader on a pseudo-terminal or a TCP port: one thread.
#![allow(
    clippy::disallowed_methods,
    reason = "the simulated device's own clock; the core takes time as an argument"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::reader::{UhfFault, UhfReader, UhfReaderConfig};
use crate::rfid::order::Order;
use crate::scanner_pty::{Framing, PtyScanner};

/// The longest wait before the stop flag and new orders are looked at.
const POLL_MS_MAX: u64 = 50;
const READ_BYTES: usize = 4096;
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// A reader that serves its line until it is stopped or dropped.
#[derive(Debug)]
pub struct UhfServer {
    addr: Option<SocketAddr>,
    stop: Arc<AtomicBool>,
    reader: Arc<Mutex<UhfReader>>,
    thread: Option<JoinHandle<()>>,
}

/// What carries the bytes.
enum Line {
    Pty(PtyScanner),
    Tcp(TcpListener, Option<TcpStream>),
}

impl UhfServer {
    /// On a pseudo-terminal that the host opens at `link`, whose directory must exist.
    ///
    /// # Errors
    /// When there is no pseudo-terminal or no thread to be had.
    pub fn on_pty(link: &Path, config: UhfReaderConfig) -> anyhow::Result<UhfServer> {
        let pty = PtyScanner::plug(link, Framing::default())
            .with_context(|| format!("a pseudo-terminal at {}", link.display()))?;
        Self::start(Line::Pty(pty), None, config)
    }

    /// On `127.0.0.1:port`, as behind a serial server; port 0 takes a free one.
    ///
    /// # Errors
    /// When the port can't be listened on or no thread can be started.
    pub fn on_tcp(port: u16, config: UhfReaderConfig) -> anyhow::Result<UhfServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("simulated reader: cannot listen on port {port}"))?;
        listener
            .set_nonblocking(true)
            .context("simulated reader: listener")?;
        let addr = listener.local_addr().ok();
        Self::start(Line::Tcp(listener, None), addr, config)
    }

    fn start(
        line: Line,
        addr: Option<SocketAddr>,
        config: UhfReaderConfig,
    ) -> anyhow::Result<UhfServer> {
        let reader = Arc::new(Mutex::new(UhfReader::new(config)));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (Arc::clone(&reader), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("sim-uhf".to_owned())
            .spawn(move || serve(line, &shared, &stopped))
            .context("simulated reader: cannot start its thread")?;
        Ok(UhfServer {
            addr,
            stop,
            reader,
            thread: Some(thread),
        })
    }

    /// Where it listens, if it is on the network.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.addr
    }

    /// Something is to happen; whether there was room to remember it.
    pub fn order(&self, order: Order<UhfFault>) -> bool {
        locked(&self.reader).order(order)
    }

    /// Reads told so far.
    #[must_use]
    pub fn reads(&self) -> u64 {
        locked(&self.reader).reads()
    }

    /// Stops serving; the line is closed.
    pub fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported there.
            drop(thread.join());
        }
    }
}

impl Drop for UhfServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn locked(reader: &Mutex<UhfReader>) -> MutexGuard<'_, UhfReader> {
    reader.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut line: Line, reader: &Mutex<UhfReader>, stop: &AtomicBool) {
    let started = Instant::now();
    let now_us = || u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    while !stop.load(Ordering::Relaxed) {
        let most = POLL_MS_MAX * 1_000;
        let due = locked(reader).due_us();
        let wait_us = due.map_or(most, |at| at.saturating_sub(now_us()).min(most));
        let heard = line.receive(Duration::from_micros(wait_us));
        match heard {
            Heard::Nothing => {}
            Heard::Bytes(bytes) => locked(reader).received(now_us(), &bytes),
            Heard::Closed => locked(reader).disconnected(),
        }
        locked(reader).advance(now_us());
        let plugged = locked(reader).is_plugged();
        line.keep_plugged(plugged);
        loop {
            let bytes = locked(reader).next_bytes();
            let Some(bytes) = bytes else { break };
            if !line.send(&bytes) {
                locked(reader).disconnected();
            }
        }
    }
}

enum Heard {
    Nothing,
    Bytes(Vec<u8>),
    Closed,
}

impl Line {
    /// What the host sends within this time.
    fn receive(&mut self, limit: Duration) -> Heard {
        match self {
            Line::Pty(pty) => {
                if !pty.is_plugged() {
                    std::thread::sleep(limit);
                    return Heard::Nothing;
                }
                match pty.host_wrote(1, limit) {
                    Ok(bytes) if bytes.is_empty() => Heard::Nothing,
                    Ok(bytes) => Heard::Bytes(bytes),
                    Err(_) => Heard::Closed,
                }
            }
            Line::Tcp(listener, client) => {
                wait(listener, client.as_ref(), limit);
                if let Ok((new, _)) = listener.accept() {
                    // Serial servers give the line to whoever comes last.
                    let ready = new.set_nodelay(true).is_ok() && new.set_nonblocking(true).is_ok();
                    *client = ready.then_some(new);
                    return Heard::Closed;
                }
                let Some(open) = client else {
                    return Heard::Nothing;
                };
                let mut buffer = [0; READ_BYTES];
                match open.read(&mut buffer) {
                    Ok(n) if n > 0 => Heard::Bytes(buffer.get(..n).unwrap_or_default().to_vec()),
                    Err(e)
                        if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
                    {
                        Heard::Nothing
                    }
                    _ => {
                        *client = None;
                        Heard::Closed
                    }
                }
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> bool {
        match self {
            // A line without flow control loses what nobody takes.
            Line::Pty(pty) => !pty.takes_bytes() || pty.send_raw(bytes, &[]).is_ok(),
            Line::Tcp(_, Some(open)) => {
                let blocking = open.set_nonblocking(false).is_ok()
                    && open.set_write_timeout(Some(WRITE_TIMEOUT)).is_ok();
                blocking && open.write_all(bytes).is_ok() && open.set_nonblocking(true).is_ok()
            }
            Line::Tcp(_, None) => true,
        }
    }

    fn keep_plugged(&mut self, plugged: bool) {
        match self {
            Line::Pty(pty) if pty.is_plugged() != plugged => {
                if plugged {
                    // If there is no pseudo-terminal now, the next turn tries again.
                    let _replugged = pty.replug();
                } else {
                    pty.hang_up();
                }
            }
            Line::Tcp(_, client) if !plugged => *client = None,
            _ => {}
        }
    }
}

/// Sleeps until bytes or a client, at most `limit`.
fn wait(listener: &TcpListener, client: Option<&TcpStream>, limit: Duration) {
    let mut fds = vec![PollFd::new(listener, PollFlags::IN)];
    fds.extend(client.map(|it| PollFd::new(it, PollFlags::IN)));
    let timeout = Timespec::try_from(limit).ok();
    // An interrupted wait is a short wait.
    let _readable = poll(&mut fds, timeout.as_ref());
}
