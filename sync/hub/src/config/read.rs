//! Reads the file: text to [`HubConfig`], or an error with file, line, key and a way out.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use shelf_replica::hub::COMPENSATE_AFTER_MS;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Kind};
use super::{
    BrokerConfig, Database, GROUP_MESSAGES_DEFAULT, HttpConfig, HubConfig, Secret, WorkerName,
    channels,
};
use crate::platform;
use crate::presence::SILENT_AFTER_SECONDS_DEFAULT;

/// The largest configuration file that is read.
const CONFIG_BYTES_MAX: u64 = 256 * 1024;
/// The longest time that a key can name: a day.
const TIME_MS_MAX: i64 = 86_400_000;
/// The largest secret that is read from a file.
const SECRET_BYTES_MAX: u64 = 4 * 1024;

/// What the command line says over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Directory of the data.
    pub data: Option<PathBuf>,
    /// Address of the database.
    pub database_url: Option<String>,
    /// Name of this worker.
    pub worker: Option<String>,
    /// Address of the broker.
    pub broker_url: Option<String>,
    /// Address of the API.
    pub listen: Option<SocketAddr>,
}

/// The configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file, or one that it names, can't be read.
    #[error("the configuration can't be read")]
    File(#[source] platform::FileError),
    /// Something in it is wrong.
    #[error("`{}`{}: {problem}", file.display(), line.map(|it| format!(", line {it}")).unwrap_or_default())]
    Wrong {
        /// Which file.
        file: PathBuf,
        /// Which line, from 1, where there is one.
        line: Option<usize>,
        /// What is wrong with which key.
        problem: String,
        /// What to do.
        hint: String,
    },
}

impl ConfigError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &str {
        match self {
            Self::File(_) => "name an existing file that this user may read",
            Self::Wrong { hint, .. } => hint,
        }
    }
}

/// Reads a file.
pub fn load(file: &Path, overrides: &Overrides) -> Result<HubConfig, ConfigError> {
    let text = platform::read_text(file, CONFIG_BYTES_MAX).map_err(ConfigError::File)?;
    parse(&text, file, overrides)
}

/// Reads a text; `file` is named in errors and is where relative paths start.
pub fn parse(text: &str, file: &Path, overrides: &Overrides) -> Result<HubConfig, ConfigError> {
    let mut values = Values::read(text, file)?;
    if let Some(url) = &overrides.broker_url {
        values.set("broker.url", Value::Text(url.clone()));
    }
    if let Some(url) = &overrides.database_url {
        values.set("database.url", Value::Text(url.clone()));
    }
    if let Some(name) = &overrides.worker {
        values.set("worker.name", Value::Text(name.clone()));
    }
    let tenant = values.required("tenant")?;
    let data = match (&overrides.data, values.text("data_dir")) {
        (Some(path), _) => path.clone(),
        (None, Some(path)) => values.relative(&path),
        (None, None) => values.required("data_dir").map(PathBuf::from)?,
    };
    let http = http(&values, overrides)?;
    Ok(HubConfig {
        tenant: tenant
            .parse()
            .map_err(|it| values.wrong("tenant", format!("`tenant`: {it}"), ""))?,
        data,
        database: database(&values)?,
        worker: worker(&values)?,
        http,
        broker: Some(broker(&values)?),
        trust_first_use: values.flag("enrolment.trust_first_use"),
        compensate_after_ms: values.millis("orders.compensate_after_ms", COMPENSATE_AFTER_MS)?,
        group_messages_max: values.number(
            "limits.group_messages_max",
            GROUP_MESSAGES_DEFAULT,
            1..1025,
        )?,
        silent_after_ms: silent_after_ms(&values)?,
        channels: channels::read(text, file)?,
    })
}

fn silent_after_ms(values: &Values<'_>) -> Result<u64, ConfigError> {
    let seconds = values.number(
        "presence.silent_after_seconds",
        usize::try_from(SILENT_AFTER_SECONDS_DEFAULT).unwrap_or(usize::MAX),
        1..3_601,
    )?;
    Ok(u64::try_from(seconds)
        .unwrap_or(u64::MAX)
        .saturating_mul(1_000))
}

fn database(values: &Values<'_>) -> Result<Database, ConfigError> {
    let file = values.secret("database.url_file")?;
    let url = match (values.text("database.url"), file) {
        (Some(url), None) => Secret::new(url),
        (None, Some(url)) => url,
        (None, None) => return Ok(Database::Sqlite),
        (Some(_), Some(_)) => {
            return Err(values.wrong(
                "database.url_file",
                "`database.url` and `database.url_file` are both set".to_owned(),
                "set one of them",
            ));
        }
    };
    let text = url.reveal();
    if text == "sqlite" {
        return Ok(Database::Sqlite);
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(Database::Postgres(url));
    }
    Err(values.wrong(
        "database.url",
        "`database.url` names no database that the hub can use".to_owned(),
        "write `sqlite`, or an address like `postgres://hub@127.0.0.1:5432/shelf`",
    ))
}

