//! The terminal on a TCP port: one thread, one connection at a time, as a real one.
#![allow(
    clippy::disallowed_methods,
    reason = "the simulated device's own clock; the core takes time as an argument"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::script::{Booked, BookedState, PaymentScript, TerminalConfig};
use super::terminal::{Action, Terminal};

/// The longest wait before the stop flag is looked at.
const POLL_MS_MAX: u64 = 50;
const READ_BYTES: usize = 4096;
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// A terminal that serves a TCP port until it is stopped or dropped.
#[derive(Debug)]
pub struct TerminalHandle {
    addr: SocketAddr,
    stop: Arc<AtomicBool>,
    terminal: Arc<Mutex<Terminal>>,
    thread: Option<JoinHandle<()>>,
}

impl TerminalHandle {
    /// Serves `127.0.0.1:port`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the port cannot be listened on or no thread can be started.
    pub fn start(
        port: u16,
        config: TerminalConfig,
        scripts: Vec<PaymentScript>,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("simulated terminal: cannot listen on port {port}"))?;
        listener
            .set_nonblocking(true)
            .context("simulated terminal: listener")?;
        let addr = listener
            .local_addr()
            .context("simulated terminal: its own address")?;
        let terminal = Arc::new(Mutex::new(Terminal::new(config, scripts)));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (Arc::clone(&terminal), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("sim-zvt".to_owned())
            .spawn(move || serve(&listener, &shared, &stopped))
            .context("simulated terminal: cannot start its thread")?;
        Ok(Self {
            addr,
            stop,
            terminal,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Everything the terminal ever booked, with what became of it.
    #[must_use]
    pub fn books(&self) -> Vec<Booked> {
        locked(&self.terminal).books().to_vec()
    }

    /// The entries whose money moved and stayed.
    #[must_use]
    pub fn standing(&self) -> Vec<Booked> {
        locked(&self.terminal).standing().copied().collect()
    }

    /// The entries whose approval the cash register acknowledged and that still stand.
    #[must_use]
    pub fn acknowledged(&self) -> Vec<Booked> {
        let books = self.books().into_iter();
        books
            .filter(|b| b.acknowledged && b.state == BookedState::Stands)
            .collect()
    }

    /// Control bytes of every command received.
    #[must_use]
    pub fn commands(&self) -> Vec<(u8, u8)> {
        locked(&self.terminal).commands().to_vec()
    }

    /// Adds a script for a payment to come.
    pub fn add_script(&self, script: PaymentScript) {
        locked(&self.terminal).scripts.push_back(script);
    }

    /// Changes the terminal's character from here on.
    pub fn set_config(&self, config: TerminalConfig) {
        locked(&self.terminal).set_config(config);
    }

    /// Stops serving; the connection is closed. The books stay readable.
    pub fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported there; the books are what matters here.
            drop(thread.join());
        }
    }
}

impl Drop for TerminalHandle {
    fn drop(&mut self) {
        self.stop();
    }
}

fn locked(terminal: &Mutex<Terminal>) -> MutexGuard<'_, Terminal> {
    terminal.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(listener: &TcpListener, terminal: &Mutex<Terminal>, stop: &AtomicBool) {
    let started = Instant::now();
    let now_ms = || u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut stream: Option<TcpStream> = None;
    while !stop.load(Ordering::Relaxed) {
        wait(listener, stream.as_ref(), terminal, now_ms());
        if let Ok((new, _)) = listener.accept() {
            stream = prepared(new);
            if stream.is_some() {
                locked(terminal).connected(now_ms());
            }
        }
        if let Some(open) = &mut stream
            && !exchange(open, terminal, now_ms())
        {
            locked(terminal).disconnected(now_ms());
            stream = None;
        }
        locked(terminal).advance(now_ms());
    }
}

fn prepared(stream: TcpStream) -> Option<TcpStream> {
    stream.set_nodelay(true).ok()?;
    stream.set_nonblocking(true).ok()?;
    Some(stream)
}

/// Sleeps until bytes, a connection or the terminal's next step, at most [`POLL_MS_MAX`].
fn wait(
    listener: &TcpListener,
    stream: Option<&TcpStream>,
    terminal: &Mutex<Terminal>,
    now_ms: u64,
) {
    let due = locked(terminal)
        .next_wakeup_ms()
        .map_or(POLL_MS_MAX, |at| at.saturating_sub(now_ms));
    let ms = due.min(POLL_MS_MAX);
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: i64::try_from(ms * 1_000_000).unwrap_or(0),
    };
    let mut fds = vec![PollFd::new(listener, PollFlags::IN)];
    fds.extend(stream.map(|s| PollFd::new(s, PollFlags::IN)));
    // An interrupted wait is a short wait.
    let _readable = poll(&mut fds, Some(&timeout));
}

/// Reads what is there and writes what is due; false when the connection is over.
fn exchange(stream: &mut TcpStream, terminal: &Mutex<Terminal>, now_ms: u64) -> bool {
    let mut buffer = [0; READ_BYTES];
    match stream.read(&mut buffer) {
        Ok(0) => return false,
        Ok(n) => locked(terminal).receive(now_ms, buffer.get(..n).unwrap_or_default()),
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            locked(terminal).advance(now_ms);
        }
        Err(_) => return false,
    }
    let actions = locked(terminal).take_actions();
    actions.into_iter().all(|action| match action {
        Action::Send(bytes) => write(stream, &bytes),
        Action::Close => false,
    })
}

fn write(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    let blocking = stream.set_nonblocking(false).is_ok()
        && stream.set_write_timeout(Some(WRITE_TIMEOUT)).is_ok();
    blocking && stream.write_all(bytes).is_ok() && stream.set_nonblocking(true).is_ok()
}
