//! A crossed cable between two programs that each open a serial port: two pseudo-terminals, and a thread
//! that carries bytes from one to the other. What nobody reads is lost, as on a real line.
#![allow(
    clippy::disallowed_methods,
    reason = "a cable is a thread that waits for bytes"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use shelf_sim::scanner_pty::{Framing, PtyScanner};

/// How long one end is waited for before the other is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// A cable, which is gone with its value.
#[derive(Debug)]
pub struct NullModem {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl NullModem {
    /// Joins the ports that programs open at these paths.
    pub fn between(one: &Path, other: &Path) -> Result<Self> {
        let mut one = PtyScanner::plug(one, Framing::default())?;
        let mut other = PtyScanner::plug(other, Framing::default())?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                carry(&mut one, &mut other);
                carry(&mut other, &mut one);
            }
        });
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

fn carry(from: &mut PtyScanner, to: &mut PtyScanner) {
    let said = from.host_wrote(1, LOOK).unwrap_or_default();
    if !said.is_empty() && to.takes_bytes() {
        // A program that is gone loses it.
        let _lost = to.send_raw(&said, &[]);
    }
}

impl Drop for NullModem {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in it was reported there.
            drop(thread.join());
        }
    }
}
