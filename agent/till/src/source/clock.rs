//! Times as other systems write them: with an offset, or local with a zone that somebody knows.
//!
//! `2026-11-21T14:03:00+01:00`, `...Z`, a space instead of `T`, seconds and fractions optional. A
//! time without offset is local; what that means is asked from [`Zone`], because time zone data is
//! a file of the system and files are not read here.

use shelf_stock::time::Timestamp;

/// Turns local time into UTC. The shell implements it with the system's zone data.
pub trait Zone {
    /// The moment that a local wall clock showed `local` (as if it were UTC). `name` is a zone such
    /// as `Europe/Berlin`; none means the store's own. `None` if the zone is unknown. Of two
    /// moments (when clocks go back) the earlier is meant; a time that never was counts as the
    /// moment after the gap.
    fn to_utc(&self, local: Timestamp, name: Option<&str>) -> Option<Timestamp>;
}

/// A zone that always has the same offset; knows no names.
#[derive(Clone, Copy, Debug)]
pub struct FixedOffset {
    /// Minutes east of Greenwich.
    pub minutes: i32,
}

impl Zone for FixedOffset {
    fn to_utc(&self, local: Timestamp, name: Option<&str>) -> Option<Timestamp> {
        let millis = i64::from(self.minutes) * 60_000;
        name.is_none().then(|| local.plus_millis(-millis))
    }
}

/// A text is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not written as a time.
    #[error(
        "`{text}` is no time; write 2026-11-21T14:03:00+01:00, or without offset for local time"
    )]
    Form {
        /// What was given.
        text: String,
    },
    /// Nobody knows the zone.
    #[error("`{zone}` is no time zone that this PC knows; write one such as Europe/Berlin")]
    Zone {
        /// What was given.
        zone: String,
    },
}

/// Reads a time. `zone` names the zone of a time without offset.
pub fn read(text: &str, zone_name: Option<&str>, zone: &dyn Zone) -> Result<Timestamp, TimeError> {
    let form = || TimeError::Form {
        text: text.chars().take(40).collect(),
    };
    let (local, offset) = split(text.trim()).ok_or_else(form)?;
    match offset {
        Some(minutes) => Ok(local.plus_millis(-i64::from(minutes) * 60_000)),
        None => zone
            .to_utc(local, zone_name)
            .ok_or_else(|| TimeError::Zone {
                zone: zone_name.unwrap_or("local").chars().take(40).collect(),
            }),
    }
}

/// The date and time as if they were UTC, and the offset in minutes.
fn split(text: &str) -> Option<(Timestamp, Option<i32>)> {
    let date = text.get(..10)?;
    let rest = text.get(10..)?.strip_prefix(['T', 't', ' '])?;
    let end = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, offset) = (rest.get(..end)?, rest.get(end..)?);
    let offset = match offset {
        "" => None,
        "Z" | "z" => Some(0),
        signed => Some(offset_minutes(signed)?),
    };
    let millis = days(date)? * 86_400_000 + clock_millis(clock)?;
    Some((Timestamp::from_millis(millis), offset))
}

fn number(text: &str, digits: usize, max: i64) -> Option<i64> {
    let plain = text.len() == digits && text.bytes().all(|it| it.is_ascii_digit());
    let value: i64 = plain.then(|| text.parse().ok())??;
    (value <= max).then_some(value)
}

fn offset_minutes(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let body = text.get(1..)?;
    let (hours, minutes) = body
        .split_once(':')
        .unwrap_or((body.get(..2)?, body.get(2..)?));
    let minutes = if minutes.is_empty() {
        0
    } else {
        number(minutes, 2, 59)?
    };
    let total = number(hours, 2, 18)? * 60 + minutes;
    Some(sign * i32::try_from(total).ok()?)
}

fn clock_millis(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let mut parts = clock.split(':');
    let hours = number(parts.next()?, 2, 23)?;
    let minutes = number(parts.next()?, 2, 59)?;
    // A leap second counts as the second before it.
    let seconds = parts
        .next()
        .map_or(Some(0), |it| number(it, 2, 60))?
        .min(59);
    let plain = !fraction.is_empty() && fraction.len() <= 9;
    if parts.next().is_some() || !plain || !fraction.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4, 9999)?;
    let month = number(parts.next()?, 2, 12)?;
    let day = number(parts.next()?, 2, 31)?;
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let longest = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    };
    if parts.next().is_some() || month == 0 || day == 0 || day > longest {
        return None;
    }
    // Years that begin in March, so that the leap day is the last day of a year.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let before_year = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(before_year + (month * 153 + 2) / 5 + day - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_with_and_without_offset() {
        let berlin = FixedOffset { minutes: 60 };
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600_000),
            ("2026-11-21T14:03:00+01:00", 1_795_266_180_000),
            ("2026-11-21T14:03:00", 1_795_266_180_000),
            ("2026-11-21 14:03", 1_795_266_180_000),
            ("2026-11-21T13:03:00.250Z", 1_795_266_180_250),
            ("2026-11-21T08:03:00-0500", 1_795_266_180_000),
            ("1969-12-31T23:59:60Z", -1_000),
        ] {
            let read = read(text, None, &berlin).unwrap();
            assert_eq!(read.as_millis(), millis, "{text}");
        }
        for bad in [
            "",
            "now",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-21",
            "2026-11-21T24:00:00Z",
            "2026-11-21T14:03:00+1",
            "21.11.2026 14:03",
            "2026-11-21T14:03:00.Z",
            "２０２６-11-21T14:03:00Z",
        ] {
            assert!(read(bad, None, &berlin).is_err(), "{bad}");
        }
        let named = read("2026-11-21T14:03:00", Some("Mars/Olympus"), &berlin);
        assert!(matches!(named, Err(TimeError::Zone { .. })));
    }
}
