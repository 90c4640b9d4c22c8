//! Times as EPCIS writes them, from milliseconds since 1970; no clock and no time zones.

/// `2030-03-17T17:46:40.123Z`, in the proleptic Gregorian calendar.
pub(super) fn utc(ms: u64) -> String {
    let (days, rest_ms) = (ms / 86_400_000, ms % 86_400_000);
    let (year, month, day) = date(days);
    let seconds = rest_ms / 1_000;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60,
        rest_ms % 1_000
    )
}

/// Year, month and day of so many days after 1970-01-01. Years begin in March here, so that the leap day is
/// the last of them.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// `+01:00`.
pub(super) fn offset(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}
