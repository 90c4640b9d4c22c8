//! The keys that a file has, by name, with the line of each for errors.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::super::keys::{self, Kind};
use super::super::{Secret, channels};
use super::{ConfigError, SECRET_BYTES_MAX, TIME_MS_MAX};
use crate::platform;

#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Number(i64),
    Flag(bool),
}

/// What the file says, by key, with lines for errors.
pub(super) struct Values<'a> {
    text: &'a str,
    file: &'a Path,
    found: BTreeMap<&'static str, (Value, Range<usize>)>,
}

impl<'a> Values<'a> {
    pub(super) fn read(text: &'a str, file: &'a Path) -> Result<Self, ConfigError> {
        let mut values = Self {
            text,
            file,
            found: BTreeMap::new(),
        };
        let table = DeTable::parse(text).map_err(|it| {
            let at = it.span().map(|it| it.start);
            values.wrong_at(
                at,
                it.message().to_owned(),
                "see https://toml.io for the syntax",
            )
        })?;
        values.table("", table.get_ref())?;
        Ok(values)
    }

    fn table(&mut self, prefix: &str, table: &DeTable<'_>) -> Result<(), ConfigError> {
        for (name, value) in table {
            let path = match prefix {
                "" => name.get_ref().to_string(),
                _ => format!("{prefix}.{}", name.get_ref()),
            };
            match (value.get_ref(), keys::find(&path)) {
                (DeValue::Table(inner), None) if keys::is_table(&path) => {
                    self.table(&path, inner)?;
                }
                (value_found, Some(key)) => {
                    let value = typed(value_found, key.kind).ok_or_else(|| {
                        let problem = format!("`{path}` must be {}", key.kind.in_words());
                        self.wrong_at(Some(value.span().start), problem, key.doc)
                    })?;
                    self.found.insert(key.path, (value, name.span()));
                }
                (_, None) if path == channels::TABLE => {}
                (_, None) => {
                    let hint = match keys::nearest(&path) {
                        Some(key) => format!("did you mean `{key}`?"),
                        None => "`shelf-hub keys` lists every key".to_owned(),
                    };
                    let problem = format!("there is no key `{path}`");
                    return Err(self.wrong_at(Some(name.span().start), problem, &hint));
                }
            }
        }
        Ok(())
    }

    /// What the command line says over the file.
    pub(super) fn say(&mut self, key: &'static str, text: &str) {
        let value = Value::Text(text.to_owned());
        self.found.insert(key, (value, 0..0));
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        match self.found.get(key) {
            Some((Value::Text(text), _)) => Some(text.clone()),
            _ => None,
        }
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        matches!(self.found.get(key), Some((Value::Flag(true), _)))
    }

    pub(super) fn number(
        &self,
        key: &str,
        default: usize,
        range: Range<i64>,
    ) -> Result<usize, ConfigError> {
        let number = match self.found.get(key) {
            Some((Value::Number(number), _)) => *number,
            _ => return Ok(default),
        };
        let (low, high) = (range.start, range.end - 1);
        match usize::try_from(number) {
            Ok(fits) if range.contains(&number) => Ok(fits),
            _ => Err(self.wrong(
                key,
                format!("`{key}` is {number}, which is outside {low} to {high}"),
                "leave it out for the default",
            )),
        }
    }

    pub(super) fn millis(&self, key: &str, default: u64) -> Result<u64, ConfigError> {
        if !self.found.contains_key(key) {
            return Ok(default);
        }
        let time = self.number(key, 0, 0..TIME_MS_MAX + 1)?;
        Ok(u64::try_from(time).unwrap_or(default))
    }

    pub(super) fn required(&self, key: &'static str) -> Result<String, ConfigError> {
        self.text(key).ok_or_else(|| {
            let doc = keys::find(key).map_or("", |it| it.doc);
            self.wrong_at(None, format!("`{key}` is missing"), doc)
        })
    }

    pub(super) fn secret(&self, key: &str) -> Result<Option<Secret>, ConfigError> {
        let Some(path) = self.text(key) else {
            return Ok(None);
        };
        let text = platform::read_text(&self.relative(&path), SECRET_BYTES_MAX)
            .map_err(ConfigError::File)?;
        match text.trim() {
            "" => Err(self.wrong(
                key,
                format!("the file that `{key}` names is empty"),
                "put the secret into it, in one line",
            )),
            secret => Ok(Some(Secret::new(secret))),
        }
    }

    pub(super) fn relative(&self, path: &str) -> PathBuf {
        match self.file.parent() {
            Some(directory) => directory.join(path),
            None => PathBuf::from(path),
        }
    }

    pub(super) fn wrong(&self, key: &str, problem: String, hint: &str) -> ConfigError {
        let at = self.found.get(key).map(|(_, span)| span.start);
        self.wrong_at(at, problem, hint)
    }

    pub(super) fn wrong_at(&self, at: Option<usize>, problem: String, hint: &str) -> ConfigError {
        let line = at.map(|it| {
            let before = self.text.as_bytes().iter().take(it);
            before.filter(|byte| **byte == b'\n').count() + 1
        });
        ConfigError::Wrong {
            file: self.file.to_owned(),
            line,
            problem,
            hint: hint.to_owned(),
        }
    }
}

fn typed(value: &DeValue<'_>, kind: Kind) -> Option<Value> {
    match (value, kind) {
        (DeValue::String(text), Kind::Text) => Some(Value::Text(text.to_string())),
        (DeValue::Boolean(flag), Kind::Flag) => Some(Value::Flag(*flag)),
        (DeValue::Integer(number), Kind::Number) => {
            i64::from_str_radix(number.as_str(), number.radix())
                .ok()
                .map(Value::Number)
        }
        _ => None,
    }
}
