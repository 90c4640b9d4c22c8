//! The typed packets of a ZVT dialogue and how each is written.
//!
//! Both ends use this one type: the cash register writes the commands and reads the rest, the simulator
//! the other way round. There is deliberately no packet that reads a card for us or carries a card
//! number to the terminal.

use std::fmt;

use super::apdu::Apdu;
use super::bcd::{self, Amount};
use super::status::StatusInformation;
use super::{bmp, text, tlv};

/// Configuration bytes of a registration (PA00P015 2.1).
pub mod config_byte {
    /// The terminal prints all receipts; intermediate status on.
    pub const TERMINAL_PRINTS: u8 = 0x08;
    /// We print all receipts (as text blocks); intermediate status on; no payment started at the terminal.
    pub const REGISTER_PRINTS: u8 = 0xBE;
    /// As [`REGISTER_PRINTS`], by lines, and a payment may be started at the terminal.
    pub const REGISTER_PRINTS_TERMINAL_MAY_START: u8 = 0x8E;
}

/// Result and status codes the dialogue depends on (PA00P015, tables of result codes).
pub mod result {
    /// Done; the terminal is ready.
    pub const OK: u8 = 0x00;
    /// The cash register is not registered.
    pub const NOT_REGISTERED: u8 = 0x6B;
    /// Cancelled at the terminal, or its time ran out.
    pub const ABORTED: u8 = 0x6C;
    /// This function is not possible (now).
    pub const NOT_POSSIBLE: u8 = 0x83;
    /// Please wait.
    pub const WAIT: u8 = 0x9C;
    /// The transaction was reversed already.
    pub const ALREADY_REVERSED: u8 = 0xB4;
    /// A card is in the reader (terminal status).
    pub const CARD_INSERTED: u8 = 0xDC;
    /// System error: our answer that makes the terminal reverse.
    pub const SYSTEM_ERROR: u8 = 0xFF;
}

/// The six-digit password of a terminal's cash-register commands. It never shows in a log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password(u32);

impl Password {
    /// Parses six decimal digits.
    #[must_use]
    pub fn new(digits: &str) -> Option<Self> {
        let plain = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse().ok().map(Self)).flatten()
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        bcd::get_u32(bytes).map(Self)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(******)")
    }
}

/// `06 00`: who we are and who prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The terminal's password.
    pub password: Password,
    /// See [`config_byte`].
    pub config: u8,
    /// ISO 4217 numeric.
    pub currency: u16,
    /// Field 03.
    pub service: Option<u8>,
    /// Commands of the terminal that we understand beyond the basic ones (TLV 26), e.g. `06 D3`.
    pub permitted: Vec<(u8, u8)>,
}

/// `04 FF`: something to show while the customer is busy at the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntermediateStatus {
    /// What is going on (0A insert card, 17 please wait, 05 automatic reversal, 15 wrong PIN, …).
    pub code: u8,
    /// A new T4 in minutes, at most 99.
    pub timeout_minutes: Option<u8>,
    /// The terminal's own words, masked; empty when it sent none.
    pub lines: Vec<String>,
}

/// `06 0F`: the dialogue ended well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The terminal's state: 00 ready, 9C busy, DC card inserted, F0 reconciliation needed, …
    pub terminal_status: Option<u8>,
    /// The terminal's identity, eight digits.
    pub terminal_id: Option<u32>,
    /// ISO 4217 numeric.
    pub currency: Option<u16>,
}

/// `06 D3`: a receipt as one block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextBlock {
    /// 1 merchant's, 2 customer's, 3 administrative receipt.
    pub receipt_type: Option<u8>,
    /// The lines, masked.
    pub lines: Vec<String>,
}

