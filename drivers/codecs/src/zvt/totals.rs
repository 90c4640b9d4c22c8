//! The day's totals by card scheme: field 60 of the status information that ends a day.
//!
//! First and last receipt number, then for seven groups of schemes how many payments and how much. A field
//! of another length is absent, never guessed.

use super::bcd::{self, Amount};

const RECEIPT_BYTES: usize = 2;
const SUM_BYTES: usize = 6;
const SCHEME_BYTES: usize = 1 + SUM_BYTES;

/// The groups, in the order of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// girocard.
    Girocard,
    /// JCB.
    Jcb,
    /// Mastercard and its predecessor.
    Mastercard,
    /// American Express.
    Amex,
    /// Visa.
    Visa,
    /// Diners.
    Diners,
    /// All others.
    Others,
}

impl Scheme {
    const ALL: [Scheme; 7] = [
        Scheme::Girocard,
        Scheme::Jcb,
        Scheme::Mastercard,
        Scheme::Amex,
        Scheme::Visa,
        Scheme::Diners,
        Scheme::Others,
    ];

    /// The name that pages show.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Girocard => "girocard",
            Scheme::Jcb => "JCB",
            Scheme::Mastercard => "Mastercard",
            Scheme::Amex => "American Express",
            Scheme::Visa => "Visa",
            Scheme::Diners => "Diners",
            Scheme::Others => "others",
        }
    }
}

/// One group's total.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemeTotal {
    /// The group.
    pub scheme: Scheme,
    /// How many payments; at most 255.
    pub count: u8,
    /// How much, in minor units.
    pub sum: Amount,
}

/// The day's totals. Groups without payments are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayTotals {
    /// The first receipt number of the day.
    pub first_receipt: u16,
    /// The last.
    pub last_receipt: u16,
    /// In the order of the field.
    pub schemes: Vec<SchemeTotal>,
}

impl DayTotals {
    /// What all groups add up to; `None` beyond what an amount can hold.
    #[must_use]
    pub fn sum(&self) -> Option<Amount> {
        Amount::new(self.schemes.iter().map(|total| total.sum.minor()).sum())
    }

    pub(super) fn read(value: &[u8]) -> Option<DayTotals> {
        let (receipts, schemes) = value.split_at_checked(2 * RECEIPT_BYTES)?;
        if schemes.len() != Scheme::ALL.len() * SCHEME_BYTES {
            return None;
        }
        let mut totals = DayTotals {
            first_receipt: bcd::get_u16(receipts.get(..RECEIPT_BYTES)?)?,
            last_receipt: bcd::get_u16(receipts.get(RECEIPT_BYTES..)?)?,
            schemes: Vec::new(),
        };
        for (scheme, total) in Scheme::ALL.into_iter().zip(schemes.chunks(SCHEME_BYTES)) {
            let (&count, sum) = total.split_first()?;
            let sum = bcd::get(sum).and_then(Amount::new)?;
            if count > 0 || sum.minor() > 0 {
                totals.schemes.push(SchemeTotal { scheme, count, sum });
            }
        }
        Some(totals)
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Vec::new();
        bcd::put(&mut out, u64::from(self.first_receipt), RECEIPT_BYTES);
        bcd::put(&mut out, u64::from(self.last_receipt), RECEIPT_BYTES);
        for scheme in Scheme::ALL {
            let total = self.schemes.iter().find(|total| total.scheme == scheme);
            out.push(total.map_or(0, |total| total.count));
            bcd::put(
                &mut out,
                total.map_or(0, |total| total.sum.minor()),
                SUM_BYTES,
            );
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Amount, Packet, StatusInformation};
    use super::{DayTotals, Scheme, SchemeTotal};

    #[test]
    fn totals_by_scheme_come_back() {
        let total = |scheme, count, minor| SchemeTotal {
            scheme,
            count,
            sum: Amount::new(minor).unwrap(),
        };
        let totals = DayTotals {
            first_receipt: 42,
            last_receipt: 99,
            schemes: vec![
                total(Scheme::Girocard, 50, 123_456),
                total(Scheme::Visa, 8, 999),
            ],
        };
        assert_eq!(totals.sum(), Amount::new(124_455));
        let status = StatusInformation {
            result_code: Some(0),
            totals: Some(Box::new(totals)),
            ..StatusInformation::default()
        };
        let packet = Packet::StatusInformation(Box::new(status));
        assert_eq!(Packet::read(&packet.to_apdu()), Ok(packet.clone()));
        // Field 60 has three digits of length: 53.
        assert_eq!(packet.encode()[5..9], [0x60, 0xF0, 0xF5, 0xF3]);
        assert_eq!(DayTotals::read(&[0; 53]), Some(DayTotals::default()));
        assert_eq!(DayTotals::read(&[0; 52]), None);
        assert_eq!(DayTotals::read(&[0xFF; 53]), None);
        assert_eq!(Scheme::Mastercard.name(), "Mastercard");
    }
}
