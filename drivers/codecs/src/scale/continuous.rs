//! Scales that send lines without being asked: `ST,GS,+  1.250kg` and its relatives.
//!
//! `ST` at rest, `US` moving, `OL` over; `GS` gross, `NT` net, `TR` tare. Some makers put a field between
//! (device number and lamps), some leave gross or net out. Only what is read completely counts.

use super::cutter::Shape;
use super::number;
use super::{Basis, FaultReason, Reading, Refusal, ScaleItem, Unit};

pub(super) const SHAPE: Shape = Shape {
    start: None,
    end: b'\n',
    singles: &[],
    restarts: false,
    verbatim_after: None,
};

pub(super) fn read(frame: &[u8]) -> Result<ScaleItem, FaultReason> {
    let line = frame.trim_ascii();
    let fields: Vec<&[u8]> = line.split(|b| *b == b',').collect();
    let (state, basis, value) = match fields[..] {
        [state, value] => (state, Basis::NotTold, value),
        [state, basis, value] | [state, basis, _, value] => match basis {
            b"GS" => (state, Basis::Gross, value),
            b"NT" => (state, Basis::Net, value),
            b"TR" => return Ok(refused(Refusal::Tare)),
            _ => return Err(FaultReason::Unreadable),
        },
        _ => return Err(FaultReason::Unreadable),
    };
    match state {
        b"US" => return Ok(refused(Refusal::Motion)),
        b"OL" => return Ok(refused(Refusal::Over)),
        b"ST" => {}
        _ => return Err(FaultReason::Unreadable),
    }
    let (thousandths, unit) = quantity(value)?;
    Ok(ScaleItem::Reading(Reading::at_rest(
        thousandths,
        unit,
        basis,
    )))
}

fn refused(refusal: Refusal) -> ScaleItem {
    ScaleItem::Reading(Reading::Refused(refusal))
}

fn quantity(value: &[u8]) -> Result<(i64, Unit), FaultReason> {
    let value = value.trim_ascii();
    let split = value
        .iter()
        .position(u8::is_ascii_alphabetic)
        .ok_or(FaultReason::UnknownUnit)?;
    let (number, unit) = value.split_at(split);
    let unit = std::str::from_utf8(unit.trim_ascii()).ok();
    let unit = unit
        .and_then(Unit::from_sign)
        .ok_or(FaultReason::UnknownUnit)?;
    let (sign, digits) = match number.split_first() {
        Some((b'-', rest)) => (-1, rest),
        Some((b'+', rest)) => (1, rest),
        _ => (1, number),
    };
    // Without a point the unit itself is whole: grams.
    let implied = (unit == Unit::Gram).then_some(0);
    let value = number::thousandths(digits, implied).ok_or(FaultReason::Unreadable)?;
    Ok((sign * value, unit))
}

pub(super) fn encode(reading: &Reading) -> Option<Vec<u8>> {
    let line = match reading {
        Reading::Stable(weight) => {
            let basis = match weight.basis {
                Basis::Gross => ",GS",
                Basis::Net => ",NT",
                Basis::NotTold => "",
            };
            let digits = number::text(weight.thousandths, 1);
            format!("ST{basis},+{digits:>7}{}\r\n", weight.unit.sign())
        }
        Reading::Refused(refusal) => match refusal {
            Refusal::Motion => "US,GS,+  0.000kg\r\n".to_owned(),
            Refusal::Over => "OL,GS,+  0.000kg\r\n".to_owned(),
            Refusal::Tare => "ST,TR,+  0.100kg\r\n".to_owned(),
            Refusal::Zero => "ST,GS,+  0.000kg\r\n".to_owned(),
            Refusal::Negative => "ST,GS,-  0.010kg\r\n".to_owned(),
            _ => return None,
        },
    };
    Some(line.into_bytes())
}
