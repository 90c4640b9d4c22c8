//! What a printer says of itself: answers to `DLE EOT n`, and what it pushes by itself (`GS a`).
//!
//! An answer is one byte with fixed bits; a byte that lacks them is no answer. Pushed states are four bytes
//! that begin with other fixed bits. Which of the four parts an answer is, only the question tells, so the
//! decoder is told what was asked.

use std::collections::VecDeque;

/// Questions without answer that are remembered.
const ASKED_MAX: usize = 16;

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusPart {
    /// Printer.
    Printer,
    /// Why it is offline.
    Offline,
    /// Errors.
    Error,
    /// Paper.
    Paper,
}

impl StatusPart {
    const NUMBERS: [(u8, StatusPart); 4] = [
        (1, StatusPart::Printer),
        (2, StatusPart::Offline),
        (3, StatusPart::Error),
        (4, StatusPart::Paper),
    ];

    /// The part of `DLE EOT n`.
    #[must_use]
    pub fn from_number(number: u8) -> Option<StatusPart> {
        Self::NUMBERS
            .iter()
            .find(|row| row.0 == number)
            .map(|row| row.1)
    }

    /// The n of `DLE EOT n`.
    #[must_use]
    pub fn number(self) -> u8 {
        Self::NUMBERS
            .iter()
            .find(|row| row.1 == self)
            .map_or(1, |row| row.0)
    }
}

/// The state of a printer, as far as it was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a printer's independent sensors"
)]
pub struct PrinterStatus {
    /// It doesn't print.
    pub offline: bool,
    /// The cover is open.
    pub cover_open: bool,
    /// No paper.
    pub paper_end: bool,
    /// Little paper left.
    pub paper_near_end: bool,
    /// The level of the drawer's contact; open or closed depends on the drawer.
    pub drawer_contact: bool,
    /// Somebody holds the feed button.
    pub fed_by_button: bool,
    /// The cutter is stuck.
    pub cutter_error: bool,
    /// Only switching it off helps.
    pub unrecoverable: bool,
    /// Too hot, or something else that passes.
    pub recovers_itself: bool,
}

/// Where each bit of an answer is kept; part, mask, field.
type Bit = (StatusPart, u8, fn(&mut PrinterStatus) -> &mut bool);

const BITS: [Bit; 12] = [
    (StatusPart::Printer, 1 << 2, |s| &mut s.drawer_contact),
    (StatusPart::Printer, 1 << 3, |s| &mut s.offline),
    (StatusPart::Printer, 1 << 6, |s| &mut s.fed_by_button),
    (StatusPart::Offline, 1 << 2, |s| &mut s.cover_open),
    (StatusPart::Offline, 1 << 3, |s| &mut s.fed_by_button),
    (StatusPart::Offline, 1 << 5, |s| &mut s.paper_end),
    (StatusPart::Error, 1 << 3, |s| &mut s.cutter_error),
    (StatusPart::Error, 1 << 5, |s| &mut s.unrecoverable),
    (StatusPart::Error, 1 << 6, |s| &mut s.recovers_itself),
    (StatusPart::Paper, 0b0000_1100, |s| &mut s.paper_near_end),
    (StatusPart::Paper, 0b0110_0000, |s| &mut s.paper_end),
    // Bit 5 of the printer's own byte says that it waits for recovery: it is offline then.
    (StatusPart::Printer, 1 << 5, |s| &mut s.offline),
];

/// Bits of a pushed state: byte, mask, field.
type PushedBit = (usize, u8, fn(&mut PrinterStatus) -> &mut bool);

const PUSHED: [PushedBit; 9] = [
    (0, 1 << 2, |s| &mut s.drawer_contact),
    (0, 1 << 3, |s| &mut s.offline),
    (0, 1 << 5, |s| &mut s.cover_open),
    (0, 1 << 6, |s| &mut s.fed_by_button),
    (1, 1 << 3, |s| &mut s.cutter_error),
    (1, 1 << 5, |s| &mut s.unrecoverable),
    (1, 1 << 6, |s| &mut s.recovers_itself),
    (2, 0b0000_0011, |s| &mut s.paper_near_end),
    (2, 0b0000_1100, |s| &mut s.paper_end),
];
const PUSHED_BYTES: usize = 4;

