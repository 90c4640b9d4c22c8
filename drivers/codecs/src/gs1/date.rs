//! Six-digit dates on labels.
//!
//! The century is a window around the present year, so the year is an argument. It must never
//! invent a day: day 00 means "end of the month" and is given as the last day.

/// A calendar date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelDate {
    /// Full year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31; the month's last day where the label says 00.
    pub day: u8,
}

/// Reads YYMMDD. `year_now` is the present year; the result lies from 49 years before it to 50
/// after it. `None` if it is no date in that year.
#[must_use]
pub fn resolve(yymmdd: &str, year_now: u16) -> Option<LabelDate> {
    let digits: &[u8; 6] = yymmdd.as_bytes().try_into().ok()?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let pair = |at: usize| (digits[at] - b'0') * 10 + (digits[at + 1] - b'0');
    let short = u16::from(pair(0));
    let century = year_now / 100 * 100;
    let year = match i32::from(short) - i32::from(year_now % 100) {
        51.. => (century + short).checked_sub(100)?,
        ..=-50 => century + short + 100,
        _ => century + short,
    };
    let (month, day) = (pair(2), pair(4));
    let last = days_in(year, month)?;
    match day {
        0 => Some(LabelDate {
            year,
            month,
            day: last,
        }),
        1.. if day <= last => Some(LabelDate { year, month, day }),
        _ => None,
    }
}

fn days_in(year: u16, month: u8) -> Option<u8> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}