/// Everything either side says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// `06 00`
    Registration(Registration),
    /// `06 01`: take a payment.
    Authorisation {
        /// What to take.
        amount: Amount,
        /// ISO 4217 numeric.
        currency: u16,
        /// Field 19.
        payment_type: Option<u8>,
        /// Field 01: for how long a status may be answered with "wait", seconds, at most 99.
        timeout_s: Option<u8>,
        /// Field 02: how often a status may be answered with "wait".
        status_max: Option<u8>,
    },
    /// `06 30`: take a payment back, by its receipt number.
    Reversal {
        /// The terminal's password.
        password: Password,
        /// The receipt number of the payment, four digits.
        receipt: u16,
        /// The amount of the payment.
        amount: Option<Amount>,
    },
    /// `06 31`: pay out to a card.
    Refund {
        /// The terminal's password.
        password: Password,
        /// What to pay out.
        amount: Amount,
        /// ISO 4217 numeric.
        currency: u16,
    },
    /// `06 50`
    EndOfDay {
        /// The terminal's password.
        password: Password,
    },
    /// `06 20`: say again what the last transaction was.
    RepeatReceipt {
        /// The terminal's password.
        password: Password,
        /// Field 03: bit 0 status information, bit 1 do not print.
        service: Option<u8>,
    },
    /// `06 B0`: please stop.
    AbortRequest,
    /// `05 01`: the one health check that starts nothing.
    StatusEnquiry {
        /// The terminal's password.
        password: Password,
        /// Field 03.
        service: Option<u8>,
    },
    /// `06 02`
    LogOff,
    /// `04 FF`
    IntermediateStatus(IntermediateStatus),
    /// `04 0F`
    StatusInformation(Box<StatusInformation>),
    /// `06 D1`: one receipt line, masked.
    PrintLine {
        /// Bit field: height, width, end of print.
        attribute: u8,
        /// The line.
        text: String,
    },
    /// `06 D3`
    PrintTextBlock(TextBlock),
    /// `06 0F`
    Completion(Completion),
    /// `06 1E`: the dialogue ended without success.
    Abort {
        /// Why; see [`result`].
        code: Option<u8>,
    },
    /// `80 00`
    Acknowledge,
    /// `84 xx`: refused, or to a status information: `00` accepted, `9C` wait, other: reverse.
    Refusal {
        /// Why; see [`result`].
        code: u8,
    },
    /// A unit we do not know; its data is dropped.
    Unknown {
        /// First control byte.
        class: u8,
        /// Second control byte.
        instruction: u8,
        /// How much data it had.
        data_bytes: usize,
    },
}

impl Packet {
    /// The unit that says this. [`Packet::Unknown`] becomes a unit without data.
    #[must_use]
    pub fn to_apdu(&self) -> Apdu {
        let mut d = Vec::new();
        let (class, instruction) = self.write(&mut d);
        Apdu::build(class, instruction, d)
    }

    /// The bytes that say this on a TCP connection.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.to_apdu().encode()
    }

    fn write(&self, d: &mut Vec<u8>) -> (u8, u8) {
        match self {
            Self::Registration(registration) => registration.write(d),
            Self::Authorisation {
                amount,
                currency,
                payment_type,
                timeout_s,
                status_max,
            } => {
                put_money(d, *amount, *currency);
                put_byte(d, 0x19, *payment_type);
                if let Some(timeout) = timeout_s {
                    bmp::put_bcd(d, 0x01, u64::from(*timeout), 1);
                }
                put_byte(d, 0x02, *status_max);
                (0x06, 0x01)
            }
            Self::Reversal {
                password,
                receipt,
                amount,
            } => {
                put_password(d, *password);
                bmp::put_bcd(d, 0x87, u64::from(*receipt), 2);
                if let Some(amount) = amount {
                    bmp::put_bcd(d, 0x04, amount.minor(), 6);
                }
                (0x06, 0x30)
            }
            Self::Refund {
                password,
                amount,
                currency,
            } => {
                put_password(d, *password);
                put_money(d, *amount, *currency);
                (0x06, 0x31)
            }
            Self::EndOfDay { password } => with_service(d, *password, None, (0x06, 0x50)),
            Self::RepeatReceipt { password, service } => {
                with_service(d, *password, *service, (0x06, 0x20))
            }
            Self::StatusEnquiry { password, service } => {
                with_service(d, *password, *service, (0x05, 0x01))
            }
            _ => self.write_answer(d),
        }
    }

    /// The packets of the terminal, and those without data.
    fn write_answer(&self, d: &mut Vec<u8>) -> (u8, u8) {
        match self {
            Self::IntermediateStatus(status) => status.write(d),
            Self::StatusInformation(status) => {
                d.extend(status.write());
                (0x04, 0x0F)
            }
            Self::PrintLine { attribute, text } => {
                d.push(*attribute);
                d.extend(text::write(text));
                (0x06, 0xD1)
            }
            Self::PrintTextBlock(block) => block.write(d),
            Self::Completion(completion) => completion.write(d),
            Self::Abort { code } => {
                d.extend(*code);
                (0x06, 0x1E)
            }
            Self::Refusal { code } => (0x84, *code),
            Self::AbortRequest => (0x06, 0xB0),
            Self::LogOff => (0x06, 0x02),
            Self::Unknown {
                class, instruction, ..
            } => (*class, *instruction),
            _ => (0x80, 0x00),
        }
    }
}

