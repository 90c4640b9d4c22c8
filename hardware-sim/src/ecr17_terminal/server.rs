//! The terminal on a line.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::terminal::{Ecr17Booked, Ecr17Config, Ecr17Script, Ecr17Terminal};
use crate::line_server::{LineAction, LineDevice, LineServer, US_PER_MS};

impl LineDevice for Ecr17Terminal {
    fn connected(&mut self, now_us: u64) {
        LineDevice::advance(self, now_us);
        Ecr17Terminal::connected(self);
    }

    fn disconnected(&mut self, _now_us: u64) {
        Ecr17Terminal::disconnected(self);
    }

    fn received(&mut self, now_us: u64, bytes: &[u8]) {
        LineDevice::advance(self, now_us);
        self.receive(bytes);
    }

    fn advance(&mut self, now_us: u64) {
        Ecr17Terminal::advance(self, now_us / US_PER_MS);
    }

    fn due_us(&self) -> Option<u64> {
        self.next_wakeup_ms().map(|at| at * US_PER_MS)
    }

    fn take_actions(&mut self) -> Vec<LineAction> {
        Ecr17Terminal::take_actions(self)
    }
}

/// A terminal that serves its line until it is stopped or dropped.
#[derive(Debug)]
pub struct Ecr17Handle {
    line: LineServer<Ecr17Terminal>,
}

impl Ecr17Handle {
    /// Serves `127.0.0.1:port`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the port cannot be listened on or no thread can be started.
    pub fn on_tcp(
        port: u16,
        config: Ecr17Config,
        scripts: Vec<Ecr17Script>,
    ) -> anyhow::Result<Self> {
        let line = LineServer::on_tcp(port, Ecr17Terminal::new(config, scripts))?;
        Ok(Self { line })
    }

    /// Serves a pseudo-terminal that the host opens at `link`, whose directory must exist.
    ///
    /// # Errors
    /// When there is no pseudo-terminal or no thread to be had.
    pub fn on_pty(
        link: &Path,
        config: Ecr17Config,
        scripts: Vec<Ecr17Script>,
    ) -> anyhow::Result<Self> {
        let line = LineServer::on_pty(link, Ecr17Terminal::new(config, scripts))?;
        Ok(Self { line })
    }

    /// Where it listens; port 0 if it is on a pseudo-terminal.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        self.line.addr().unwrap_or(nowhere)
    }

    /// Everything the terminal ever booked.
    #[must_use]
    pub fn books(&self) -> Vec<Ecr17Booked> {
        self.line.device().books().to_vec()
    }

    /// How many payments it was asked for.
    #[must_use]
    pub fn payments_heard(&self) -> u64 {
        self.line.device().payments_heard()
    }

    /// Bytes taken and sent so far.
    #[must_use]
    pub fn bytes_in_out(&self) -> (u64, u64) {
        self.line.device().bytes_in_out()
    }

    /// Adds a script for a payment to come.
    pub fn add_script(&self, script: Ecr17Script) {
        self.line.device().add_script(script);
    }

    /// Changes its character from here on.
    pub fn set_config(&self, config: Ecr17Config) {
        self.line.device().set_config(config);
    }
}
