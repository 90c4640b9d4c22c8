//! A serial port (or another [`Opener`]'s line) for an owner that can't block: payment terminals and the
//! printer's tee have supervision of their own. One thread reads and writes; what it reads goes to a closure
//! of the owner, what the owner writes goes through a bounded queue. It never reopens by itself, and the
//! handle is closed when this is dropped: before the drop returns.
#![allow(
    clippy::disallowed_methods,
    reason = "the owner of a device thread waits for its end"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::binding::node_of;
use crate::selector::Selector;
use crate::sysfs::Sysfs;
use crate::transport::{OpenError, Opener, ReadOutcome, Transport};
use crate::wake::WakeFd;

/// Writes that may wait for a slow line.
pub const WRITES_WAITING_MAX: usize = 64;
/// Bytes read at once.
const READ_BYTES: usize = 2048;

/// What comes from a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortEvent {
    /// Bytes, at least one.
    Bytes(Vec<u8>),
    /// It is gone, in words. Nothing follows.
    Gone(String),
}

/// An open port.
#[derive(Debug)]
pub struct Port {
    outgoing: SyncSender<Vec<u8>>,
    wake: Arc<WakeFd>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Which node a selector of a line means now, on this machine.
///
/// # Errors
/// When nothing matches, or more than one device does.
pub fn line_node(selector: &Selector) -> Result<PathBuf, OpenError> {
    let absent = |path: String| OpenError::Absent { path };
    if let Selector::Path(path) = selector {
        return Ok(path.clone());
    }
    let found = Sysfs::default()
        .scan()
        .map_err(|error| absent(error.to_string()))?;
    node_of(selector, &found).map_err(absent)
}

impl Port {
    /// Opens `path`. Events are given to `take` on the port's own thread, which ends when `take` says `false`.
    ///
    /// # Errors
    /// When it can't be opened, or no thread can be started.
    pub fn open(
        opener: &mut dyn Opener,
        path: &Path,
        take: impl FnMut(PortEvent) -> bool + Send + 'static,
    ) -> Result<Self, OpenError> {
        let failed = |reason: String| OpenError::Failed {
            path: path.display().to_string(),
            reason,
        };
        let wake = Arc::new(WakeFd::new().map_err(|it| failed(it.to_string()))?);
        let transport = opener.open(path, &wake)?;
        let (outgoing, waiting) = sync_channel(WRITES_WAITING_MAX);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("port".into())
            .spawn(move || serve(transport, &waiting, &stopped, take))
            .map_err(|it| failed(it.to_string()))?;
        Ok(Self {
            outgoing,
            wake,
            stop,
            thread: Some(thread),
        })
    }

    /// Writes after everything written before. `false`: the line takes no more, or is gone.
    #[must_use]
    pub fn write(&self, bytes: Vec<u8>) -> bool {
        let taken = self.outgoing.try_send(bytes).is_ok();
        self.wake.wake();
        taken
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.wake.wake();
        if let Some(thread) = self.thread.take() {
            // A panic was reported there; the handle is closed either way.
            drop(thread.join());
        }
    }
}

fn serve(
    mut transport: Box<dyn Transport>,
    waiting: &Receiver<Vec<u8>>,
    stop: &AtomicBool,
    mut take: impl FnMut(PortEvent) -> bool,
) {
    let mut buffer = [0; READ_BYTES];
    loop {
        while let Ok(bytes) = waiting.try_recv() {
            if let Err(error) = transport.write(&bytes) {
                take(PortEvent::Gone(error.to_string()));
                return;
            }
        }
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let event = match transport.read(&mut buffer, None) {
            ReadOutcome::Bytes(count) => PortEvent::Bytes(buffer[..count].to_vec()),
            ReadOutcome::Gone(why) => PortEvent::Gone(why),
            ReadOutcome::Idle | ReadOutcome::Woken | ReadOutcome::Overrun => continue,
        };
        let over = matches!(event, PortEvent::Gone(_));
        if !take(event) || over {
            return;
        }
    }
}