fn put_password(d: &mut Vec<u8>, password: Password) {
    bcd::put(d, u64::from(password.0), 3);
}

fn put_money(d: &mut Vec<u8>, amount: Amount, currency: u16) {
    bmp::put_bcd(d, 0x04, amount.minor(), 6);
    bmp::put_bcd(d, 0x49, u64::from(currency), 2);
}

fn put_byte(d: &mut Vec<u8>, tag: u8, value: Option<u8>) {
    if let Some(value) = value {
        bmp::put_fixed(d, tag, &[value]);
    }
}

fn with_service(
    d: &mut Vec<u8>,
    password: Password,
    service: Option<u8>,
    control: (u8, u8),
) -> (u8, u8) {
    put_password(d, password);
    put_byte(d, 0x03, service);
    control
}

impl Registration {
    fn write(&self, d: &mut Vec<u8>) -> (u8, u8) {
        put_password(d, self.password);
        d.push(self.config);
        bcd::put(d, u64::from(self.currency), 2);
        put_byte(d, 0x03, self.service);
        if !self.permitted.is_empty() {
            let (mut commands, mut container) = (Vec::new(), Vec::new());
            for &(class, instruction) in &self.permitted {
                tlv::put(&mut commands, &[0x0A], &[class, instruction]);
            }
            tlv::put(&mut container, &[0x26], &commands);
            tlv::put(d, &[0x06], &container);
        }
        (0x06, 0x00)
    }
}

impl IntermediateStatus {
    fn write(&self, d: &mut Vec<u8>) -> (u8, u8) {
        d.push(self.code);
        if let Some(minutes) = self.timeout_minutes {
            bcd::put(d, u64::from(minutes), 1);
        }
        if !self.lines.is_empty() {
            let mut container = Vec::new();
            tlv::put(&mut container, &[0x24], &text_lines(&self.lines));
            tlv::put(d, &[0x06], &container);
        }
        (0x04, 0xFF)
    }
}

impl TextBlock {
    fn write(&self, d: &mut Vec<u8>) -> (u8, u8) {
        let mut container = Vec::new();
        if let Some(kind) = self.receipt_type {
            tlv::put(&mut container, &[0x1F, 0x07], &[kind]);
        }
        tlv::put(&mut container, &[0x25], &text_lines(&self.lines));
        tlv::put(d, &[0x06], &container);
        (0x06, 0xD3)
    }
}

impl Completion {
    fn write(&self, d: &mut Vec<u8>) -> (u8, u8) {
        if self.terminal_id.is_none() && self.currency.is_none() {
            d.extend(self.terminal_status);
        } else {
            put_byte(d, 0x19, self.terminal_status);
            if let Some(id) = self.terminal_id {
                bmp::put_bcd(d, 0x29, u64::from(id), 4);
            }
            if let Some(currency) = self.currency {
                bmp::put_bcd(d, 0x49, u64::from(currency), 2);
            }
        }
        (0x06, 0x0F)
    }
}

fn text_lines(lines: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines {
        tlv::put(&mut out, &[0x07], &text::write(line));
    }
    out
}
