//! NCI / Weigh-Tronix SCP-01 and the ECR variant SCP-02: weight and status in one answer, or status alone.
//!
//! `LF weight unit CR LF [S] status CR ETX`. Makers differ in where line ends stand, so the parts are read
//! whatever separates them. A weight counts only if the status beside it says that the plate is at rest.

use super::cutter::Shape;
use super::number;
use super::{Basis, FaultReason, Reading, Refusal, ScaleItem, Unit};

const LF: u8 = b'\n';
const CR: u8 = b'\r';
const ETX: u8 = 0x03;

pub(super) const SHAPE: Shape = Shape {
    start: Some(LF),
    end: ETX,
    singles: &[],
    restarts: false,
    verbatim_after: None,
};

/// Status bits: byte, bit, meaning; the most telling first. The bytes are bits over 0x30.
const STATUS: [(usize, u8, Refusal); 8] = [
    (0, 1 << 2, Refusal::DeviceFault),
    (0, 1 << 3, Refusal::DeviceFault),
    (1, 1 << 2, Refusal::DeviceFault),
    (1, 1 << 3, Refusal::Calibration),
    (1, 1 << 1, Refusal::Over),
    (1, 1 << 0, Refusal::Under),
    (0, 1 << 0, Refusal::Motion),
    (0, 1 << 1, Refusal::Zero),
];
/// In the second byte: a third follows. In the third: the weight is net.
const ANOTHER_BYTE: u8 = 1 << 6;
const NET: u8 = 1 << 2;
const BASE: u8 = 0x30;

pub(super) fn read(frame: &[u8]) -> Result<ScaleItem, FaultReason> {
    let parts: Vec<&[u8]> = frame
        .split(|b| matches!(*b, LF | CR | ETX))
        .filter(|part| !part.is_empty())
        .collect();
    let (weight, status) = match parts[..] {
        [b"?"] => return Ok(refused(Refusal::BadCommand)),
        [status] => (None, status),
        [weight, status] => (Some(weight), status),
        _ => return Err(FaultReason::Unreadable),
    };
    let bits = status_bits(status).ok_or(FaultReason::Unreadable)?;
    let bit = |row: &&(usize, u8, Refusal)| bits.get(row.0).is_some_and(|b| b & row.1 != 0);
    if let Some(row) = STATUS.iter().find(bit) {
        return Ok(refused(row.2));
    }
    let Some(weight) = weight else {
        // A status alone with nothing in it: at rest, asked for the status only.
        return Ok(refused(Refusal::NoNewWeight));
    };
    let basis = match bits.get(2) {
        Some(third) if third & NET != 0 => Basis::Net,
        _ => Basis::Gross,
    };
    let (thousandths, unit) = quantity(weight)?;
    Ok(ScaleItem::Reading(Reading::at_rest(
        thousandths,
        unit,
        basis,
    )))
}

fn refused(refusal: Refusal) -> ScaleItem {
    ScaleItem::Reading(Reading::Refused(refusal))
}

/// Two bytes, or three where the second says so.
fn status_bits(status: &[u8]) -> Option<Vec<u8>> {
    let status = status.strip_prefix(b"S").unwrap_or(status);
    let bits: Vec<u8> = status
        .iter()
        .map(|b| b.checked_sub(BASE))
        .collect::<Option<_>>()?;
    let more = bits.get(1)? & ANOTHER_BYTE != 0;
    (bits.len() == if more { 3 } else { 2 }).then_some(bits)
}

fn quantity(text: &[u8]) -> Result<(i64, Unit), FaultReason> {
    let split = text
        .iter()
        .position(u8::is_ascii_alphabetic)
        .ok_or(FaultReason::UnknownUnit)?;
    let (digits, unit) = text.split_at(split);
    let unit = std::str::from_utf8(unit.trim_ascii()).ok();
    let unit = unit
        .and_then(Unit::from_sign)
        .ok_or(FaultReason::UnknownUnit)?;
    let (digits, negative) = match digits.trim_ascii_start().strip_prefix(b"-") {
        Some(rest) => (rest, true),
        None => (digits, false),
    };
    let value = number::thousandths(digits, None).ok_or(FaultReason::Unreadable)?;
    Ok((if negative { -value } else { value }, unit))
}

pub(super) fn encode(reading: &Reading, ecr: bool) -> Option<Vec<u8>> {
    let mut out = vec![LF];
    let mut bits = vec![0_u8; 2];
    match reading {
        Reading::Refused(Refusal::BadCommand) => return Some(vec![LF, b'?', CR, ETX]),
        Reading::Refused(Refusal::NoNewWeight) => {}
        Reading::Refused(refusal) => {
            let row = STATUS.iter().find(|row| row.2 == *refusal)?;
            *bits.get_mut(row.0)? |= row.1;
        }
        Reading::Stable(weight) => {
            out.extend(number::text(weight.thousandths, 2).bytes());
            out.extend(weight.unit.sign().to_ascii_uppercase().bytes());
            out.extend([CR, LF]);
            if weight.basis == Basis::Net {
                *bits.last_mut()? |= ANOTHER_BYTE;
                bits.push(NET);
            }
        }
    }
    if ecr {
        out.push(b'S');
    }
    out.extend(bits.iter().map(|b| BASE + b));
    out.extend([CR, ETX]);
    Some(out)
}
