//! A simulated device on a line: a TCP port or a pseudo-terminal, served by one thread that carries bytes
//! and time to the device's core and back. The core decides everything, so that the same core runs in
//! tests without any of this, in virtual time.
//!
//! As behind a serial server, whoever connects last has the line, unless the device sends others away. On
//! a pseudo-terminal a closed line is a pulled cable: a hang-up, and it is plugged in again a moment later
//! under the same path; a cable that the device itself has out stays out.
#![allow(
    clippy::disallowed_methods,
    reason = "the simulated device's own clock; the cores take time as an argument"
)]

mod line;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;

use line::{Heard, Line, send_away};

/// The longest wait before the stop flag and new orders are looked at.
const POLL_US_MAX: u64 = 50_000;

/// For the cores that count in milliseconds.
pub(crate) const US_PER_MS: u64 = 1_000;

/// What a device does to its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineAction {
    /// Writes these bytes.
    Send(Vec<u8>),
    /// Closes it, or pulls the cable for a moment.
    Close,
}

/// A device's core. Times are microseconds from any origin and never go back.
pub trait LineDevice: Send + 'static {
    /// Somebody is at the other end; an earlier connection is forgotten.
    fn connected(&mut self, now_us: u64);
    /// Nobody is there any more: what was not said is not said.
    fn disconnected(&mut self, now_us: u64);
    /// Bytes from the host.
    fn received(&mut self, now_us: u64, bytes: &[u8]);
    /// Time goes on: what is due is done.
    fn advance(&mut self, now_us: u64);
    /// When [`LineDevice::advance`] is to be called, at the latest.
    fn due_us(&self) -> Option<u64>;
    /// What is due by now, in order; what nobody is there for is lost.
    fn take_actions(&mut self) -> Vec<LineAction>;

    /// Whether its cable is in. A device that pulls it itself is not told so.
    fn is_plugged(&self) -> bool {
        true
    }

    /// Somebody else wants the line that a host has: `None` gives it to the new one, words send it away.
    fn second_client(&mut self, _now_us: u64) -> Option<Vec<u8>> {
        None
    }
}

/// A device that is served until this is stopped or dropped.
#[derive(Debug)]
pub struct LineServer<D> {
    addr: Option<SocketAddr>,
    stop: Arc<AtomicBool>,
    device: Arc<Mutex<D>>,
    thread: Option<JoinHandle<()>>,
}

impl<D: LineDevice> LineServer<D> {
    /// Serves `127.0.0.1:port`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the port cannot be listened on or no thread can be started.
    pub fn on_tcp(port: u16, device: D) -> anyhow::Result<Self> {
        let (line, addr) = Line::tcp(port)?;
        Self::start(line, Some(addr), device)
    }

    /// On a pseudo-terminal that the host opens at `link`, whose directory must exist.
    ///
    /// # Errors
    /// When there is no pseudo-terminal or no thread to be had.
    pub fn on_pty(link: &Path, mut device: D) -> anyhow::Result<Self> {
        let line = Line::pty(link)?;
        device.connected(0);
        Self::start(line, None, device)
    }

    fn start(line: Line, addr: Option<SocketAddr>, device: D) -> anyhow::Result<Self> {
        let device = Arc::new(Mutex::new(device));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (Arc::clone(&device), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("sim-line".to_owned())
            .spawn(move || serve(line, &*shared, &stopped))
            .context("simulated device: cannot start its thread")?;
        Ok(Self {
            addr,
            stop,
            device,
            thread: Some(thread),
        })
    }
}

impl<D> LineServer<D> {
    /// Where it listens, if it is on the network.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.addr
    }

    /// The device itself; it does nothing while it is looked at or told something.
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

impl<D> Drop for LineServer<D> {
    fn drop(&mut self) {
        self.stop();
    }
}

fn locked<D>(device: &Mutex<D>) -> MutexGuard<'_, D> {
    device.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve<D: LineDevice>(mut line: Line, device: &Mutex<D>, stop: &AtomicBool) {
    let started = Instant::now();
    let now_us = || u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    while !stop.load(Ordering::Relaxed) {
        let due = locked(device).due_us();
        let wait_us = due.map_or(POLL_US_MAX, |at| at.saturating_sub(now_us()));
        let heard = line.receive(Duration::from_micros(wait_us.min(POLL_US_MAX)));
        let actions = {
            let mut device = locked(device);
            hear(&mut *device, &mut line, now_us(), heard);
            device.advance(now_us());
            if line.keep_plugged(device.is_plugged()) {
                device.connected(now_us());
            }
            device.take_actions()
        };
        let all_done = actions.into_iter().all(|action| match action {
            LineAction::Send(bytes) => line.send(&bytes),
            LineAction::Close => false,
        });
        if !all_done {
            line.close();
            locked(device).disconnected(now_us());
        }
    }
}

fn hear<D: LineDevice>(device: &mut D, line: &mut Line, now_us: u64, heard: Heard) {
    match heard {
        Heard::Nothing => {}
        Heard::Bytes(bytes) => device.received(now_us, &bytes),
        Heard::Closed => device.disconnected(now_us),
        Heard::Caller(caller) => {
            let refusal = line.is_taken().then(|| device.second_client(now_us));
            match refusal.flatten() {
                Some(words) => send_away(caller, &words),
                None if line.give_to(caller) => device.connected(now_us),
                None => device.disconnected(now_us),
            }
        }
    }
}
