//! A simulated serial device on a pseudo-terminal, or on a TCP port as behind a serial server: one
//! thread that carries bytes and time to the device's core and back. The core decides everything; a
//! test can drive it without this in virtual time.
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

use crate::scanner_pty::{Framing, PtyScanner};

/// The longest wait before the stop flag and new orders are looked at.
const POLL_MS_MAX: u64 = 50;
const READ_BYTES: usize = 4096;
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// The core of a serial device. Times are microseconds of one clock that the shell chooses.
pub trait SerialDevice: Send + 'static {
    /// Bytes from the host.
    fn received(&mut self, now_us: u64, bytes: &[u8]);
    /// Time goes on: what is due is done.
    fn advance(&mut self, now_us: u64);
    /// When [`SerialDevice::advance`] is to be called, at the latest.
    fn due_us(&self) -> Option<u64>;
    /// The next bytes on the line.
    fn next_bytes(&mut self) -> Option<Vec<u8>>;
    /// The host closed the line.
    fn disconnected(&mut self);
    /// Whether its cable is in.
    fn is_plugged(&self) -> bool;
}

/// A device that serves its line until it is stopped or dropped.
#[derive(Debug)]
pub struct SerialServer<D> {
    addr: Option<SocketAddr>,
    stop: Arc<AtomicBool>,
    device: Arc<Mutex<D>>,
    thread: Option<JoinHandle<()>>,
}

/// What carries the bytes.
enum Line {
    Pty(PtyScanner),
    Tcp(TcpListener, Option<TcpStream>),
}

impl<D: SerialDevice> SerialServer<D> {
    /// On a pseudo-terminal that the host opens at `link`, whose directory must exist.
    ///
    /// # Errors
    /// When there is no pseudo-terminal or no thread to be had.
    pub fn on_pty(link: &Path, device: D) -> anyhow::Result<SerialServer<D>> {
        let pty = PtyScanner::plug(link, Framing::default())
            .with_context(|| format!("a pseudo-terminal at {}", link.display()))?;
        Self::start(Line::Pty(pty), None, device)
    }

    /// On `127.0.0.1:port`, as behind a serial server; port 0 takes a free one.
    ///
    /// # Errors
    /// When the port can't be listened on or no thread can be started.
    pub fn on_tcp(port: u16, device: D) -> anyhow::Result<SerialServer<D>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("simulated serial device: cannot listen on port {port}"))?;
        listener
            .set_nonblocking(true)
            .context("simulated serial device: listener")?;
        let addr = listener.local_addr().ok();
        Self::start(Line::Tcp(listener, None), addr, device)
    }

    fn start(line: Line, addr: Option<SocketAddr>, device: D) -> anyhow::Result<SerialServer<D>> {
        let device = Arc::new(Mutex::new(device));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (Arc::clone(&device), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("sim-serial".to_owned())
            .spawn(move || serve(line, &*shared, &stopped))
            .context("simulated serial device: cannot start its thread")?;
        Ok(SerialServer {
            addr,
            stop,
            device,
            thread: Some(thread),
        })
    }

    /// Where it listens, if it is on the network.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.addr
    }

    /// The device itself, held while it is looked at or told something.
    pub fn device(&self) -> MutexGuard<'_, D> {
        locked(&self.device)
    }

    /// Stops serving; the line is closed.
    pub fn stop(&mut self) {
        self.end();
    }
}

impl<D> SerialServer<D> {
    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported there.
            drop(thread.join());
        }
    }
}

impl<D> Drop for SerialServer<D> {
    fn drop(&mut self) {
        self.end();
    }
}

fn locked<D>(device: &Mutex<D>) -> MutexGuard<'_, D> {
    device.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve<D: SerialDevice>(mut line: Line, device: &Mutex<D>, stop: &AtomicBool) {
    let started = Instant::now();
    let now_us = || u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    while !stop.load(Ordering::Relaxed) {
        let most = POLL_MS_MAX * 1_000;
        let due = locked(device).due_us();
        let wait_us = due.map_or(most, |at| at.saturating_sub(now_us()).min(most));
        let heard = line.receive(Duration::from_micros(wait_us));
        match heard {
            Heard::Nothing => {}
            Heard::Bytes(bytes) => locked(device).received(now_us(), &bytes),
            Heard::Closed => locked(device).disconnected(),
        }
        locked(device).advance(now_us());
        let plugged = locked(device).is_plugged();
        line.keep_plugged(plugged);
        loop {
            let bytes = locked(device).next_bytes();
            let Some(bytes) = bytes else { break };
            if !line.send(&bytes) {
                locked(device).disconnected();
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
