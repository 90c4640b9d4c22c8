//! The terminal's core: bytes and time in, bytes out, and its books.

use std::collections::VecDeque;

use shelf_codecs::zvt::{
    Apdu, Item, Packet, StatusInformation, TcpDecoder, TerminalDate, TerminalTime,
};

use super::run::Run;
use super::script::{Booked, BookedState, PaymentScript, TerminalConfig};
use crate::line_server::LineAction as Action;
use crate::terminal_cable::{Direction, Traffic};

/// One simulated terminal. Times are milliseconds from any origin and never go back.
#[derive(Debug)]
pub struct Terminal {
    pub(super) config: TerminalConfig,
    pub(super) scripts: VecDeque<PaymentScript>,
    pub(super) now_ms: u64,
    /// Number of the current connection; 0 before the first.
    pub(super) connection: u64,
    pub(super) open: bool,
    pub(super) registered: Option<u8>,
    /// The payment being worked on; it goes on when its connection is gone.
    pub(super) payment: Option<Run>,
    /// A dialogue without money on the current connection.
    pub(super) talk: Option<Run>,
    pub(super) books: Vec<Booked>,
    pub(super) last: Option<StatusInformation>,
    pub(super) next_trace: u32,
    pub(super) next_receipt: u16,
    pub(super) commands: Vec<(u8, u8)>,
    decoder: TcpDecoder,
    outbox: VecDeque<(u64, Action)>,
    traffic: Traffic,
}

/// Commands remembered for the record.
const COMMANDS_MAX: usize = 100_000;

impl Terminal {
    /// A terminal that plays `scripts` in turn, then approves everything.
    #[must_use]
    pub fn new(config: TerminalConfig, scripts: Vec<PaymentScript>) -> Self {
        Self {
            config,
            scripts: scripts.into(),
            now_ms: 0,
            connection: 0,
            open: false,
            registered: None,
            payment: None,
            talk: None,
            books: Vec::new(),
            last: None,
            next_trace: 815,
            next_receipt: 42,
            commands: Vec::new(),
            decoder: TcpDecoder::new(),
            outbox: VecDeque::new(),
            traffic: Traffic::default(),
        }
    }

    /// A connection was made; an earlier one is forgotten.
    pub fn connected(&mut self, now_ms: u64) {
        self.advance(now_ms);
        self.connection += 1;
        self.open = true;
        self.registered = None;
        self.talk = None;
        self.decoder = TcpDecoder::new();
        self.outbox.clear();
    }

    /// The connection is gone.
    pub fn disconnected(&mut self, now_ms: u64) {
        self.advance(now_ms);
        self.open = false;
        self.registered = None;
        self.talk = None;
        self.outbox.clear();
    }

    /// Bytes from the cash register.
    pub fn receive(&mut self, now_ms: u64, bytes: &[u8]) {
        self.advance(now_ms);
        if !self.open {
            return;
        }
        let (kept, cut) = self
            .traffic
            .pass(&mut self.config.cut, Direction::ToTerminal, bytes);
        self.decoder.push(&kept);
        while self.open
            && let Some(item) = self.decoder.next_item()
        {
            if let Item::Apdu(apdu) = item {
                self.on_apdu(&apdu);
            }
        }
        if cut {
            self.close();
        }
        self.advance(now_ms);
    }

    fn on_apdu(&mut self, apdu: &Apdu) {
        if self.commands.len() < COMMANDS_MAX {
            self.commands.push(apdu.control());
        }
        if let Ok(packet) = Packet::read(apdu) {
            self.on_packet(&packet);
        }
    }

    /// Lets time pass.
    pub fn advance(&mut self, now_ms: u64) {
        self.now_ms = self.now_ms.max(now_ms);
        self.work_off();
    }

    /// What is due by now, in order.
    pub fn take_actions(&mut self) -> Vec<Action> {
        let mut due = Vec::new();
        while self
            .outbox
            .front()
            .is_some_and(|(at, _)| *at <= self.now_ms)
        {
            let Some((_, action)) = self.outbox.pop_front() else {
                break;
            };
            let Action::Send(bytes) = action else {
                self.open = false;
                due.push(Action::Close);
                break;
            };
            let (kept, cut) =
                self.traffic
                    .pass(&mut self.config.cut, Direction::FromTerminal, &bytes);
            if self.config.splits_writes {
                due.extend(kept.iter().map(|b| Action::Send(vec![*b])));
            } else if !kept.is_empty() {
                due.push(Action::Send(kept));
            }
            if cut {
                self.open = false;
                self.outbox.clear();
                due.push(Action::Close);
                break;
            }
        }
        due
    }

    /// When something happens by itself next.
    #[must_use]
    pub fn next_wakeup_ms(&self) -> Option<u64> {
        let outbox = self.outbox.front().map(|(at, _)| *at);
        let runs = [&self.payment, &self.talk]
            .into_iter()
            .flatten()
            .map(Run::wakes_at_ms);
        runs.chain(outbox).min()
    }

    /// The terminal's own books, oldest first.
    #[must_use]
    pub fn books(&self) -> &[Booked] {
        &self.books
    }

    /// The entries whose money moved and stayed.
    pub fn standing(&self) -> impl Iterator<Item = &Booked> {
        self.books.iter().filter(|b| b.state == BookedState::Stands)
    }

    /// The control bytes of everything received, oldest first.
    #[must_use]
    pub fn commands(&self) -> &[(u8, u8)] {
        &self.commands
    }

    /// Bytes taken and sent so far.
    #[must_use]
    pub fn bytes_in_out(&self) -> (u64, u64) {
        self.traffic.bytes_in_out()
    }

    /// Whether a payment is being worked on.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.payment.is_some()
    }

    /// Changes the character from here on.
    pub fn set_config(&mut self, config: TerminalConfig) {
        self.config = config;
    }

    pub(super) fn say(&mut self, packet: &Packet) {
        self.say_bytes(packet.encode(), 0);
    }

    pub(super) fn say_bytes(&mut self, bytes: Vec<u8>, delay_ms: u64) {
        if !self.open {
            return;
        }
        let at = self.now_ms + self.config.answer_delay_ms + delay_ms;
        // Order is kept: nothing overtakes what was said before.
        let at = self.outbox.back().map_or(at, |(before, _)| at.max(*before));
        self.outbox.push_back((at, Action::Send(bytes)));
    }

    pub(super) fn close(&mut self) {
        let at = self
            .outbox
            .back()
            .map_or(self.now_ms, |(before, _)| *before);
        self.outbox.push_back((at, Action::Close));
    }

    /// What the terminal says of itself and the time.
    pub(super) fn stamp(&self) -> StatusInformation {
        let second = u64::from(self.config.clock_s) + self.now_ms / 1000;
        let part = |unit: u64, of: u64| u8::try_from(second / unit % of).unwrap_or(0);
        StatusInformation {
            time: Some(TerminalTime {
                hour: part(3600, 24),
                minute: part(60, 60),
                second: part(1, 60),
            }),
            date: Some(TerminalDate { month: 11, day: 21 }),
            terminal_id: Some(self.config.terminal_id),
            currency: Some(self.config.currency),
            ..StatusInformation::default()
        }
    }

    pub(super) fn draw_trace(&mut self) -> u32 {
        let trace = self.next_trace;
        self.next_trace = trace % 999_999 + 1;
        trace
    }

    pub(super) fn draw_receipt(&mut self) -> u16 {
        let receipt = self.next_receipt;
        self.next_receipt = receipt % 9_999 + 1;
        receipt
    }
}
