//! USB HID scales (usage page 0x8D): six bytes `03 status unit exponent low high`.
//!
//! The weight is a whole number times a power of ten; it becomes thousandths only where that is exact.

use super::number;
use super::{Basis, FaultReason, Reading, Refusal, ScaleItem, Unit};

const DATA_REPORT: u8 = 3;
const AT_REST: u8 = 4;

const STATES: [(u8, Refusal); 7] = [
    (1, Refusal::DeviceFault),
    (2, Refusal::Zero),
    (3, Refusal::Motion),
    (5, Refusal::Negative),
    (6, Refusal::Over),
    (7, Refusal::Calibration),
    (8, Refusal::NotZeroed),
];

const UNITS: [(u8, Unit); 4] = [
    (2, Unit::Gram),
    (3, Unit::Kilogram),
    (11, Unit::Ounce),
    (12, Unit::Pound),
];

pub(super) fn read(report: &[u8]) -> Result<ScaleItem, FaultReason> {
    // Some hosts hand over the whole buffer of the endpoint.
    let (&[id, state, unit, exponent, low, high], padding) = report
        .split_first_chunk::<6>()
        .ok_or(FaultReason::Incomplete)?;
    if id != DATA_REPORT || padding.iter().any(|b| *b != 0) {
        return Err(FaultReason::Unreadable);
    }
    if let Some(row) = STATES.iter().find(|row| row.0 == state) {
        return Ok(ScaleItem::Reading(Reading::Refused(row.1)));
    }
    if state != AT_REST {
        return Err(FaultReason::Unreadable);
    }
    let unit = UNITS.iter().find(|row| row.0 == unit);
    let unit = unit.ok_or(FaultReason::UnknownUnit)?.1;
    let number = i64::from(u16::from_le_bytes([low, high]));
    let exponent = i32::from(exponent.cast_signed()) + 3;
    let thousandths = number::scaled(number, exponent).ok_or(FaultReason::TooFine)?;
    let reading = Reading::at_rest(thousandths, unit, Basis::NotTold);
    Ok(ScaleItem::Reading(reading))
}

pub(super) fn encode(reading: &Reading) -> Option<Vec<u8>> {
    match reading {
        Reading::Refused(refusal) => {
            let state = STATES.iter().find(|row| row.1 == *refusal)?.0;
            Some(vec![DATA_REPORT, state, 2, 0, 0, 0])
        }
        Reading::Stable(weight) => {
            let unit = UNITS.iter().find(|row| row.1 == weight.unit)?.0;
            // The finest exponent whose number fits 16 bits.
            let fits = |exponent: &i8| {
                let scaled = number::scaled(weight.thousandths, -3 - i32::from(*exponent));
                scaled.is_some_and(|number| u16::try_from(number).is_ok())
            };
            let exponent = (-3..=3).find(fits)?;
            let number = number::scaled(weight.thousandths, -3 - i32::from(exponent))?;
            let [low, high] = u16::try_from(number).ok()?.to_le_bytes();
            Some(vec![
                DATA_REPORT,
                AT_REST,
                unit,
                exponent.cast_unsigned(),
                low,
                high,
            ])
        }
    }
}
