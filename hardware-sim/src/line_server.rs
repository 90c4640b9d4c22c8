//! A simulated device on a line: a TCP port or a pseudo-terminal, served by one thread. The device itself is
//! a core that takes bytes and virtual time, so that the same core runs in tests without any of this.
//!
//! As behind a serial server, whoever connects last has the line; on a pseudo-terminal a pulled cable is a
//! hang-up, and it is plugged in again a moment later under the same path.
#![allow(
    clippy::disallowed_methods,
    reason = "the simulated device's own clock; the cores take time as an argument"
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

/// The longest wait before the stop flag is looked at.
const POLL_MS_MAX: u64 = 50;
const READ_BYTES: usize = 4096;
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a pulled cable stays pulled.
const PULLED_MS: u64 = 150;

/// What a device does to its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineAction {
    /// Writes these bytes.
    Send(Vec<u8>),
    /// Closes it, or pulls the cable.
    Close,
}

/// A device's core. Times are milliseconds from any origin and never go back.
pub trait LineDevice: Send + 'static {
    /// Somebody is at the other end; an earlier connection is forgotten.
    fn connected(&mut self, now_ms: u64);
    /// Nobody is there any more.
    fn disconnected(&mut self, now_ms: u64);
    /// Bytes from the host.
    fn receive(&mut self, now_ms: u64, bytes: &[u8]);
    /// Lets time pass.
    fn advance(&mut self, now_ms: u64);
    /// What is due by now, in order.
    fn take_actions(&mut self) -> Vec<LineAction>;
    /// When something happens by itself next.
    fn next_wakeup_ms(&self) -> Option<u64>;
}

/// A device that is served until this is stopped or dropped.
#[derive(Debug)]
pub struct LineServer<D: LineDevice> {
    addr: Option<SocketAddr>,
    stop: Arc<AtomicBool>,
    device: Arc<Mutex<D>>,
    thread: Option<JoinHandle<()>>,
}

enum Line {
    Tcp(TcpListener, Option<TcpStream>),
    Pty(PtyScanner, Option<Instant>),
}

enum Heard {
    Nothing,
    Bytes(Vec<u8>),
    Connected,
    Closed,
}

impl<D: LineDevice> LineServer<D> {
    /// Serves `127.0.0.1:port`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the port cannot be listened on or no thread can be started.
    pub fn on_tcp(port: u16, device: D) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("simulated device: cannot listen on port {port}"))?;
        listener
            .set_nonblocking(true)
            .context("simulated device: listener")?;
        let addr = listener
            .local_addr()
            .context("simulated device: its own address")?;
        Self::start(Line::Tcp(listener, None), Some(addr), device)
    }

    /// On a pseudo-terminal that the host opens at `link`, whose directory must exist.
    ///
    /// # Errors
    /// When there is no pseudo-terminal or no thread to be had.
    pub fn on_pty(link: &Path, mut device: D) -> anyhow::Result<Self> {
        let pty = PtyScanner::plug(link, Framing::default())
            .with_context(|| format!("a pseudo-terminal at {}", link.display()))?;
        device.connected(0);
        Self::start(Line::Pty(pty, None), None, device)
    }

    fn start(line: Line, addr: Option<SocketAddr>, device: D) -> anyhow::Result<Self> {
        let device = Arc::new(Mutex::new(device));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (Arc::clone(&device), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("sim-line".to_owned())
            .spawn(move || serve(line, &shared, &stopped))
            .context("simulated device: cannot start its thread")?;
        Ok(Self {
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

    /// The device itself; it does nothing meanwhile.
    pub fn device(&self) -> MutexGuard<'_, D> {
        locked(&self.device)
    }

    /// Stops serving; the line is closed. The device stays readable.
    pub fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported there; the device's books are what matters here.
            drop(thread.join());
        }
    }
}

impl<D: LineDevice> Drop for LineServer<D> {
    fn drop(&mut self) {
        self.stop();
    }
}

