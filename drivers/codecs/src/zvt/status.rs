//! Status information (`04 0F`): what the terminal says about a transaction.
//!
//! This is the unit that decides over money and the one that carries card data. Only the fields below
//! leave it; everything else is passed over by length. A field that cannot be read is absent, never
//! guessed, and the count of unread bytes says so.

use std::fmt;

use super::bcd::{self, Amount};
use super::bmp::{self, Walk};
use super::totals::DayTotals;
use super::{text, tlv};

/// TLV tag of the long trace number, used when the short one is 0.
const TAG_LONG_TRACE: u32 = 0x1F2B;
const LONG_TRACE_BYTES: usize = 4;
/// Characters kept of a text or card name.
const TEXT_BYTES_MAX: usize = 255;

/// The last four digits of a card number: all that is ever kept of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct CardTail(u16);

impl CardTail {
    /// A tail of four digits; `None` above 9999.
    #[must_use]
    pub fn new(last_four: u16) -> Option<Self> {
        (last_four <= 9999).then_some(Self(last_four))
    }

    /// Reads field 22: packed digits, `E` for a masked digit, `F` as filler at the end.
    fn read(field: &[u8]) -> Option<Self> {
        let mut nibbles: Vec<u8> = field.iter().flat_map(|b| [b >> 4, b & 0x0F]).collect();
        while nibbles.last() == Some(&0x0F) {
            nibbles.pop();
        }
        let tail = nibbles.get(nibbles.len().checked_sub(4)?..)?;
        tail.iter()
            .try_fold(0_u16, |n, &d| (d <= 9).then(|| n * 10 + u16::from(d)))
            .map(Self)
    }

    /// Sixteen digits of which twelve are masked, as a terminal prints them.
    fn masked_field(self) -> Vec<u8> {
        let mut field = vec![0xEE; 6];
        bcd::put(&mut field, u64::from(self.0), 2);
        field
    }
}

impl fmt::Display for CardTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

impl fmt::Debug for CardTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…{:04}", self.0)
    }
}

/// A time of day by the terminal's clock.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct TerminalTime {
    /// 0..=23
    pub hour: u8,
    /// 0..=59
    pub minute: u8,
    /// 0..=59
    pub second: u8,
}

/// A day by the terminal's clock; ZVT gives no year.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct TerminalDate {
    /// 1..=12
    pub month: u8,
    /// 1..=31
    pub day: u8,
}

/// The fields of `04 0F` that we read. The number in front is the field's in PA00P015.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusInformation {
    /// 27: 0 is approved, everything else is not.
    pub result_code: Option<u8>,
    /// 04: the amount in minor units.
    pub amount: Option<Amount>,
    /// 0B: the trace number, six digits.
    pub trace: Option<u32>,
    /// 06/1F2B: the trace number where six digits do not hold it (0B is then 0); eight digits.
    pub long_trace: Option<u32>,
    /// 37: the trace number of the transaction that this one reverses. Present only on a reversal.
    pub original_trace: Option<u32>,
    /// 0C
    pub time: Option<TerminalTime>,
    /// 0D
    pub date: Option<TerminalDate>,
    /// 17: sequence number of the card (of several with the same number).
    pub card_sequence: Option<u16>,
    /// 19
    pub payment_type: Option<u8>,
    /// 22, reduced.
    pub card: Option<CardTail>,
    /// 29: the terminal's identity, eight digits.
    pub terminal_id: Option<u32>,
    /// 49: ISO 4217 numeric (978 is the euro).
    pub currency: Option<u16>,
    /// 87: the receipt number, four digits.
    pub receipt: Option<u16>,
    /// 88
    pub turnover: Option<u32>,
    /// 8A
    pub card_type: Option<u8>,
    /// 8B, masked.
    pub card_name: Option<String>,
    /// 3C, masked.
    pub text: Option<String>,
    /// 60: the day's totals by scheme; only at the end of a day.
    pub totals: Option<Box<DayTotals>>,
    /// Bytes from the first field on whose length is unknown; 0 when everything was read.
    pub unread_bytes: usize,
}

impl StatusInformation {
    /// Whether the terminal says "approved". Absent is not approved.
    #[must_use]
    pub fn approved(&self) -> bool {
        self.result_code == Some(0)
    }

    /// The trace number, long or short.
    #[must_use]
    pub fn trace_number(&self) -> Option<u32> {
        self.trace.filter(|t| *t != 0).or(self.long_trace)
    }

    pub(super) fn read(data: &[u8]) -> Self {
        let mut status = Self::default();
        let mut walk = Walk::new(data);
        while let Some(field) = walk.next_field() {
            status.take(field.tag, field.value);
        }
        status.unread_bytes = walk.unread();
        status
    }

