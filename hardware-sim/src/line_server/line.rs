//! What carries the bytes of a simulated device: a port of this machine or a pseudo-terminal. It knows
//! who is at the other end and whether the cable is in, and nothing of what is said.
#![allow(
    clippy::disallowed_methods,
    reason = "a pulled cable is in again a moment later, by the simulated device's own clock"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::scanner_pty::{Framing, PtyScanner};

const READ_BYTES: usize = 16 * 1024;
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a cable that [`Line::close`] pulled stays pulled.
const PULLED_MS: u64 = 150;

/// The line of one device.
pub(super) enum Line {
    /// The port, and whoever has the line.
    Tcp(TcpListener, Option<TcpStream>),
    /// The terminal, and when its cable was pulled.
    Pty(PtyScanner, Option<Instant>),
}

/// What the host did.
pub(super) enum Heard {
    Nothing,
    Bytes(Vec<u8>),
    /// Somebody wants the line; [`Line::give_to`] gives it, [`send_away`] does not.
    Caller(TcpStream),
    Closed,
}

impl Line {
    /// `127.0.0.1:port`, and where that is; port 0 takes a free one.
    pub(super) fn tcp(port: u16) -> anyhow::Result<(Line, SocketAddr)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("simulated device: cannot listen on port {port}"))?;
        listener
            .set_nonblocking(true)
            .context("simulated device: listener")?;
        let addr = listener
            .local_addr()
            .context("simulated device: its own address")?;
        Ok((Line::Tcp(listener, None), addr))
    }

    /// A pseudo-terminal that the host opens at `link`.
    pub(super) fn pty(link: &Path) -> anyhow::Result<Line> {
        let pty = PtyScanner::plug(link, Framing::default())
            .with_context(|| format!("a pseudo-terminal at {}", link.display()))?;
        Ok(Line::Pty(pty, None))
    }

    /// What the host does within this time.
    pub(super) fn receive(&mut self, limit: Duration) -> Heard {
        match self {
            Line::Pty(pty, _) if !pty.is_plugged() => {
                std::thread::sleep(limit);
                Heard::Nothing
            }
            Line::Pty(pty, _) => match pty.host_wrote(1, limit) {
                Ok(bytes) if bytes.is_empty() => Heard::Nothing,
                Ok(bytes) => Heard::Bytes(bytes),
                Err(_) => Heard::Closed,
            },
            Line::Tcp(listener, client) => {
                wait(listener, client.as_ref(), limit);
                match listener.accept() {
                    Ok((caller, _)) => Heard::Caller(caller),
                    Err(_) => read(client),
                }
            }
        }
    }

    /// Gives the line to whoever calls, and takes it from whoever had it; whether it stands.
    pub(super) fn give_to(&mut self, caller: TcpStream) -> bool {
        let Line::Tcp(_, client) = self else {
            return false;
        };
        let ready = caller.set_nodelay(true).is_ok() && caller.set_nonblocking(true).is_ok();
        *client = ready.then_some(caller);
        ready
    }

    /// Whether somebody has the line. At a pseudo-terminal that is whoever holds the cable.
    pub(super) fn is_taken(&self) -> bool {
        match self {
            Line::Tcp(_, client) => client.is_some(),
            Line::Pty(pty, _) => pty.is_plugged(),
        }
    }

    /// Whether the line stands after this. Without a host, or with a host that reads nothing, the bytes
    /// are lost: the line has no flow control.
    pub(super) fn send(&mut self, bytes: &[u8]) -> bool {
        match self {
            Line::Pty(pty, _) => !pty.takes_bytes() || pty.send_raw(bytes, &[]).is_ok(),
            Line::Tcp(_, Some(open)) => write(open, bytes),
            Line::Tcp(_, None) => true,
        }
    }

    /// Closes the connection, or pulls the cable for a moment.
    pub(super) fn close(&mut self) {
        match self {
            Line::Pty(pty, pulled) => {
                pty.hang_up();
                *pulled = Some(Instant::now());
            }
            Line::Tcp(_, client) => *client = None,
        }
    }

    /// Keeps the cable in or out; whether one that [`Line::close`] pulled is in again.
    pub(super) fn keep_plugged(&mut self, plugged: bool) -> bool {
        match self {
            Line::Tcp(_, client) if !plugged => *client = None,
            Line::Pty(pty, _) if !plugged && pty.is_plugged() => pty.hang_up(),
            Line::Pty(pty, pulled) if plugged && !pty.is_plugged() => {
                let is_time =
                    pulled.is_none_or(|at| at.elapsed() >= Duration::from_millis(PULLED_MS));
                // If there is no pseudo-terminal now, the next turn tries again.
                return is_time && pty.replug().is_ok() && pulled.take().is_some();
            }
            _ => {}
        }
        false
    }
}

/// Tells a second caller why not, and closes.
pub(super) fn send_away(mut caller: TcpStream, refusal: &[u8]) {
    // It is refused either way; a client that doesn't listen sees the end of the connection.
    let _told = caller.write_all(refusal);
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

fn write(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    let blocking = stream.set_nonblocking(false).is_ok()
        && stream.set_write_timeout(Some(WRITE_TIMEOUT)).is_ok();
    blocking && stream.write_all(bytes).is_ok() && stream.set_nonblocking(true).is_ok()
}

/// Sleeps until bytes or a caller, at most `limit`.
fn wait(listener: &TcpListener, client: Option<&TcpStream>, limit: Duration) {
    let timeout = Timespec::try_from(limit).ok();
    let mut fds = vec![PollFd::new(listener, PollFlags::IN)];
    fds.extend(client.map(|it| PollFd::new(it, PollFlags::IN)));
    // An interrupted wait is a short wait.
    let _readable = poll(&mut fds, timeout.as_ref());
}