fn locked<D>(device: &Mutex<D>) -> MutexGuard<'_, D> {
    device.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve<D: LineDevice>(mut line: Line, device: &Mutex<D>, stop: &AtomicBool) {
    let started = Instant::now();
    let now_ms = || u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    while !stop.load(Ordering::Relaxed) {
        let due = locked(device).next_wakeup_ms();
        let wait_ms = due.map_or(POLL_MS_MAX, |at| at.saturating_sub(now_ms()));
        let heard = line.receive(Duration::from_millis(wait_ms.min(POLL_MS_MAX)));
        let actions = {
            let mut device = locked(device);
            match heard {
                Heard::Nothing => {}
                Heard::Bytes(bytes) => device.receive(now_ms(), &bytes),
                Heard::Connected => device.connected(now_ms()),
                Heard::Closed => device.disconnected(now_ms()),
            }
            device.advance(now_ms());
            device.take_actions()
        };
        for action in actions {
            let open = match action {
                LineAction::Send(bytes) => line.send(&bytes),
                LineAction::Close => false,
            };
            if !open {
                line.close();
                locked(device).disconnected(now_ms());
                break;
            }
        }
    }
}

impl Line {
    /// What the host does within this time.
    fn receive(&mut self, limit: Duration) -> Heard {
        match self {
            Line::Pty(pty, pulled) => match pulled {
                Some(at) if at.elapsed() < Duration::from_millis(PULLED_MS) => {
                    std::thread::sleep(limit);
                    Heard::Nothing
                }
                Some(_) if pty.replug().is_ok() => {
                    *pulled = None;
                    Heard::Connected
                }
                Some(_) => Heard::Nothing,
                None => match pty.host_wrote(1, limit) {
                    Ok(bytes) if bytes.is_empty() => Heard::Nothing,
                    Ok(bytes) => Heard::Bytes(bytes),
                    Err(_) => Heard::Closed,
                },
            },
            Line::Tcp(listener, client) => {
                wait(listener, client.as_ref(), limit);
                if let Ok((new, _)) = listener.accept() {
                    let ready = new.set_nodelay(true).is_ok() && new.set_nonblocking(true).is_ok();
                    *client = ready.then_some(new);
                    return if ready {
                        Heard::Connected
                    } else {
                        Heard::Closed
                    };
                }
                read(client)
            }
        }
    }

    fn send(&mut self, bytes: &[u8]) -> bool {
        match self {
            Line::Pty(pty, None) => pty.send_raw(bytes, &[]).is_ok(),
            Line::Pty(_, Some(_)) | Line::Tcp(_, None) => true,
            Line::Tcp(_, Some(open)) => {
                let blocking = open.set_nonblocking(false).is_ok()
                    && open.set_write_timeout(Some(WRITE_TIMEOUT)).is_ok();
                blocking && open.write_all(bytes).is_ok() && open.set_nonblocking(true).is_ok()
            }
        }
    }

    fn close(&mut self) {
        match self {
            Line::Pty(pty, pulled) => {
                pty.hang_up();
                *pulled = Some(Instant::now());
            }
            Line::Tcp(_, client) => *client = None,
        }
    }
}

fn read(client: &mut Option<TcpStream>) -> Heard {
    let Some(open) = client else {
        return Heard::Nothing;
    };
    let mut buffer = [0; READ_BYTES];
    match open.read(&mut buffer) {
        Ok(n) if n > 0 => Heard::Bytes(buffer.get(..n).unwrap_or_default().to_vec()),
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Heard::Nothing
        }
        _ => {
            *client = None;
            Heard::Closed
        }
    }
}

/// Sleeps until bytes or a connection, at most `limit`.
fn wait(listener: &TcpListener, client: Option<&TcpStream>, limit: Duration) {
    let timeout = Timespec::try_from(limit).ok();
    let mut fds = vec![PollFd::new(listener, PollFlags::IN)];
    fds.extend(client.map(|it| PollFd::new(it, PollFlags::IN)));
    // An interrupted wait is a short wait.
    let _readable = poll(&mut fds, timeout.as_ref());
}
