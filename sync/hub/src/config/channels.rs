//! The tables `[channels.NAME]`: where a channel takes levels. Their names are the retailer's, so
//! they can't stand in the list of keys; everything else is as strict as there.

use std::ops::Range;
use std::path::Path;

use shelf_stock::name::ChannelId;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{ChannelConfig, ConfigError, Secret};
use crate::platform;

/// The name of the table of tables.
pub(super) const TABLE: &str = "channels";
const SECRET_BYTES_MAX: u64 = 4 * 1024;
const HINT: &str =
    "its keys are `url`, `token_file`, `interval_ms`, `batch_levels_max`, `grace_ms`";

/// Reads the tables; `file` is named in errors and is where relative paths start.
pub(super) fn read(text: &str, file: &Path) -> Result<Vec<ChannelConfig>, ConfigError> {
    // A text that can't be read at all was refused before.
    let Ok(table) = DeTable::parse(text) else {
        return Ok(Vec::new());
    };
    let place = Place { text, file };
    let Some((name, found)) = table.get_ref().iter().find(|it| it.0.get_ref() == TABLE) else {
        return Ok(Vec::new());
    };
    let DeValue::Table(channels) = found.get_ref() else {
        return Err(place.wrong(name.span(), "`channels` must be a table".to_owned()));
    };
    let one = |(name, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let name: &Spanned<std::borrow::Cow<'_, str>> = name;
        match value.get_ref() {
            DeValue::Table(table) => channel(&place, name, table),
            _ => Err(place.wrong(
                name.span(),
                format!("`channels.{}` must be a table", name.get_ref()),
            )),
        }
    };
    channels.iter().map(one).collect()
}

struct Place<'a> {
    text: &'a str,
    file: &'a Path,
}

impl Place<'_> {
    fn wrong(&self, at: Range<usize>, problem: String) -> ConfigError {
        let before = self.text.as_bytes().iter().take(at.start);
        ConfigError::Wrong {
            file: self.file.to_owned(),
            line: Some(before.filter(|byte| **byte == b'\n').count() + 1),
            problem,
            hint: HINT.to_owned(),
        }
    }
}

fn channel(
    place: &Place<'_>,
    name: &Spanned<std::borrow::Cow<'_, str>>,
    table: &DeTable<'_>,
) -> Result<ChannelConfig, ConfigError> {
    let path = format!("{TABLE}.{}", name.get_ref());
    let id = ChannelId::new(name.get_ref().as_ref())
        .map_err(|error| place.wrong(name.span(), format!("`{path}`: {error}")))?;
    let mut config = ChannelConfig::new(id, String::new());
    for (key, value) in table {
        let wrong =
            |what: &str| place.wrong(key.span(), format!("`{path}.{}` {what}", key.get_ref()));
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("url", DeValue::String(url)) => config.url = url.to_string(),
            ("token_file", DeValue::String(token)) => {
                config.token = Some(secret(place.file, token)?);
            }
            ("interval_ms" | "batch_levels_max" | "grace_ms", DeValue::Integer(number)) => {
                let number = u64::from_str_radix(number.as_str(), number.radix());
                let number = number.map_err(|_| wrong("must be a number from 0"))?;
                match key.get_ref().as_ref() {
                    "interval_ms" => config.interval_ms = number,
                    "grace_ms" => config.grace_ms = Some(number),
                    _ => {
                        let fits = usize::try_from(number)
                            .ok()
                            .filter(|it| (1..=1000).contains(it));
                        config.batch_levels_max = fits.ok_or_else(|| wrong("must be 1 to 1000"))?;
                    }
                }
            }
            _ => return Err(wrong("is no key, or has a value of another type")),
        }
    }
    if !(config.url.starts_with("http://") || config.url.starts_with("https://")) {
        let problem = format!("`{path}.url` must be an http or https address");
        return Err(place.wrong(name.span(), problem));
    }
    Ok(config)
}

fn secret(file: &Path, path: &str) -> Result<Secret, ConfigError> {
    let path = file.parent().unwrap_or(Path::new("")).join(path);
    let text = platform::read_text(&path, SECRET_BYTES_MAX).map_err(ConfigError::File)?;
    Ok(Secret::new(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_read_and_mistakes_are_named() {
        let text = "[channels.web]\nurl = \"http://shop/levels\"\ninterval_ms = 50\n\
                    [channels.bazaar]\nurl = \"https://b/x\"\ngrace_ms = 9000\n";
        let read_text = |text| read(text, Path::new("hub.toml"));
        let found = read_text(text).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|it| {
                (
                    it.channel.as_str(),
                    it.url.as_str(),
                    it.interval_ms,
                    it.grace_ms,
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("bazaar", "https://b/x", 1000, Some(9000)),
                ("web", "http://shop/levels", 50, None)
            ]
        );
        for (text, expected) in [
            (
                "channels = 1\n",
                "`hub.toml`, line 1: `channels` must be a table",
            ),
            (
                "[channels.web]\nurl = 3\n",
                "`hub.toml`, line 2: `channels.web.url` is no key, or has a value of another type",
            ),
            (
                "[channels.web]\nurl = \"ftp://x\"\n",
                "`hub.toml`, line 1: `channels.web.url` must be an http or https address",
            ),
        ] {
            assert_eq!(read_text(text).unwrap_err().to_string(), expected);
        }
        assert!(read_text("tenant = \"t\"\n").unwrap().is_empty());
    }
}
