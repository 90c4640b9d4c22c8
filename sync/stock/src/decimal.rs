//! Decimal numbers as people write them, read into an integer of the smallest unit; never a float.

/// The most digits before the point.
const WHOLE_DIGITS_MAX: usize = 15;

/// Reads `12.34`, `-0,5` or `.5` into units of ten to the minus `decimals`; `None`: no such number, more
/// decimals, or too large.
pub(crate) fn parse(text: &str, decimals: u32) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, rest) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
    let width = usize::try_from(decimals).ok()?;
    let plain = |part: &str| part.bytes().all(|it| it.is_ascii_digit());
    let is_number = plain(whole) && plain(rest) && !(whole.is_empty() && rest.is_empty());
    if !is_number || whole.len() > WHOLE_DIGITS_MAX || rest.len() > width {
        return None;
    }
    let digits = format!("0{whole}{rest:0<width$}");
    let smallest: i64 = digits.parse().ok()?;
    Some(if negative { -smallest } else { smallest })
}
