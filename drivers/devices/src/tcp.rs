//! Devices on the network as a [`Transport`]: a socket polled together with the thread's wake handle,
//! connecting included. A host that vanished without a word (a pulled cable) is noticed by
//! keep-alives within [`SILENCE_S_MAX`]. It never reconnects by itself; that is the supervisor's work.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};

use crate::transport::{OpenError, Opener, ReadOutcome, Transport, WriteError};
use crate::wake::{WakeFd, poll_for};

/// How long connecting may take for each address of a host, in seconds.
pub const CONNECT_S_MAX: u64 = 5;
/// Addresses of one host that are tried.
pub const ADDRESSES_MAX: usize = 4;
/// Silence after which the host is asked whether it is still there, in seconds.
pub const KEEP_ALIVE_S: u64 = 15;
/// Time between two such questions, in seconds.
pub const KEEP_ALIVE_RETRY_S: u64 = 5;
/// Questions without answer after which it is gone.
pub const KEEP_ALIVE_TRIES: u32 = 3;
/// A vanished host is noticed within this time, in seconds.
pub const SILENCE_S_MAX: u64 = KEEP_ALIVE_S + KEEP_ALIVE_RETRY_S * KEEP_ALIVE_TRIES as u64;
/// How long a write may wait for a host that takes no bytes, in milliseconds.
pub const WRITE_WAIT_MS_MAX: u64 = 1_000;

/// Whether a node is a place on the network: `tcp:HOST:PORT`.
#[must_use]
pub fn place(node: &Path) -> Option<&str> {
    node.to_str()?.strip_prefix("tcp:")
}

/// Connects to `tcp:HOST:PORT`.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpOpener;

impl Opener for TcpOpener {
    fn open(&mut self, path: &Path, wake: &Arc<WakeFd>) -> Result<Box<dyn Transport>, OpenError> {
        let failed = |reason: String| OpenError::Failed {
            path: path.display().to_string(),
            reason,
        };
        let place =
            place(path).ok_or_else(|| failed("not of the form tcp:HOST:PORT".to_owned()))?;
        // A name is looked up by the system, in its own time; an address is not looked up at all.
        let addresses = place
            .to_socket_addrs()
            .map_err(|e| failed(format!("no address for it: {e}")))?;
        let mut last = "it has no address".to_owned();
        for address in addresses.take(ADDRESSES_MAX) {
            match connect(address, wake) {
                Ok(socket) => {
                    let wake = Arc::clone(wake);
                    return Ok(Box::new(TcpTransport { socket, wake }));
                }
                Err(reason) => last = reason,
            }
        }
        Err(failed(last))
    }
}

fn connect(address: SocketAddr, wake: &WakeFd) -> Result<OwnedFd, String> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let words = |e: Errno| e.to_string();
    let socket =
        rustix::net::socket_with(family, SocketType::STREAM, flags, None).map_err(words)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) => {}
        Err(Errno::INPROGRESS) => connected(&socket, wake)?,
        Err(e) => return Err(words(e)),
    }
    let options = || -> rustix::io::Result<()> {
        sockopt::set_socket_keepalive(&socket, true)?;
        sockopt::set_tcp_keepidle(&socket, Duration::from_secs(KEEP_ALIVE_S))?;
        sockopt::set_tcp_keepintvl(&socket, Duration::from_secs(KEEP_ALIVE_RETRY_S))?;
        sockopt::set_tcp_keepcnt(&socket, KEEP_ALIVE_TRIES)?;
        sockopt::set_tcp_nodelay(&socket, true)
    };
    options().map_err(words)?;
    Ok(socket)
}

/// Waits for the connection that was begun; a signal to stop ends the wait.
fn connected(socket: &OwnedFd, wake: &WakeFd) -> Result<(), String> {
    let mut fds = [
        PollFd::new(socket, PollFlags::OUT),
        PollFd::new(wake, PollFlags::IN),
    ];
    match poll_for(&mut fds, Some(Duration::from_secs(CONNECT_S_MAX))) {
        Ok(0) => return Err(format!("no answer within {CONNECT_S_MAX} s")),
        Ok(_) if fds[0].revents().is_empty() => return Err("interrupted".to_owned()),
        Ok(_) => {}
        Err(e) => return Err(e.to_string()),
    }
    match sockopt::socket_error(socket) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(e)) | Err(e) => Err(e.to_string()),
    }
}

/// Takes over a connection that somebody else made (a reader that calls us).
pub fn adopt(stream: TcpStream, wake: &Arc<WakeFd>) -> std::io::Result<Box<dyn Transport>> {
    stream.set_nonblocking(true)?;
    Ok(Box::new(TcpTransport {
        socket: stream.into(),
        wake: Arc::clone(wake),
    }))
}

struct TcpTransport {
    socket: OwnedFd,
    wake: Arc<WakeFd>,
}

impl Transport for TcpTransport {
    fn read(&mut self, buf: &mut [u8], deadline: Option<Duration>) -> ReadOutcome {
        let (ready, woken) = {
            let mut fds = [
                PollFd::new(&self.socket, PollFlags::IN),
                PollFd::new(&*self.wake, PollFlags::IN),
            ];
            match poll_for(&mut fds, deadline) {
                Ok(0) => return ReadOutcome::Idle,
                Ok(_) => (fds[0].revents(), !fds[1].revents().is_empty()),
                Err(Errno::INTR) => return ReadOutcome::Woken,
                Err(e) => return ReadOutcome::Gone(format!("waiting failed: {e}")),
            }
        };
        if !ready.is_empty() {
            match rustix::net::recv(&self.socket, &mut *buf, RecvFlags::empty()) {
                Ok((_, 0)) => return ReadOutcome::Gone("the other side closed".to_owned()),
                Ok((_, n)) => return ReadOutcome::Bytes(n),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(e) => return ReadOutcome::Gone(e.to_string()),
            }
        }
        if woken {
            self.wake.clear();
        }
        ReadOutcome::Woken
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let mut written = 0;
        while written < bytes.len() {
            match rustix::net::send(&self.socket, &bytes[written..], SendFlags::NOSIGNAL) {
                Ok(n) => written += n,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let mut fds = [PollFd::new(&self.socket, PollFlags::OUT)];
                    let limit = Duration::from_millis(WRITE_WAIT_MS_MAX);
                    if let Ok(0) = poll_for(&mut fds, Some(limit)) {
                        return Err(WriteError::TimedOut {
                            written,
                            wanted: bytes.len(),
                            limit_ms: WRITE_WAIT_MS_MAX,
                        });
                    }
                }
                Err(e) => return Err(WriteError::Gone(e.to_string())),
            }
        }
        Ok(())
    }
}