fn worker(values: &Values<'_>) -> Result<Option<WorkerName>, ConfigError> {
    let Some(name) = values.text("worker.name") else {
        return Ok(None);
    };
    if let Database::Sqlite = database(values)? {
        return Err(values.wrong(
            "worker.name",
            "several workers need a PostgreSQL, and `database.url` names none".to_owned(),
            "set `database.url`, or leave `worker.name` out",
        ));
    }
    let group = values.text("worker.group");
    let group = group.unwrap_or_else(|| "shelf-hub".to_owned());
    for (key, text) in [("worker.name", &name), ("worker.group", &group)] {
        let fits = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
        if text.is_empty() || text.len() > 40 || !text.chars().all(fits) {
            return Err(values.wrong(
                key,
                format!("`{key}` is `{text}`, which is no name"),
                "1 to 40 of letters, digits, `-`, `_`, `.`",
            ));
        }
    }
    Ok(Some(WorkerName { group, name }))
}

fn http(values: &Values<'_>, overrides: &Overrides) -> Result<HttpConfig, ConfigError> {
    let listen = match (overrides.listen, values.text("http.listen")) {
        (Some(address), _) => address,
        (None, None) => SocketAddr::from(([127, 0, 0, 1], 8430)),
        (None, Some(text)) => text.parse().map_err(|_| {
            values.wrong(
                "http.listen",
                format!("`http.listen` is `{text}`, which is no address with a port"),
                "write it like `127.0.0.1:8430` or `[::1]:8430`",
            )
        })?,
    };
    let token = values.secret("http.token_file")?;
    if !listen.ip().is_loopback() && token.is_none() {
        return Err(values.wrong(
            "http.listen",
            format!("`http.listen` is `{listen}`, which others can reach, and there is no token"),
            "set `http.token_file`, or listen on 127.0.0.1 behind a TLS proxy",
        ));
    }
    Ok(HttpConfig { listen, token })
}

fn broker(values: &Values<'_>) -> Result<BrokerConfig, ConfigError> {
    let url = values
        .text("broker.url")
        .unwrap_or_else(|| "mqtt://127.0.0.1:1883".to_owned());
    let (host, port) = broker_address(&url).ok_or_else(|| {
        values.wrong(
            "broker.url",
            format!("`broker.url` is `{url}`, which names no broker"),
            "write it like `mqtt://127.0.0.1:1883`",
        )
    })?;
    let login = match (
        values.text("broker.username"),
        values.secret("broker.password_file")?,
    ) {
        (Some(name), Some(password)) => Some((name, password)),
        (None, None) => None,
        _ => {
            return Err(values.wrong(
                "broker.username",
                "`broker.username` and `broker.password_file` belong together".to_owned(),
                "set both or none",
            ));
        }
    };
    Ok(BrokerConfig { host, port, login })
}

/// Host and port of `mqtt://HOST[:PORT]`.
fn broker_address(url: &str) -> Option<(String, u16)> {
    let rest = url.strip_prefix("mqtt://")?.trim_end_matches('/');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (rest, 1883),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let fits = !host.is_empty() && !host.contains(['/', ' ', '@']);
    fits.then(|| (host.to_owned(), port))
}

#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Number(i64),
    Flag(bool),
}

/// What the file says, by key, with lines for errors.
struct Values<'a> {
    text: &'a str,
    file: &'a Path,
    found: BTreeMap<&'static str, (Value, Range<usize>)>,
}

