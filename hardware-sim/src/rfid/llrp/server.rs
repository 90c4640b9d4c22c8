//! The reader on a TCP port: one thread, one client, every other one sent away.
#![allow(
    clippy::disallowed_methods,
    reason = "the simulated device's own clock; the core takes time as an argument"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use shelf_codecs::llrp::MessageType;

use super::fault::LlrpFault;
use super::reader::{Action, LlrpReader, LlrpReaderConfig};
use crate::rfid::order::Order;

/// The longest wait before the stop flag and new orders are looked at.
const POLL_MS_MAX: u64 = 50;
const READ_BYTES: usize = 16 * 1024;
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// A reader that serves a TCP port of the loopback interface until it is stopped or dropped.
#[derive(Debug)]
pub struct LlrpServer {
    addr: SocketAddr,
    stop: Arc<AtomicBool>,
    reader: Arc<Mutex<LlrpReader>>,
    thread: Option<JoinHandle<()>>,
}

impl LlrpServer {
    /// Serves `127.0.0.1:port`; port 0 takes a free one. The reader's clock is set from this machine's.
    ///
    /// # Errors
    /// When the port can't be listened on or no thread can be started.
    pub fn start(port: u16, config: LlrpReaderConfig) -> anyhow::Result<LlrpServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("simulated reader: cannot listen on port {port}"))?;
        listener
            .set_nonblocking(true)
            .context("simulated reader: listener")?;
        let addr = listener
            .local_addr()
            .context("simulated reader: its own address")?;
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let config = LlrpReaderConfig {
            utc_us: since_1970.map_or(0, |it| u64::try_from(it.as_micros()).unwrap_or(0)),
            ..config
        };
        let reader = Arc::new(Mutex::new(LlrpReader::new(config)));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (Arc::clone(&reader), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("sim-llrp".to_owned())
            .spawn(move || serve(&listener, &shared, &stopped))
            .context("simulated reader: cannot start its thread")?;
        Ok(LlrpServer {
            addr,
            stop,
            reader,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Something is to happen; whether there was room to remember it.
    pub fn order(&self, order: Order<LlrpFault>) -> bool {
        locked(&self.reader).order(order)
    }

    /// Reads so far, reported or not.
    #[must_use]
    pub fn reads(&self) -> u64 {
        locked(&self.reader).reads()
    }

    /// Every message that a client ever sent.
    #[must_use]
    pub fn asked(&self) -> Vec<MessageType> {
        locked(&self.reader).asked().to_vec()
    }

    /// Stops serving; the connection is closed.
    pub fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported there.
            drop(thread.join());
        }
    }
}

impl Drop for LlrpServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn locked(reader: &Mutex<LlrpReader>) -> MutexGuard<'_, LlrpReader> {
    reader.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(listener: &TcpListener, reader: &Mutex<LlrpReader>, stop: &AtomicBool) {
    let started = Instant::now();
    let now_us = || u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let mut client: Option<TcpStream> = None;
    while !stop.load(Ordering::Relaxed) {
        wait(listener, client.as_ref(), reader, now_us());
        while let Ok((new, _)) = listener.accept() {
            let Some(new) = prepared(new) else { continue };
            if client.is_some() {
                let refusal = locked(reader).second_client(now_us());
                send_away(new, &refusal);
            } else {
                locked(reader).connected(now_us());
                client = Some(new);
            }
        }
        locked(reader).advance(now_us());
        let over = client
            .as_mut()
            .is_some_and(|open| !exchange(open, reader, now_us()));
        if over {
            locked(reader).disconnected();
            client = None;
        }
        if client.is_none() {
            // What was meant for a client that is gone.
            while locked(reader).next_action().is_some() {}
        }
    }
}

fn send_away(mut stream: TcpStream, refusal: &[u8]) {
    // It is refused either way; a client that doesn't listen sees the end of the connection.
    let _told = stream.write_all(refusal);
}

fn prepared(stream: TcpStream) -> Option<TcpStream> {
    stream.set_nodelay(true).ok()?;
    stream.set_nonblocking(true).ok()?;
    Some(stream)
}

/// Sleeps until bytes, a client or the reader's next step, at most [`POLL_MS_MAX`].
fn wait(
    listener: &TcpListener,
    client: Option<&TcpStream>,
    reader: &Mutex<LlrpReader>,
    now_us: u64,
) {
    let most = POLL_MS_MAX * 1_000;
    let due = locked(reader)
        .due_us()
        .map_or(most, |at| at.saturating_sub(now_us));
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: i64::try_from(due.min(most) * 1_000).unwrap_or(0),
    };
    let mut fds = vec![PollFd::new(listener, PollFlags::IN)];
    fds.extend(client.map(|it| PollFd::new(it, PollFlags::IN)));
    // An interrupted wait is a short wait.
    let _readable = poll(&mut fds, Some(&timeout));
}

/// Reads what is there and writes what is due; false when the connection is over.
fn exchange(stream: &mut TcpStream, reader: &Mutex<LlrpReader>, now_us: u64) -> bool {
    let mut buffer = [0; READ_BYTES];
    match stream.read(&mut buffer) {
        Ok(0) => return false,
        Ok(n) => locked(reader).received(now_us, buffer.get(..n).unwrap_or_default()),
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
        Err(_) => return false,
    }
    loop {
        let action = locked(reader).next_action();
        let goes_on = match action {
            None => return true,
            Some(Action::Send(bytes)) => write(stream, &bytes),
            Some(Action::SendBytewise(bytes)) => bytes.chunks(1).all(|it| write(stream, it)),
            Some(Action::Close) => false,
        };
        if !goes_on {
            return false;
        }
    }
}

fn write(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    let blocking = stream.set_nonblocking(false).is_ok()
        && stream.set_write_timeout(Some(WRITE_TIMEOUT)).is_ok();
    blocking && stream.write_all(bytes).is_ok() && stream.set_nonblocking(true).is_ok()
}
