//! IBM/Toshiba OEM USB scales (usage 0x6E00): three status bytes and binary digits.
//!
//! Kilograms have three decimals in five digits, pounds two in four. Source: Datalogic's published driver;
//! the decimals are the usual ones of such scales and can be configured.

use super::number::{implied, scaled};
use super::{Basis, FaultReason, Reading, Refusal, ScaleConfig, ScaleItem, Unit};

const STATUS_BYTES: usize = 3;
/// In the second status byte: metric; and a five-digit weight.
const METRIC: u8 = 1 << 0;
const FIVE_DIGITS: u8 = 1 << 1;
const DATA: u8 = 1 << 3;

/// Status byte, bit, meaning; the most telling first.
const STATUS: [(usize, u8, Refusal); 7] = [
    (1, 1 << 6, Refusal::DeviceFault),
    (1, 1 << 7, Refusal::BadCommand),
    (2, 1 << 5, Refusal::NotReady),
    (2, 1 << 2, Refusal::Over),
    (2, 1 << 1, Refusal::Negative),
    (2, 1 << 4, Refusal::NotZeroed),
    (2, 1 << 3, Refusal::Zero),
];

pub(super) fn read(report: &[u8], config: &ScaleConfig) -> Result<ScaleItem, FaultReason> {
    let (status, digits) = report
        .split_at_checked(STATUS_BYTES)
        .ok_or(FaultReason::Incomplete)?;
    let set = |row: &&(usize, u8, Refusal)| status.get(row.0).is_some_and(|b| b & row.1 != 0);
    if let Some(row) = STATUS.iter().find(set) {
        return Ok(ScaleItem::Reading(Reading::Refused(row.2)));
    }
    let second = status.get(1).copied().unwrap_or(0);
    if second & DATA == 0 {
        return Ok(ScaleItem::Reading(Reading::Refused(Refusal::Motion)));
    }
    let metric = second & METRIC != 0;
    let count = if second & (METRIC | FIVE_DIGITS) != 0 {
        5
    } else {
        4
    };
    let digits = digits.get(..count).ok_or(FaultReason::Incomplete)?;
    let decimals = config
        .implied_decimals
        .unwrap_or(if metric { 3 } else { 2 });
    let text: Option<Vec<u8>> = digits.iter().map(|d| (*d <= 9).then(|| b'0' + d)).collect();
    let weight = text.and_then(|text| implied(&text, decimals));
    let weight = weight.ok_or(FaultReason::Unreadable)?;
    let unit = if metric { Unit::Kilogram } else { Unit::Pound };
    let reading = Reading::at_rest(weight, unit, Basis::NotTold);
    Ok(ScaleItem::Reading(reading))
}

pub(super) fn encode(reading: &Reading, config: &ScaleConfig) -> Option<Vec<u8>> {
    let mut status = [0_u8; STATUS_BYTES];
    let mut digits = Vec::new();
    match reading {
        Reading::Refused(Refusal::Motion) => {}
        Reading::Refused(refusal) => {
            let row = STATUS.iter().find(|row| row.2 == *refusal)?;
            *status.get_mut(row.0)? |= row.1;
        }
        Reading::Stable(weight) => {
            let (flags, count, usual) = match weight.unit {
                Unit::Kilogram => (METRIC | DATA, 5, 3),
                Unit::Pound => (DATA, 4, 2),
                _ => return None,
            };
            *status.get_mut(1)? = flags;
            let decimals = config.implied_decimals.unwrap_or(usual);
            let number = scaled(weight.thousandths, i32::from(decimals) - 3)?;
            let text = format!("{number:0count$}");
            if text.len() > count {
                return None;
            }
            digits = text.bytes().map(|b| b - b'0').collect();
        }
    }
    Some([&status[..], &digits].concat())
}
