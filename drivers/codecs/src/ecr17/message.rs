//! The messages: what a till asks and a terminal answers, field by field.
//!
//! Positions are those of the public description, counted from 1. A response is read only if every field
//! that decides over money is there; a truncated approval is no approval.

use std::fmt;

use super::frame::{LrcMode, Payload};
use crate::redact::mask_text;
use crate::zvt::{Amount, CardTail};

/// The number in a field of exactly so many digits.
fn number(text: &[u8], length: usize) -> Option<u32> {
    let whole = digits(text).filter(|_| text.len() == length)?;
    u32::try_from(whole).ok()
}

/// Largest amount in eight digits.
const MINOR_MAX: u64 = 99_999_999;
const RECEIPT_TEXT_BYTES: usize = 128;

/// Eight characters that name something, zeros in front.
macro_rules! id {
    ($name:ident, $digits:expr, $doc:expr) => {
        #[doc = $doc]
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        pub struct $name(u32);

        impl $name {
            /// From its number; `None` if it has more digits than the field.
            #[must_use]
            pub fn new(number: u32) -> Option<$name> {
                (number < 10_u32.pow($digits)).then_some($name(number))
            }

            /// Its number.
            #[must_use]
            pub fn number(self) -> u32 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(
                    f,
                    "{:0width$}",
                    self.0,
                    width = usize::try_from($digits).unwrap_or(0)
                )
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id!(TerminalId, 8_u32, "The terminal's identity, eight digits.");
id!(RegisterId, 8_u32, "The till's identity, eight digits.");
id!(
    Stan,
    6_u32,
    "The number of a transaction, six digits; 0 means \"the last\" in a reversal."
);

/// What a till asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `P`: take a payment.
    Payment {
        /// What to take; at most eight digits.
        amount: Amount,
        /// Shown on the terminal's receipt; printable ASCII.
        text: String,
    },
    /// `S`: take a payment back.
    Reversal {
        /// The number of the payment.
        stan: Stan,
    },
    /// `C`: close the day with the host.
    Close,
    /// `T`: the terminal's totals.
    Totals,
    /// `G`: say the last result again. Moves nothing.
    LastResult,
    /// `s`: the one health check that starts nothing.
    Status,
}

impl Request {
    /// Whether it moves money: such a request is never sent a second time on a new connection.
    #[must_use]
    pub fn moves_money(&self) -> bool {
        matches!(
            self,
            Request::Payment { .. } | Request::Reversal { .. } | Request::Close
        )
    }

    fn code(&self) -> char {
        match self {
            Request::Payment { .. } => 'P',
            Request::Reversal { .. } => 'S',
            Request::Close => 'C',
            Request::Totals => 'T',
            Request::LastResult => 'G',
            Request::Status => 's',
        }
    }

    /// The frame; `None` for an amount of more than eight digits.
    #[must_use]
    pub fn encode(
        &self,
        terminal: TerminalId,
        register: RegisterId,
        mode: LrcMode,
    ) -> Option<Vec<u8>> {
        let head = format!("{terminal}0{}", self.code());
        let text = match self {
            Request::Status => head,
            Request::LastResult => format!("{head}{register}0000"),
            Request::Close | Request::Totals => format!("{head}{register}00000000"),
            Request::Reversal { stan } => format!("{head}{register}{stan}00"),
            Request::Payment { amount, text } => {
                if amount.minor() > MINOR_MAX {
                    return None;
                }
                let plain = text.chars().filter(|c| matches!(c, ' '..='~'));
                let plain: String = plain.take(RECEIPT_TEXT_BYTES).collect();
                // Additional data, reserved, card present, kind of card: none, by the terminal.
                let flags = "00000";
                let minor = amount.minor();
                format!("{head}{register}{flags}{minor:08}{plain:>RECEIPT_TEXT_BYTES$}00000000")
            }
        };
        Some(Payload(text.into_bytes()).encode(mode))
    }
}

/// Which kind of card was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum CardKind {
    /// Debit.
    Debit,
    /// Credit.
    Credit,
    /// Anything else, or not told.
    Other,
}

/// What a terminal says about one transaction that went well.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Approval {
    /// The last four digits of the card.
    pub card: Option<CardTail>,
    /// How the card was read (`ICC`, `CLI`, `MAG`).
    pub entry: String,
    /// The host's authorisation.
    pub authorisation: String,
    /// The host's time as day of the year, hour and minute.
    pub host_time: String,
    /// Kind of card.
    pub card_kind: CardKind,
    /// The number of the transaction.
    pub stan: Stan,
}

/// How a terminal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminalState {
    /// 0 ready; others by firmware.
    pub state: u8,
    /// Its software.
    pub release: String,
}

/// The day, closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The terminal's total in minor units.
    pub terminal_minor: u64,
    /// The host's total in minor units.
    pub host_minor: u64,
}

/// What a terminal answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// A payment, reversal or last result that went well.
    Approved(Approval),
    /// It did not.
    Refused {
        /// 01 refused, 05 no card, 09 unknown tag.
        code: u8,
        /// The terminal's words, masked.
        words: String,
        /// The number of the transaction, if it had one.
        stan: Option<Stan>,
    },
    /// `s`
    State(TerminalState),
    /// `T`
    Totals {
        /// In minor units; `None` where the terminal refused.
        terminal_minor: Option<u64>,
    },
    /// `C`
    Closed(Closing),
    /// `C`, refused.
    NotClosed {
        /// The terminal's words, masked.
        words: String,
    },
}

/// `length` bytes from position `place`, counted from 1.
fn field(payload: &[u8], place: usize, length: usize) -> Option<&[u8]> {
    payload.get(place - 1..place - 1 + length)
}

fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0, |n, b| n * 10 + u64::from(b - b'0')))
}

