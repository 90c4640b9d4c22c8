//! Mettler-Toledo 8217: `W` asks, `STX digits CR` or `STX ? status CR` answers.
//!
//! The unit is not in the answer, it is configured. A scale may tell a weight once and then only an empty
//! status until the plate changes: that is [`Refusal::NoNewWeight`], and keeping the last weight is the
//! session's business.

use super::cutter::Shape;
use super::number;
use super::{Basis, FaultReason, Reading, Refusal, ScaleConfig, ScaleItem};

const STX: u8 = 0x02;
const CR: u8 = b'\r';

pub(super) const SHAPE: Shape = Shape {
    start: Some(STX),
    end: CR,
    singles: &[],
    restarts: true,
    verbatim_after: Some(b'?'),
};

/// Bits of the status byte, the most telling first.
const STATUS: [(u8, Refusal); 6] = [
    (1 << 6, Refusal::BadCommand),
    (1 << 1, Refusal::Over),
    (1 << 2, Refusal::Negative),
    (1 << 0, Refusal::Motion),
    (1 << 3, Refusal::NotZeroed),
    (1 << 4, Refusal::Zero),
];

pub(super) fn read(frame: &[u8], config: &ScaleConfig) -> Result<ScaleItem, FaultReason> {
    let body = frame
        .strip_prefix(&[STX])
        .and_then(|rest| rest.strip_suffix(&[CR]))
        .ok_or(FaultReason::Unreadable)?;
    if let [b'?', status] = body {
        let bit = STATUS.iter().find(|row| status & row.0 != 0);
        let refusal = bit.map_or(Refusal::NoNewWeight, |row| row.1);
        return Ok(ScaleItem::Reading(Reading::Refused(refusal)));
    }
    // The scale repeats the letter that starts or ends an echo test.
    if let [b'E' | b'F'] = body {
        return Ok(ScaleItem::Accepted);
    }
    let (digits, basis) = match body.strip_suffix(b"N") {
        Some(digits) => (digits, Basis::Net),
        None => (body, Basis::Gross),
    };
    let weight = number::thousandths(digits, config.implied_decimals);
    let weight = weight.ok_or(FaultReason::Unreadable)?;
    Ok(ScaleItem::Reading(Reading::at_rest(
        weight,
        config.unit,
        basis,
    )))
}

pub(super) fn encode(reading: &Reading, config: &ScaleConfig) -> Option<Vec<u8>> {
    let mut out = vec![STX];
    match reading {
        Reading::Stable(weight) if weight.unit == config.unit => {
            out.extend(number::text(weight.thousandths, 2).bytes());
            if weight.basis == Basis::Net {
                out.push(b'N');
            }
        }
        Reading::Stable(_) => return None,
        Reading::Refused(Refusal::NoNewWeight) => out.extend([b'?', 0]),
        Reading::Refused(refusal) => {
            let bit = STATUS.iter().find(|row| row.1 == *refusal)?.0;
            out.extend([b'?', bit]);
        }
    }
    out.push(CR);
    Some(out)
}
