//! Reads the file: text to [`HubConfig`], or an error with file, line, key and a way out.

mod values;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use shelf_replica::hub::COMPENSATE_AFTER_MS;

use super::{
    BrokerConfig, Database, GROUP_MESSAGES_DEFAULT, HttpConfig, HubConfig, Secret, WorkerName,
    channels,
};
use crate::platform;
use crate::presence::SILENT_AFTER_SECONDS_DEFAULT;

use values::Values;

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
        values.say("broker.url", url);
    }
    if let Some(url) = &overrides.database_url {
        values.say("database.url", url);
    }
    if let Some(name) = &overrides.worker {
        values.say("worker.name", name);
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

#[cfg(test)]
mod tests;