fn words(text: &[u8]) -> String {
    mask_text(String::from_utf8_lossy(text).trim())
}

impl Payload {
    /// The terminal it is from or for.
    #[must_use]
    pub fn terminal(&self) -> Option<TerminalId> {
        TerminalId::new(number(field(&self.0, 1, 8)?, 8)?)
    }

    /// As a till's request; for simulators.
    #[must_use]
    pub fn request(&self) -> Option<Request> {
        let p = &self.0;
        Some(match (field(p, 10, 1)?, p.len()) {
            (b"P", 167) => Request::Payment {
                amount: Amount::new(digits(field(p, 24, 8)?)?)?,
                text: String::from_utf8_lossy(field(p, 32, 128)?)
                    .trim_start()
                    .to_owned(),
            },
            (b"S", 26) => Request::Reversal {
                stan: Stan::new(number(field(p, 19, 6)?, 6)?)?,
            },
            (b"C", 26) => Request::Close,
            (b"T", 26) => Request::Totals,
            (b"G", 22) => Request::LastResult,
            (b"s", 10) => Request::Status,
            _ => return None,
        })
    }

    /// As a terminal's answer; `None` if a field that decides over money is missing.
    #[must_use]
    pub fn response(&self) -> Option<Response> {
        let p = &self.0;
        match field(p, 10, 1)? {
            b"E" | b"V" => transaction(p),
            b"s" => {
                let state = digits(field(p, 31, 1)?)?;
                let release = words(p.get(31..)?);
                let state = u8::try_from(state).ok()?;
                Some(Response::State(TerminalState { state, release }))
            }
            b"T" => {
                let ok = field(p, 11, 2)? == b"00";
                let total = field(p, 13, 16).and_then(digits);
                if ok && total.is_none() {
                    return None;
                }
                let terminal_minor = total.filter(|_| ok);
                Some(Response::Totals { terminal_minor })
            }
            b"C" if field(p, 11, 2)? == b"00" => Some(Response::Closed(Closing {
                terminal_minor: digits(field(p, 13, 16)?)?,
                host_minor: digits(field(p, 29, 16)?)?,
            })),
            b"C" => {
                let words = words(field(p, 13, 19).unwrap_or_default());
                Some(Response::NotClosed { words })
            }
            _ => None,
        }
    }
}

fn transaction(p: &[u8]) -> Option<Response> {
    let code = u8::try_from(digits(field(p, 11, 2)?)?).ok()?;
    let stan = field(p, 60, 6).and_then(|text| Stan::new(number(text, 6)?));
    if code != 0 {
        let words = words(field(p, 13, 24).unwrap_or_default());
        return Some(Response::Refused { code, words, stan });
    }
    let plain = |text| String::from_utf8_lossy(text).trim().to_owned();
    let text = |place, length| field(p, place, length).map(plain);
    Some(Response::Approved(Approval {
        card: card_tail(field(p, 13, 19)?),
        entry: text(32, 3)?,
        authorisation: text(35, 6)?,
        host_time: text(41, 7)?,
        card_kind: match field(p, 48, 1)? {
            b"1" => CardKind::Debit,
            b"2" => CardKind::Credit,
            _ => CardKind::Other,
        },
        stan: stan?,
    }))
}

/// The last four characters of the card field, if they are digits.
fn card_tail(pan: &[u8]) -> Option<CardTail> {
    let pan = pan.trim_ascii();
    let tail = pan.get(pan.len().checked_sub(4)?..)?;
    CardTail::new(u16::try_from(digits(tail)?).ok()?)
}

impl Approval {
    /// The frame of a terminal that sends the whole card number; for simulators that test masking.
    #[must_use]
    pub fn encode_with_card(&self, terminal: TerminalId, number: &str, mode: LrcMode) -> Vec<u8> {
        Payload(approval_text(self, terminal, &format!("{number:>19.19}")).into_bytes())
            .encode(mode)
    }
}

fn approval_text(a: &Approval, terminal: TerminalId, card: &str) -> String {
    let kind = match a.card_kind {
        CardKind::Debit => '1',
        CardKind::Credit => '2',
        CardKind::Other => '3',
    };
    format!(
        "{terminal}0E00{card}{:<3.3}{:<6.6}{:<7.7}{kind}{:11}{}000000",
        a.entry, a.authorisation, a.host_time, "", a.stan
    )
}

impl Response {
    /// The frame; for simulators. Cards are sent masked but for the last four digits.
    #[must_use]
    pub fn encode(&self, terminal: TerminalId, mode: LrcMode) -> Vec<u8> {
        let text = match self {
            Response::Approved(a) => {
                let card = a
                    .card
                    .map_or_else(|| "*".repeat(19), |tail| format!("***************{tail}"));
                approval_text(a, terminal, &card)
            }
            Response::Refused { code, words, stan } => {
                let stan = stan.map_or_else(|| "      ".to_owned(), |stan| stan.to_string());
                format!(
                    "{terminal}0E{code:02}{words:<24.24}{:11}3{:11}{stan}000000",
                    "", ""
                )
            }
            Response::State(state) => {
                format!(
                    "{terminal}0s{:10}2111261430{}{}",
                    "",
                    state.state % 10,
                    state.release
                )
            }
            Response::Totals {
                terminal_minor: Some(total),
            } => format!("{terminal}0T00{total:016}"),
            Response::Totals {
                terminal_minor: None,
            } => format!("{terminal}0T01{:016}", 0),
            Response::Closed(day) => {
                format!(
                    "{terminal}0C00{:016}{:016}",
                    day.terminal_minor, day.host_minor
                )
            }
            Response::NotClosed { words } => format!("{terminal}0C01{words:<19.19}000"),
        };
        Payload(text.into_bytes()).encode(mode)
    }
}
