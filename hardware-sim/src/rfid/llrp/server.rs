//! The reader on a TCP port: one thread, one client, every other one sent away.
#![allow(
    clippy::disallowed_methods,
    reason = "the reader's clock is set once, at its start"
)]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{SystemTime, UNIX_EPOCH};

use shelf_codecs::llrp::MessageType;

use super::fault::LlrpFault;
use super::reader::{LlrpReader, LlrpReaderConfig};
use crate::line_server::LineServer;
use crate::rfid::order::Order;

/// A reader that serves a TCP port of the loopback interface until it is stopped or dropped.
#[derive(Debug)]
pub struct LlrpServer(LineServer<LlrpReader>);

impl LlrpServer {
    /// Serves `127.0.0.1:port`; port 0 takes a free one. The reader's clock is set from this machine's.
    ///
    /// # Errors
    /// When the port can't be listened on or no thread can be started.
    pub fn start(port: u16, config: LlrpReaderConfig) -> anyhow::Result<LlrpServer> {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        let config = LlrpReaderConfig {
            utc_us: since_1970.map_or(0, |it| u64::try_from(it.as_micros()).unwrap_or(0)),
            ..config
        };
        LineServer::on_tcp(port, LlrpReader::new(config)).map(LlrpServer)
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        self.0.addr().unwrap_or(nowhere)
    }

    /// Something is to happen; whether there was room to remember it.
    pub fn order(&self, order: Order<LlrpFault>) -> bool {
        self.0.device().order(order)
    }

    /// Reads so far, reported or not.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.0.device().reads()
    }

    /// Every message that a client ever sent.
    #[must_use]
    pub fn asked(&self) -> Vec<MessageType> {
        self.0.device().asked().to_vec()
    }

    /// Stops serving; the connection is closed.
    pub fn stop(&mut self) {
        self.0.stop();
    }
}
