//! Which receipt it is: its number and its date, as printed.

use shelf_stock::time::Timestamp;

use super::words::{COPY, NUMBER, NUMBER_FILLERS, ORIGINAL, REFUND, VOID, position, says};
use crate::source::clock::{self, Zone};

/// The longest number that a receipt may have.
const NUMBER_CHARS_MAX: usize = 24;
/// A receipt this young was printed just now, in milliseconds.
const FRESH_MS_MAX: i64 = 15 * 60_000;
/// A receipt this young may be of this business day, in milliseconds: nights and time zones allowed.
const RECENT_MS_MAX: i64 = 36 * 3_600_000;

/// How old a receipt says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Age {
    /// A few minutes at most.
    Fresh,
    /// Of this business day.
    Recent,
    /// Older, or its date can't be read.
    Old,
}

/// What identifies a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) number: Option<String>,
    /// More than one number could be its own.
    pub(super) several: bool,
    /// The number of the receipt that this one is about.
    pub(super) original: Option<String>,
    /// As printed.
    pub(super) date: Option<String>,
    pub(super) age: Age,
}

/// Looks through all lines, in capitals.
pub(super) fn heading(
    lines: &[String],
    words: Option<&str>,
    now: Timestamp,
    zone: &dyn Zone,
) -> Heading {
    let about_another = |it: &&String| says(it, &VOID) || says(it, &REFUND) || says(it, &ORIGINAL);
    let (others, own): (Vec<&String>, Vec<&String>) = lines.iter().partition(about_another);
    let own_numbers = numbers(&own, words);
    let day = lines.iter().filter(|it| !says(it, &COPY)).find_map(|it| {
        let date = date(it)?;
        Some((date, time(it)))
    });
    let age = day.as_ref().map_or(Age::Old, |(date, at)| {
        let at = at.or_else(|| lines.iter().find_map(|it| time(it)));
        age(date, at, now, zone)
    });
    Heading {
        several: own_numbers.len() > 1,
        number: own_numbers.into_iter().next(),
        original: numbers(&others, words).into_iter().next(),
        date: day.map(|it| it.0),
        age,
    }
}

/// The different numbers behind the best word that any of the lines has.
fn numbers(lines: &[&String], words: Option<&str>) -> Vec<String> {
    let behind = |words: &[&str]| {
        let mut found: Vec<String> = Vec::new();
        for line in lines {
            let ends = words.iter().filter_map(|it| position(line, it));
            let number = ends.filter_map(|end| number(line.get(end..)?)).next();
            found.extend(number.filter(|it| !found.contains(it)));
        }
        found
    };
    if let Some(word) = words {
        return behind(&[&word.to_uppercase()]);
    }
    let groups = NUMBER.iter().map(|it| behind(it));
    groups
        .into_iter()
        .find(|it| !it.is_empty())
        .unwrap_or_default()
}

/// The number at the beginning of what stands behind its word.
fn number(text: &str) -> Option<String> {
    let outside = |it: char| !it.is_alphanumeric() && it != '#';
    let mut text = text.trim_start_matches(outside);
    for filler in NUMBER_FILLERS {
        let rest = text.strip_prefix(filler);
        let apart = |it: &&str| it.starts_with(|c: char| !c.is_alphabetic());
        if let Some(rest) = rest.filter(apart) {
            text = rest.trim_start_matches(outside);
            break;
        }
    }
    let inside = |it: &char| it.is_ascii_alphanumeric() || matches!(it, '-' | '/');
    let number: String = text.chars().take_while(inside).collect();
    let behind = text.get(number.len()..).unwrap_or_default();
    // Behind a point or a colon comes the rest of a date, a time or an amount.
    let goes_on = behind.starts_with(['.', ',', ':'])
        && behind.chars().nth(1).is_some_and(|it| it.is_ascii_digit());
    let number = number.trim_end_matches(['-', '/']);
    let fits = number.len() <= NUMBER_CHARS_MAX && number.bytes().any(|it| it.is_ascii_digit());
    (fits && !goes_on).then(|| number.to_owned())
}

/// Runs of digits with what stands between them.
fn runs(line: &str) -> Vec<(usize, &str)> {
    let mut runs = Vec::new();
    let mut start = None;
    for (at, it) in line.char_indices().chain([(line.len(), ' ')]) {
        match (it.is_ascii_digit(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                runs.push((from, line.get(from..at).unwrap_or_default()));
                start = None;
            }
            _ => {}
        }
    }
    runs
}

/// The first date of a line, as printed.
fn date(line: &str) -> Option<String> {
    let runs = runs(line);
    runs.windows(3).find_map(|three| {
        let [(from, a), (second, b), (third, c)] = three else {
            return None;
        };
        let between = |end: usize, start: usize| line.get(end..start);
        let left = between(from + a.len(), *second)?;
        let right = between(second + b.len(), *third)?;
        let sign = matches!((left, right), ("." | "/" | "-", _)) && left == right;
        let sign = sign || (left, right) == ("年", "月");
        let year_first = a.len() == 4 && b.len() <= 2 && c.len() <= 2;
        let year_last = a.len() <= 2 && b.len() <= 2 && matches!(c.len(), 2 | 4);
        (sign && (year_first || year_last)).then(|| {
            line.get(*from..third + c.len())
                .unwrap_or_default()
                .to_owned()
        })
    })
}