    fn take(&mut self, tag: u8, value: &[u8]) {
        match tag {
            0x27 => self.result_code = value.first().copied(),
            0x04 => self.amount = bcd::get(value).and_then(Amount::new),
            0x0B => self.trace = bcd::get_u32(value),
            0x37 => self.original_trace = bcd::get_u32(value),
            0x0C => self.time = read_time(value),
            0x0D => self.date = read_date(value),
            0x17 => self.card_sequence = bcd::get_u16(value),
            0x19 => self.payment_type = value.first().copied(),
            0x22 => self.card = CardTail::read(value),
            0x29 => self.terminal_id = bcd::get_u32(value),
            0x49 => self.currency = bcd::get_u16(value),
            0x87 => self.receipt = bcd::get_u16(value),
            0x88 => self.turnover = bcd::get_u32(value),
            0x8A => self.card_type = value.first().copied(),
            0x8B => self.card_name = Some(read_text(value)),
            0x3C => self.text = Some(read_text(value)),
            0x60 => self.totals = DayTotals::read(value).map(Box::new),
            0x06 => self.take_container(value),
            _ => {}
        }
    }

    fn take_container(&mut self, value: &[u8]) {
        let (elements, _complete) = tlv::elements(value);
        for element in elements.iter().filter(|e| e.tag == TAG_LONG_TRACE) {
            self.long_trace = bcd::get_u32(element.value);
        }
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let byte = |out: &mut Vec<u8>, tag, value: Option<u8>| {
            if let Some(v) = value {
                bmp::put_fixed(out, tag, &[v]);
            }
        };
        let decimal = |out: &mut Vec<u8>, tag, value: Option<u64>, bytes| {
            if let Some(v) = value {
                bmp::put_bcd(out, tag, v, bytes);
            }
        };
        byte(&mut out, 0x27, self.result_code);
        decimal(&mut out, 0x04, self.amount.map(Amount::minor), 6);
        decimal(&mut out, 0x0B, self.trace.map(u64::from), 3);
        decimal(&mut out, 0x37, self.original_trace.map(u64::from), 3);
        decimal(&mut out, 0x0C, self.time.map(time_digits), 3);
        decimal(&mut out, 0x0D, self.date.map(date_digits), 2);
        decimal(&mut out, 0x17, self.card_sequence.map(u64::from), 2);
        byte(&mut out, 0x19, self.payment_type);
        if let Some(card) = self.card {
            bmp::put_variable(&mut out, 0x22, 2, &card.masked_field());
        }
        decimal(&mut out, 0x29, self.terminal_id.map(u64::from), 4);
        decimal(&mut out, 0x49, self.currency.map(u64::from), 2);
        decimal(&mut out, 0x87, self.receipt.map(u64::from), 2);
        decimal(&mut out, 0x88, self.turnover.map(u64::from), 3);
        byte(&mut out, 0x8A, self.card_type);
        if let Some(name) = &self.card_name {
            bmp::put_variable(&mut out, 0x8B, 2, &text::write(name));
        }
        if let Some(words) = &self.text {
            bmp::put_variable(&mut out, 0x3C, 3, &text::write(words));
        }
        if let Some(totals) = &self.totals {
            bmp::put_variable(&mut out, 0x60, 3, &totals.write());
        }
        if let Some(trace) = self.long_trace {
            let (mut element, mut digits) = (Vec::new(), Vec::new());
            bcd::put(&mut digits, u64::from(trace), LONG_TRACE_BYTES);
            tlv::put(&mut element, &[0x1F, 0x2B], &digits);
            tlv::put(&mut out, &[0x06], &element);
        }
        out
    }
}

fn read_text(value: &[u8]) -> String {
    let kept = value.get(..TEXT_BYTES_MAX).unwrap_or(value);
    let end = kept.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    text::read(kept.get(..end).unwrap_or_default())
}

fn read_time(value: &[u8]) -> Option<TerminalTime> {
    let &[h, m, s] = value else { return None };
    let (hour, minute, second) = (bcd::get_byte(h)?, bcd::get_byte(m)?, bcd::get_byte(s)?);
    (hour < 24 && minute < 60 && second < 60).then_some(TerminalTime {
        hour,
        minute,
        second,
    })
}

fn read_date(value: &[u8]) -> Option<TerminalDate> {
    let &[m, d] = value else { return None };
    let (month, day) = (bcd::get_byte(m)?, bcd::get_byte(d)?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(TerminalDate { month, day })
}

fn time_digits(time: TerminalTime) -> u64 {
    u64::from(time.hour) * 10_000 + u64::from(time.minute) * 100 + u64::from(time.second)
}

fn date_digits(date: TerminalDate) -> u64 {
    u64::from(date.month) * 100 + u64::from(date.day)
}