/// What comes from a printer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusItem {
    /// The state now.
    Status(PrinterStatus),
    /// A byte that is no answer.
    Unexpected(u8),
}

/// Reads what a printer sends back. Iterate it after each push.
#[derive(Debug, Default)]
pub struct StatusDecoder {
    asked: VecDeque<StatusPart>,
    pushed: Vec<u8>,
    status: PrinterStatus,
    items: VecDeque<StatusItem>,
}

impl StatusDecoder {
    /// A decoder that knows nothing yet.
    #[must_use]
    pub fn new() -> StatusDecoder {
        StatusDecoder::default()
    }

    /// This part was asked for; answers come in the same order.
    pub fn asked(&mut self, part: StatusPart) {
        if self.asked.len() >= ASKED_MAX {
            self.asked.pop_front();
        }
        self.asked.push_back(part);
    }

    /// The connection is new or a question timed out: nothing is owed any more.
    pub fn forget(&mut self) {
        self.asked.clear();
        self.pushed.clear();
    }

    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if !self.pushed.is_empty() {
                self.pushed_byte(byte);
            } else if byte & 0x93 == 0x12 {
                self.answer(byte);
            } else if byte & 0x93 == 0x10 {
                self.pushed.push(byte);
            } else {
                self.items.push_back(StatusItem::Unexpected(byte));
            }
        }
    }

    fn answer(&mut self, byte: u8) {
        let Some(part) = self.asked.pop_front() else {
            self.items.push_back(StatusItem::Unexpected(byte));
            return;
        };
        let of_part = || BITS.iter().filter(|row| row.0 == part);
        of_part().for_each(|row| *row.2(&mut self.status) = false);
        for row in of_part().filter(|row| byte & row.1 != 0) {
            *row.2(&mut self.status) = true;
        }
        self.items.push_back(StatusItem::Status(self.status));
    }

    fn pushed_byte(&mut self, byte: u8) {
        // The three bytes behind the first have bits 4 and 7 clear.
        if byte & 0x90 != 0 {
            let lost = std::mem::take(&mut self.pushed);
            self.items
                .extend(lost.into_iter().map(StatusItem::Unexpected));
            return self.push(&[byte]);
        }
        self.pushed.push(byte);
        if self.pushed.len() == PUSHED_BYTES {
            let bytes = std::mem::take(&mut self.pushed);
            for row in PUSHED {
                let set = bytes.get(row.0).is_some_and(|b| b & row.1 != 0);
                *row.2(&mut self.status) = set;
            }
            self.items.push_back(StatusItem::Status(self.status));
        }
    }
}

impl Iterator for StatusDecoder {
    type Item = StatusItem;

    fn next(&mut self) -> Option<StatusItem> {
        self.items.pop_front()
    }
}

/// The answer of a printer in this state; for simulators. With `None` the four bytes that it pushes.
#[must_use]
pub fn encode_reply(status: &PrinterStatus, part: Option<StatusPart>) -> Vec<u8> {
    let mut status = *status;
    let Some(part) = part else {
        let mut bytes = [0x10, 0, 0, 0];
        for row in PUSHED {
            if let (true, Some(byte)) = (*row.2(&mut status), bytes.get_mut(row.0)) {
                *byte |= row.1;
            }
        }
        return bytes.to_vec();
    };
    // Waiting for recovery is not a state of its own here.
    let own = BITS
        .iter()
        .filter(|row| row.0 == part && (part, row.1) != (StatusPart::Printer, 1 << 5));
    let byte = own.fold(0x12, |byte, row| {
        byte | if *row.2(&mut status) { row.1 } else { 0 }
    });
    vec![byte]
}
