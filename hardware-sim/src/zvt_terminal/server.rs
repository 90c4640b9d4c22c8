//! The terminal on a line: TCP, or a pseudo-terminal with the frames of a serial line between.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::MutexGuard;

use shelf_sessions::time::Mono;
use shelf_sessions::zvt::serial_link::{LinkEffect, LinkInput, SerialLink};

use super::script::{Booked, BookedState, PaymentScript, TerminalConfig};
use super::terminal::Terminal;
use crate::line_server::{LineAction, LineDevice, LineServer, US_PER_MS};

/// A terminal and what lies between it and its line.
#[derive(Debug)]
struct OnLine {
    terminal: Terminal,
    /// Checked frames; a socket needs none.
    link: Option<SerialLink>,
    due_ms: Option<u64>,
    out: Vec<LineAction>,
}

impl OnLine {
    fn link(&mut self, now_ms: u64, input: LinkInput) {
        let Some(link) = &mut self.link else { return };
        let mut effects = Vec::new();
        link.handle(Mono(now_ms), input, &mut effects);
        self.due_ms = None;
        for effect in effects {
            match effect {
                LinkEffect::ToPort(bytes) => self.out.push(LineAction::Send(bytes)),
                LinkEffect::ToSession(bytes) => self.terminal.receive(now_ms, &bytes),
                LinkEffect::SetTimer(at) => self.due_ms = Some(at.0),
                // Whoever does not answer frames does not answer what is in them.
                LinkEffect::Lost | LinkEffect::Fault(_) => {}
            }
        }
    }
}

impl LineDevice for OnLine {
    fn connected(&mut self, now_us: u64) {
        let now_ms = now_us / US_PER_MS;
        self.link(now_ms, LinkInput::Reset);
        self.out.clear();
        self.terminal.connected(now_ms);
    }

    fn disconnected(&mut self, now_us: u64) {
        self.terminal.disconnected(now_us / US_PER_MS);
    }

    fn received(&mut self, now_us: u64, bytes: &[u8]) {
        let now_ms = now_us / US_PER_MS;
        match self.link.is_some() {
            true => self.link(now_ms, LinkInput::FromPort(bytes.to_vec())),
            false => self.terminal.receive(now_ms, bytes),
        }
    }

    fn advance(&mut self, now_us: u64) {
        let now_ms = now_us / US_PER_MS;
        self.terminal.advance(now_ms);
        if self.due_ms.is_some_and(|at| now_ms >= at) {
            self.link(now_ms, LinkInput::Tick);
        }
        for action in self.terminal.take_actions() {
            match action {
                LineAction::Send(bytes) if self.link.is_some() => {
                    self.link(now_ms, LinkInput::FromSession(bytes));
                }
                other => self.out.push(other),
            }
        }
    }

    fn due_us(&self) -> Option<u64> {
        let times = [self.terminal.next_wakeup_ms(), self.due_ms];
        let first_ms = times.into_iter().flatten().min();
        first_ms.map(|at| at * US_PER_MS)
    }

    fn take_actions(&mut self) -> Vec<LineAction> {
        std::mem::take(&mut self.out)
    }
}

/// A terminal that serves its line until it is stopped or dropped.
#[derive(Debug)]
pub struct TerminalHandle {
    line: LineServer<OnLine>,
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
        let line = LineServer::on_tcp(port, on_line(config, scripts, None))?;
        Ok(Self { line })
    }

    /// Serves a pseudo-terminal that the host opens at `link`, whose directory must exist.
    ///
    /// # Errors
    /// When there is no pseudo-terminal or no thread to be had.
    pub fn on_pty(
        link: &Path,
        config: TerminalConfig,
        scripts: Vec<PaymentScript>,
    ) -> anyhow::Result<Self> {
        let device = on_line(config, scripts, Some(SerialLink::new()));
        let line = LineServer::on_pty(link, device)?;
        Ok(Self { line })
    }

    /// Where it listens; port 0 if it is on a pseudo-terminal.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        self.line.addr().unwrap_or(nowhere)
    }

    fn device(&self) -> MutexGuard<'_, OnLine> {
        self.line.device()
    }

    /// Everything the terminal ever booked, with what became of it.
    #[must_use]
    pub fn books(&self) -> Vec<Booked> {
        self.device().terminal.books().to_vec()
    }

    /// The entries whose money moved and stayed.
    #[must_use]
    pub fn standing(&self) -> Vec<Booked> {
        self.device().terminal.standing().copied().collect()
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
        self.device().terminal.commands().to_vec()
    }

    /// Adds a script for a payment to come.
    pub fn add_script(&self, script: PaymentScript) {
        self.device().terminal.scripts.push_back(script);
    }

    /// Changes the terminal's character from here on.
    pub fn set_config(&self, config: TerminalConfig) {
        self.device().terminal.set_config(config);
    }

    /// Bytes of units taken and sent so far.
    #[must_use]
    pub fn bytes_in_out(&self) -> (u64, u64) {
        self.device().terminal.bytes_in_out()
    }

    /// Stops serving; the line is closed. The books stay readable.
    pub fn stop(&mut self) {
        self.line.stop();
    }
}

fn on_line(
    config: TerminalConfig,
    scripts: Vec<PaymentScript>,
    link: Option<SerialLink>,
) -> OnLine {
    OnLine {
        terminal: Terminal::new(config, scripts),
        link,
        due_ms: None,
        out: Vec::new(),
    }
}
