//! The reader on a pseudo-terminal or a TCP port.

use std::net::SocketAddr;
use std::path::Path;

use super::reader::{UhfFault, UhfReader, UhfReaderConfig};
use crate::line_server::LineServer;
use crate::rfid::order::Order;

/// A reader that serves its line until it is stopped or dropped.
#[derive(Debug)]
pub struct UhfServer(LineServer<UhfReader>);

impl UhfServer {
    /// On a pseudo-terminal that the host opens at `link`, whose directory must exist.
    ///
    /// # Errors
    /// When there is no pseudo-terminal or no thread to be had.
    pub fn on_pty(link: &Path, config: UhfReaderConfig) -> anyhow::Result<UhfServer> {
        LineServer::on_pty(link, UhfReader::new(config)).map(UhfServer)
    }

    /// On `127.0.0.1:port`, as behind a serial server; port 0 takes a free one.
    ///
    /// # Errors
    /// When the port can't be listened on or no thread can be started.
    pub fn on_tcp(port: u16, config: UhfReaderConfig) -> anyhow::Result<UhfServer> {
        LineServer::on_tcp(port, UhfReader::new(config)).map(UhfServer)
    }

    /// Where it listens, if it is on the network.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.0.addr()
    }

    /// Something is to happen; whether there was room to remember it.
    pub fn order(&self, order: Order<UhfFault>) -> bool {
        self.0.device().order(order)
    }

    /// Reads told so far.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.0.device().reads()
    }

    /// Stops serving; the line is closed.
    pub fn stop(&mut self) {
        self.0.stop();
    }
}