/// The first time of a line: hours and minutes.
fn time(line: &str) -> Option<(u32, u32)> {
    let runs = runs(line);
    runs.windows(2).find_map(|two| {
        let [(from, hours), (minutes_at, minutes)] = two else {
            return None;
        };
        let colon = line.get(from + hours.len()..*minutes_at) == Some(":");
        let (hour, minute) = (hours.parse::<u32>().ok()?, minutes.parse::<u32>().ok()?);
        let behind = line.get(minutes_at + 2..).unwrap_or_default();
        let behind = behind.trim_start_matches(|it: char| it.is_ascii_digit() || it == ':');
        let hour = match behind.trim_start() {
            it if it.starts_with("PM") && hour < 12 => hour + 12,
            it if it.starts_with("AM") && hour == 12 => 0,
            _ => hour,
        };
        (colon && minutes.len() == 2 && hour < 24 && minute < 60).then_some((hour, minute))
    })
}

/// The youngest that a date can mean: 3/4 is March or April.
fn age(date: &str, at: Option<(u32, u32)>, now: Timestamp, zone: &dyn Zone) -> Age {
    let digits: Vec<&str> = runs(date).into_iter().map(|it| it.1).collect();
    let [a, b, c] = digits[..] else {
        return Age::Old;
    };
    let readings = match a.len() {
        4 => vec![(a, b, c)],
        _ => vec![(c, b, a), (c, a, b)],
    };
    let (hour, minute) = at.unwrap_or((12, 0));
    let away = readings.into_iter().filter_map(|(year, month, day)| {
        let century = if year.len() == 2 { "20" } else { "" };
        let text = format!("{century}{year}-{month:0>2}-{day:0>2}T{hour:02}:{minute:02}:00");
        let moment = clock::read(&text, None, zone).ok()?;
        Some(moment.millis_since(now).abs())
    });
    match away.min() {
        Some(away) if away <= FRESH_MS_MAX && at.is_some() => Age::Fresh,
        Some(away) if away <= RECENT_MS_MAX => Age::Recent,
        _ => Age::Old,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::clock::FixedOffset;

    const NOW: i64 = 1_795_269_600_000; // 2026-11-21 14:00 UTC

    fn of(lines: &[&str], words: Option<&str>) -> Heading {
        let lines: Vec<String> = lines.iter().map(|it| it.to_uppercase()).collect();
        let zone = FixedOffset { minutes: 0 };
        heading(&lines, words, Timestamp::from_millis(NOW), &zone)
    }

    #[test]
    fn numbers_stand_behind_their_words() {
        for (lines, number) in [
            (&["Bon-Nr. 815"][..], Some("815")),
            (&["Receipt No: A-0012 Till 2"], Some("A-0012")),
            (&["Beleg 0077", "Kassenbon 2026/00123"], Some("2026/00123")),
            (&["Bon vom 21.11.2026", "TICKET #42"], Some("42")),
            (&["Rechnung 21.11.26"], None),
            (&["小票号:20261121001"], Some("20261121001")),
            (&["Ware Bonbon 12"], None),
        ] {
            assert_eq!(of(lines, None).number.as_deref(), number, "{lines:?}");
        }
        assert!(of(&["Bon 1", "Bon 2"], None).several);
        assert_eq!(
            of(&["Bon 1", "Vorgang 77"], Some("Vorgang"))
                .number
                .as_deref(),
            Some("77")
        );
        let void = of(&["STORNO zu Bon 815", "Bon 816"], None);
        assert_eq!(
            (void.number.as_deref(), void.original.as_deref()),
            (Some("816"), Some("815"))
        );
    }

    #[test]
    fn a_date_says_how_old_a_receipt_is() {
        for (lines, date, age) in [
            (&["21.11.2026 13:55"][..], Some("21.11.2026"), Age::Fresh),
            (&["11/21/26 1:58 PM"], Some("11/21/26"), Age::Fresh),
            (&["2026年11月21日 09:10"], Some("2026年11月21"), Age::Recent),
            (&["2026-11-20"], Some("2026-11-20"), Age::Recent),
            (&["20.10.2026 13:55"], Some("20.10.2026"), Age::Old),
            (
                &["KOPIE 21.11.2026", "1.2.2026 8:00"],
                Some("1.2.2026"),
                Age::Old,
            ),
            (&["Tel 030 12 34"], None, Age::Old),
        ] {
            let it = of(lines, None);
            assert_eq!((it.date.as_deref(), it.age), (date, age), "{lines:?}");
        }
    }
}
