//! Decimal text to thousandths, exactly or not at all.

/// Most digits of a weight that are read.
const DIGITS_MAX: usize = 9;

/// `12.345` as 12345; blanks around it are taken off. `None` for anything that is no number, has no
/// decimal point where none is implied, or more than three places that are not zero.
pub(super) fn thousandths(text: &[u8], implied_decimals: Option<u8>) -> Option<i64> {
    let text = text.trim_ascii();
    let point = text.iter().position(|b| matches!(b, b'.' | b','));
    let (whole, decimals) = match point {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?),
        None => return implied(text, implied_decimals?),
    };
    let mut digits = whole.to_vec();
    digits.extend_from_slice(decimals);
    implied(&digits, u8::try_from(decimals.len()).ok()?)
}

/// Digits without a point, of which the last `decimals` stand behind it.
pub(super) fn implied(digits: &[u8], decimals: u8) -> Option<i64> {
    let plain =
        !digits.is_empty() && digits.len() <= DIGITS_MAX && digits.iter().all(u8::is_ascii_digit);
    if !plain {
        return None;
    }
    let number = digits
        .iter()
        .fold(0_i64, |n, b| n * 10 + i64::from(b - b'0'));
    scaled(number, 3 - i32::from(decimals))
}

/// `number` times ten to `exponent`, if that is whole and fits.
pub(super) fn scaled(number: i64, exponent: i32) -> Option<i64> {
    let factor = 10_i64.checked_pow(exponent.unsigned_abs())?;
    if exponent >= 0 {
        number.checked_mul(factor)
    } else {
        (number % factor == 0).then(|| number / factor)
    }
}

/// `12.345`, with at least `whole` digits before the point.
pub(super) fn text(thousandths: i64, whole: usize) -> String {
    let (units, rest) = (thousandths / 1000, thousandths % 1000);
    format!("{units:0whole$}.{rest:03}")
}
