//! Devices whose bytes come over a serial port or from a place on the network: the node says which, so
//! that a converter box between serial line and Ethernet changes the selector and nothing else.

use std::path::Path;
use std::sync::Arc;

use crate::serial::{SerialOpener, SerialSettings};
use crate::tcp::{self, TcpOpener};
use crate::transport::{OpenError, Opener, Transport};
use crate::wake::WakeFd;

/// Opens `tcp:HOST:PORT`, or a serial port with these settings.
#[derive(Debug, Clone, Copy, Default)]
pub struct LineOpener(SerialOpener);

impl LineOpener {
    /// An opener for ports with these settings; on the network they don't matter.
    #[must_use]
    pub fn new(settings: SerialSettings) -> Self {
        Self(SerialOpener::new(settings))
    }
}

impl Opener for LineOpener {
    fn open(&mut self, path: &Path, wake: &Arc<WakeFd>) -> Result<Box<dyn Transport>, OpenError> {
        match tcp::place(path) {
            Some(_) => TcpOpener.open(path, wake),
            None => self.0.open(path, wake),
        }
    }
}
