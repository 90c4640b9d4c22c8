//! Dialog 02 and 04: price-computing counter scales of German-speaking countries.
//!
//! The host sets a unit price and asks with ENQ; the scale answers with weight, unit price and price. The
//! protocol has no check sum: the arithmetic is the check, because a damaged digit breaks weight times
//! unit price. (Dialog 06 adds a challenge with a maker's secret, which is not here.)

use super::cutter::Shape;
use super::number::implied;
use super::{Basis, FaultReason, Reading, Refusal, ScaleItem, Unit};

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const ACK: u8 = 0x06;
const NAK: u8 = 0x15;
const ESC: u8 = 0x1B;
/// The scale's weight has three decimal places, the only form that is documented.
const THREE_DECIMALS: &[u8] = b"3";
/// Largest difference, in minor units, that a scale's own way of rounding may make.
const ROUNDING_MINOR_MAX: i64 = 1;

pub(super) const SHAPE: Shape = Shape {
    start: Some(STX),
    end: ETX,
    singles: &[ACK, NAK],
    restarts: true,
    verbatim_after: None,
};

/// The numbers of record 09.
const STATES: [(&[u8], Option<Refusal>); 10] = [
    (b"00", None),
    (b"10", Some(Refusal::BadCommand)),
    (b"11", Some(Refusal::PriceMissing)),
    (b"12", Some(Refusal::Tare)),
    (b"20", Some(Refusal::Motion)),
    (b"21", Some(Refusal::NoNewWeight)),
    (b"22", Some(Refusal::PriceMissing)),
    (b"30", Some(Refusal::Zero)),
    (b"31", Some(Refusal::Negative)),
    (b"32", Some(Refusal::Over)),
];

pub(super) fn read(frame: &[u8]) -> Result<ScaleItem, FaultReason> {
    match frame {
        [ACK] => return Ok(ScaleItem::Accepted),
        [NAK] => return Ok(ScaleItem::Rejected),
        _ => {}
    }
    let body = frame
        .strip_prefix(&[STX])
        .and_then(|rest| rest.strip_suffix(&[ETX]))
        .ok_or(FaultReason::Unreadable)?;
    let fields: Vec<&[u8]> = body.split(|b| *b == ESC).collect();
    match fields[..] {
        [b"09", state] => {
            let known = STATES.iter().find(|row| row.0 == state);
            let refusal = known.ok_or(FaultReason::Unreadable)?.1;
            Ok(refusal.map_or(ScaleItem::Accepted, |refusal| {
                ScaleItem::Reading(Reading::Refused(refusal))
            }))
        }
        [b"02", THREE_DECIMALS, weight, unit_price, price]
            if (weight.len(), unit_price.len(), price.len()) == (5, 6, 6) =>
        {
            let read = |digits| implied(digits, 3).ok_or(FaultReason::Unreadable);
            let (weight, unit_price, price) = (read(weight)?, read(unit_price)?, read(price)?);
            if (computed(weight, unit_price) - price).abs() > ROUNDING_MINOR_MAX {
                return Err(FaultReason::PriceMismatch);
            }
            let reading = Reading::at_rest(weight, Unit::Kilogram, Basis::NotTold);
            Ok(ScaleItem::Reading(reading))
        }
        _ => Err(FaultReason::Unreadable),
    }
}

/// Grams times minor units per kilogram, rounded half up.
fn computed(weight_g: i64, unit_price_minor: i64) -> i64 {
    (weight_g * unit_price_minor + 500) / 1000
}

pub(super) fn encode(reading: &Reading, unit_price_minor: u32) -> Option<Vec<u8>> {
    let record = match reading {
        Reading::Refused(refusal) => {
            let state = STATES.iter().rev().find(|row| row.1 == Some(*refusal))?;
            [b"09\x1B", state.0].concat()
        }
        Reading::Stable(weight) => {
            let grams = weight.grams().filter(|grams| *grams <= 99_999)?;
            let price = computed(grams, i64::from(unit_price_minor));
            if unit_price_minor > 999_999 || price > 999_999 {
                return None;
            }
            format!("02\x1B3\x1B{grams:05}\x1B{unit_price_minor:06}\x1B{price:06}").into_bytes()
        }
    };
    Some([&[STX][..], &record, &[ETX]].concat())
}

/// Record 01: the unit price, in minor units per kilogram.
pub(super) fn price_record(unit_price_minor: u32) -> Option<Vec<u8>> {
    (unit_price_minor <= 999_999)
        .then(|| format!("\x04\x0201\x1B{unit_price_minor:06}\x1B\x03").into_bytes())
}

/// The unit price of a record 01 without its frame.
pub(super) fn read_price(record: &[u8]) -> Option<u32> {
    let fields: Vec<&[u8]> = record.split(|b| *b == ESC).collect();
    match fields[..] {
        [b"01", price, b""] if price.len() == 6 => u32::try_from(implied(price, 3)?).ok(),
        _ => None,
    }
}