impl<'a> Values<'a> {
    fn read(text: &'a str, file: &'a Path) -> Result<Self, ConfigError> {
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

    fn set(&mut self, key: &'static str, value: Value) {
        self.found.insert(key, (value, 0..0));
    }

    fn text(&self, key: &str) -> Option<String> {
        match self.found.get(key) {
            Some((Value::Text(text), _)) => Some(text.clone()),
            _ => None,
        }
    }

    fn flag(&self, key: &str) -> bool {
        matches!(self.found.get(key), Some((Value::Flag(true), _)))
    }

    fn number(&self, key: &str, default: usize, range: Range<i64>) -> Result<usize, ConfigError> {
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

    fn millis(&self, key: &str, default: u64) -> Result<u64, ConfigError> {
        if !self.found.contains_key(key) {
            return Ok(default);
        }
        let time = self.number(key, 0, 0..TIME_MS_MAX + 1)?;
        Ok(u64::try_from(time).unwrap_or(default))
    }

    fn required(&self, key: &'static str) -> Result<String, ConfigError> {
        self.text(key).ok_or_else(|| {
            let doc = keys::find(key).map_or("", |it| it.doc);
            self.wrong_at(None, format!("`{key}` is missing"), doc)
        })
    }

    fn secret(&self, key: &str) -> Result<Option<Secret>, ConfigError> {
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

    fn relative(&self, path: &str) -> PathBuf {
        match self.file.parent() {
            Some(directory) => directory.join(path),
            None => PathBuf::from(path),
        }
    }

    fn wrong(&self, key: &str, problem: String, hint: &str) -> ConfigError {
        let at = self.found.get(key).map(|(_, span)| span.start);
        self.wrong_at(at, problem, hint)
    }

    fn wrong_at(&self, at: Option<usize>, problem: String, hint: &str) -> ConfigError {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(text: &str) -> String {
        let error = parse(text, Path::new("hub.toml"), &Overrides::default()).unwrap_err();
        format!("{error} | {}", error.hint())
    }

    #[test]
    fn a_small_file_is_enough() {
        let text = "tenant = \"demo\"\ndata_dir = \"data\"\n";
        let config = parse(text, Path::new("/etc/hub.toml"), &Overrides::default()).unwrap();
        assert_eq!(config.data, Path::new("/etc/data"));
        assert_eq!(config.http.listen.to_string(), "127.0.0.1:8430");
        assert_eq!(config.broker.unwrap().port, 1883);
        assert_eq!(config.group_messages_max, 64);
        assert_eq!(config.silent_after_ms, 90_000);
    }

    #[test]
    fn errors_name_file_line_and_the_likely_key() {
        for (text, expected) in [
            (
                "tenant = \"t\"\n\n[http]\nlistne = \"127.0.0.1:1\"\n",
                "`hub.toml`, line 4: there is no key `http.listne` | did you mean `http.listen`?",
            ),
            (
                "tennant = \"t\"\n",
                "`hub.toml`, line 1: there is no key `tennant` | did you mean `tenant`?",
            ),
            (
                "tenant = \"t\"\ntoken_file = \"x\"\n",
                "`hub.toml`, line 2: there is no key `token_file` | did you mean `http.token_file`?",
            ),
            (
                "tenant = 3\n",
                "`hub.toml`, line 1: `tenant` must be a text in quotes | the retailer whose \
                 stores these are; letters, digits, `-`, `_`, `.`",
            ),
            (
                "data_dir = \"d\"\n",
                "`hub.toml`: `tenant` is missing | the retailer whose stores these are; letters, \
                 digits, `-`, `_`, `.`",
            ),
            (
                "tenant = \"t\"\ndata_dir = \"d\"\n[http]\nlisten = \"0.0.0.0:80\"\n",
                "`hub.toml`, line 4: `http.listen` is `0.0.0.0:80`, which others can reach, and \
                 there is no token | set `http.token_file`, or listen on 127.0.0.1 behind a TLS \
                 proxy",
            ),
            (
                "tenant = \"t\"\ndata_dir = \"d\"\n[broker]\nurl = \"http://x\"\n",
                "`hub.toml`, line 4: `broker.url` is `http://x`, which names no broker | write it \
                 like `mqtt://127.0.0.1:1883`",
            ),
            (
                "tenant = \"t\"\ndata_dir = \"d\"\n[presence]\nsilent_after_seconds = 4000\n",
                "`hub.toml`, line 4: `presence.silent_after_seconds` is 4000, which is outside 1 \
                 to 3600 | leave it out for the default",
            ),
            (
                "tenant = \"t\"\ndata_dir = \"d\"\n[limits]\ngroup_messages_max = 0\n",
                "`hub.toml`, line 4: `limits.group_messages_max` is 0, which is outside 1 to 1024 \
                 | leave it out for the default",
            ),
        ] {
            assert_eq!(complaint(text), expected, "{text}");
        }
        assert!(complaint("tenant = \n").starts_with("`hub.toml`, line 1: "));
    }

    #[test]
    fn broker_addresses() {
        for (url, expected) in [
            ("mqtt://h:99", Some(("h", 99))),
            ("mqtt://h/", Some(("h", 1883))),
            ("mqtt://[::1]:7", Some(("::1", 7))),
            ("mqtt://", None),
            ("mqtt://h:port", None),
            ("h:1", None),
        ] {
            let expected = expected.map(|(host, port)| (host.to_owned(), port));
            assert_eq!(broker_address(url), expected, "{url}");
        }
    }

    #[test]
    fn secrets_are_compared_whole_and_never_shown() {
        let secret = Secret::new("abc");
        assert!(secret.matches("abc"));
        for other in ["", "ab", "abcd", "abd", "abcabc"] {
            assert!(!secret.matches(other), "{other}");
        }
        assert_eq!(format!("{secret:?}"), "(secret)");
    }
}
