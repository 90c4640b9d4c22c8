//! The week's opening hours out of what people write.

use shelf_stock::hours::{DAY_MINUTES, OpeningHours, WEEK_MINUTES};

use super::model::OpeningSettings;

impl OpeningSettings {
    fn days(&self) -> [(&'static str, &str); 7] {
        [
            ("monday", &self.monday),
            ("tuesday", &self.tuesday),
            ("wednesday", &self.wednesday),
            ("thursday", &self.thursday),
            ("friday", &self.friday),
            ("saturday", &self.saturday),
            ("sunday", &self.sunday),
        ]
    }

    /// The week's spans in minutes since Monday 00:00; `None`: nothing is said. The error says
    /// which key is wrong and what to write.
    pub(crate) fn spans(&self) -> Result<Option<Vec<(u32, u32)>>, String> {
        let days = self.days();
        if days.iter().all(|(_, text)| text.trim().is_empty()) {
            return Ok(None);
        }
        let mut spans = Vec::new();
        for ((day, text), first) in days
            .into_iter()
            .zip((0_u32..).step_by(DAY_MINUTES as usize))
        {
            for part in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
                let span = span(part, first).ok_or_else(|| {
                    format!(
                        "`opening_hours.{day}` is `{text}`: write 09:00-20:00, or several such \
                         spans with commas between them"
                    )
                })?;
                spans.push(span);
            }
        }
        match OpeningHours::new(0, &spans) {
            Some(_) => Ok(Some(spans)),
            None => Err("`opening_hours` has too many spans: four a day are enough".into()),
        }
    }
}

/// One span of a day that begins at a minute of the week; may end in the next day.
fn span(text: &str, first: u32) -> Option<(u32, u32)> {
    let (from, until) = text.split_once('-')?;
    let (from, until) = (minute(from.trim())?, minute(until.trim())?);
    if from == until || from == DAY_MINUTES {
        return None;
    }
    let end = match until > from {
        true => first + until,
        false => first + DAY_MINUTES + until,
    };
    let over = match end > WEEK_MINUTES {
        true => end - WEEK_MINUTES,
        false => end,
    };
    Some((first + from, over))
}

/// `9:05`, `09:05` or `24:00` as minutes of a day.
fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |it: &str, most: usize| {
        (1..=most).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_digit())
    };
    if !digits(hour, 2) || !digits(minute, 2) || minute.len() != 2 {
        return None;
    }
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    let all = hour * 60 + minute;
    (minute < 60 && all <= DAY_MINUTES).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week(sunday: &str, monday: &str) -> Result<Option<Vec<(u32, u32)>>, String> {
        let settings = OpeningSettings {
            sunday: sunday.into(),
            monday: monday.into(),
            ..OpeningSettings::default()
        };
        settings.spans()
    }

    #[test]
    fn hours_are_read_as_people_write_them() {
        assert_eq!(week("", ""), Ok(None));
        assert_eq!(week("", "9:00-20:00"), Ok(Some(vec![(540, 1_200)])));
        assert_eq!(
            week("", " 09:00 - 13:00, 14:30-24:00 "),
            Ok(Some(vec![(540, 780), (870, 1_440)]))
        );
        // Into the next day, and over the week's end.
        assert_eq!(week("", "18:00-02:00"), Ok(Some(vec![(1_080, 1_560)])));
        assert_eq!(week("18:00-02:00", ""), Ok(Some(vec![(9_720, 120)])));
        for bad in [
            "9-20",
            "09:00",
            "09:00-09:00",
            "09:60-10:00",
            "24:00-01:00",
            "25:00-26:00",
            "x",
        ] {
            let said = week("", bad).unwrap_err();
            assert!(said.starts_with("`opening_hours.monday`"), "{said}");
        }
    }
}
