//! GS1 payloads: element strings, their dictionary, and Digital Links.
//!
//! [`Elements`] parses an element string without allocating: it remembers where the values are in
//! the text it was given. [`digital_link`] turns a Digital Link into the same form. What a value
//! *means* for stock (weight, price, dates) is in [`amount`] and [`date`]. Nothing here knows how
//! the text came (scanner, label, file), and nothing here corrects a wrong value.

pub mod amount;
mod brackets;
pub mod date;
mod dictionary;
pub mod digital_link;
mod elements;
mod lint;

#[cfg(test)]
mod tests;

pub use brackets::from_brackets;
pub use elements::{Element, Elements, Gs1Error, Gs1Fault};

use std::fmt;

use dictionary::DICTIONARY;

/// Group separator: how the FNC1 between elements arrives.
pub const GS: u8 = 0x1D;
/// Most elements in one element string.
pub const ELEMENTS_MAX: usize = 32;
/// Longest element string, in bytes.
pub const ELEMENT_STRING_BYTES_MAX: usize = 4096;

/// A GS1 application identifier such as (01) or (3103), known to the dictionary.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ai {
    /// The AI's digits followed by zeros to four: AIs are prefix-free, so this is unique.
    key: u16,
    digits: u8,
}

impl Ai {
    /// (00) logistic unit, SSCC.
    pub const SSCC: Ai = Ai { key: 0, digits: 2 };
    /// (01) trade item, GTIN.
    pub const GTIN: Ai = Ai {
        key: 100,
        digits: 2,
    };
    /// (02) trade items contained in a logistic unit.
    pub const CONTENT: Ai = Ai {
        key: 200,
        digits: 2,
    };
    /// (10) batch or lot.
    pub const BATCH: Ai = Ai {
        key: 1000,
        digits: 2,
    };
    /// (15) best before.
    pub const BEST_BEFORE: Ai = Ai {
        key: 1500,
        digits: 2,
    };
    /// (16) sell by.
    pub const SELL_BY: Ai = Ai {
        key: 1600,
        digits: 2,
    };
    /// (17) use by, expiry.
    pub const USE_BY: Ai = Ai {
        key: 1700,
        digits: 2,
    };
    /// (21) serial number.
    pub const SERIAL: Ai = Ai {
        key: 2100,
        digits: 2,
    };
    /// (30) variable count of items.
    pub const COUNT: Ai = Ai {
        key: 3000,
        digits: 2,
    };
    /// (37) count of trade items contained.
    pub const CONTENT_COUNT: Ai = Ai {
        key: 3700,
        digits: 2,
    };
    /// (8006) piece of a trade item.
    pub const ITIP: Ai = Ai {
        key: 8006,
        digits: 4,
    };

    /// The AI written with these digits, if the dictionary has it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Ai> {
        let (ai, _) = Ai::at_start(text.as_bytes())?;
        (usize::from(ai.digits) == text.len()).then_some(ai)
    }

    /// What the dictionary calls it, for example `BATCH/LOT`.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.row().map_or("", |row| row.title)
    }

    /// The last digit: number of decimals for the families 31nn-36nn and 39nn.
    #[must_use]
    pub fn last_digit(self) -> u8 {
        u8::try_from(self.key % 10).unwrap_or(0)
    }

    /// The AI at the start of the text with its row number.
    #[inline]
    pub(crate) fn at_start(text: &[u8]) -> Option<(Ai, u8)> {
        let &[tens, ones, ..] = text else { return None };
        if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
            return None;
        }
        let digits = DICTIONARY.digits(tens, ones);
        let mut key = u16::from(tens - b'0') * 10 + u16::from(ones - b'0');
        for place in 2..4 {
            key *= 10;
            if place < usize::from(digits) {
                let digit = text.get(place).filter(|b| b.is_ascii_digit())?;
                key += u16::from(digit - b'0');
            }
        }
        let row = if digits == 0 {
            None
        } else {
            DICTIONARY.row_number(key)
        };
        Some((Ai { key, digits }, row?))
    }

    pub(crate) fn key(self) -> u16 {
        self.key
    }

    pub(crate) fn row(self) -> Option<&'static dictionary::Row> {
        DICTIONARY.row(DICTIONARY.row_number(self.key)?)
    }
}

impl fmt::Display for Ai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.digits {
            2 => write!(f, "{:02}", self.key / 100),
            3 => write!(f, "{:03}", self.key / 10),
            _ => write!(f, "{:04}", self.key),
        }
    }
}

impl fmt::Debug for Ai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({self})")
    }
}
