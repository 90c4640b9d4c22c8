//! What a till asks of a scale, and how a simulator understands it.
//!
//! Only what reading a weight needs: no calibration, no set-up. Zero is offered because the cashier may
//! have no key for it on a scale under the counter.

use std::collections::VecDeque;

use super::{FRAME_BYTES_MAX, Protocol, dialog};

const EOT: u8 = 0x04;
const ENQ: u8 = 0x05;
const ETX: u8 = 0x03;
const CR: u8 = b'\r';

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// The weight, please.
    Weigh,
    /// The state only.
    Status,
    /// Set to zero.
    Zero,
    /// The price of a kilogram in minor units, for a scale that computes.
    UnitPrice(u32),
    /// The answer was taken; only Dialog has it.
    Taken,
}

impl Command {
    /// The bytes, a report for HID devices; `None` where the protocol doesn't have the command.
    #[must_use]
    pub fn encode(self, protocol: Protocol) -> Option<Vec<u8>> {
        use Protocol::{Dialog, IbmOem, NciEcr, NciGeneral, Toledo8217};
        let bytes: &[u8] = match (protocol, self) {
            (Toledo8217, Command::Weigh) => b"W",
            (Toledo8217, Command::Zero) => b"Z",
            (NciGeneral | NciEcr, Command::Weigh) => b"W\r",
            (NciGeneral | NciEcr, Command::Status) => b"S\r",
            (NciGeneral | NciEcr, Command::Zero) => b"Z\r",
            (Dialog, Command::UnitPrice(price)) => return dialog::price_record(price),
            (Dialog, Command::Weigh) => &[EOT, ENQ],
            (Dialog, Command::Status) => b"\x04\x0208\x03",
            (Dialog, Command::Taken) => &[EOT],
            (IbmOem, Command::Weigh) => &[0x04, 0, 0, 0, 0],
            (IbmOem, Command::Status) => &[0x00, 0x20, 0, 0, 0],
            (IbmOem, Command::Zero) => &[0x03, 0, 0, 0, 0],
            _ => return None,
        };
        Some(bytes.to_vec())
    }
}

/// What a simulated scale hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandItem {
    /// A command.
    Command(Command),
    /// Bytes that are none.
    Unknown(Vec<u8>),
}

/// Cuts what a till sends into commands; the simulators' side. Iterate it after each push.
#[derive(Debug)]
pub struct CommandDecoder {
    protocol: Protocol,
    held: Vec<u8>,
    items: VecDeque<CommandItem>,
}

impl CommandDecoder {
    /// A decoder of one scale's commands.
    #[must_use]
    pub fn new(protocol: Protocol) -> CommandDecoder {
        CommandDecoder {
            protocol,
            held: Vec::new(),
            items: VecDeque::new(),
        }
    }

    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            // Every Dialog command begins with EOT, which also ends the one before.
            if self.protocol == Protocol::Dialog && byte == EOT && !self.held.is_empty() {
                self.end();
            }
            self.held.push(byte);
            if self.ends(byte) || self.held.len() >= FRAME_BYTES_MAX {
                self.end();
            }
        }
    }

    /// Nothing more comes: a Dialog host's last word is an EOT that nothing follows.
    pub fn silence(&mut self) {
        if !self.held.is_empty() {
            self.end();
        }
    }

    fn ends(&self, byte: u8) -> bool {
        match self.protocol {
            Protocol::Toledo8217 => true,
            Protocol::NciGeneral | Protocol::NciEcr => byte == CR,
            Protocol::Dialog => {
                byte == ETX
                    || (byte == ENQ && self.held.len() == 2)
                    || self.held.first() != Some(&EOT)
            }
            Protocol::IbmOem => self.held.len() == 5,
            Protocol::Continuous | Protocol::Hid => true,
        }
    }

    fn end(&mut self) {
        let held = std::mem::take(&mut self.held);
        let plain = [
            Command::Weigh,
            Command::Status,
            Command::Zero,
            Command::Taken,
        ];
        let known = plain
            .into_iter()
            .find(|command| command.encode(self.protocol).as_deref() == Some(&held[..]));
        let price = || {
            let record = held.strip_prefix(b"\x04\x02")?.strip_suffix(&[ETX])?;
            (self.protocol == Protocol::Dialog).then_some(())?;
            dialog::read_price(record).map(Command::UnitPrice)
        };
        self.items.push_back(match known.or_else(price) {
            Some(command) => CommandItem::Command(command),
            None => CommandItem::Unknown(held),
        });
    }
}

impl Iterator for CommandDecoder {
    type Item = CommandItem;

    fn next(&mut self) -> Option<CommandItem> {
        self.items.pop_front()
    }
}
