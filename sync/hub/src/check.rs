//! `shelf-hub check`: what can be found wrong without starting anything.
//!
//! Reads only. Each finding says what was looked at, how it is and what to do.

use std::net::ToSocketAddrs;

use serde::Serialize;

use crate::config::{Database, HubConfig};
use crate::database;
use crate::storage::Source;
use crate::storage::postgres::PostgresSource;

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Well.
    Ok,
    /// It works, and somebody should know.
    Warn,
    /// It will not work.
    Fail,
}

impl Verdict {
    /// As people read it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Stable name.
    pub id: &'static str,
    /// In words.
    pub title: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub detail: String,
    /// What to do.
    pub hint: Option<String>,
}

fn finding(
    (id, title): (&'static str, &'static str),
    verdict: Verdict,
    detail: impl Into<String>,
    hint: Option<&str>,
) -> Finding {
    Finding {
        id,
        title,
        verdict,
        detail: detail.into(),
        hint: hint.map(str::to_owned),
    }
}

/// Looks at everything.
#[must_use]
pub fn run(config: &HubConfig) -> Vec<Finding> {
    let tenant = format!("tenant `{}`", config.tenant);
    vec![
        finding(("config", "configuration"), Verdict::Ok, tenant, None),
        database_finding(config),
        broker_finding(config),
        token_finding(config),
    ]
}

fn database_finding(config: &HubConfig) -> Finding {
    let what = ("database", "database");
    if let Database::Postgres(url) = &config.database {
        return postgres_finding(what, url.reveal());
    }
    let path = database::path(&config.data);
    if !path.exists() {
        let detail = format!("`{}` will be made at the first start", path.display());
        return finding(what, Verdict::Ok, detail, None);
    }
    let verdict: rusqlite::Result<String> = database::open_reader(&path)
        .and_then(|it| it.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)));
    match verdict {
        Ok(answer) if answer == "ok" => finding(
            what,
            Verdict::Ok,
            format!("`{}` is well", path.display()),
            None,
        ),
        Ok(answer) => finding(
            what,
            Verdict::Fail,
            format!("`{}` is damaged: {answer}", path.display()),
            Some("restore a backup; the stores send again what it lacks"),
        ),
        Err(error) => finding(
            what,
            Verdict::Fail,
            format!("`{}` can't be read: {error}", path.display()),
            Some("may this user read it, and is it a hub's database?"),
        ),
    }
}

/// Connects and reads, and makes no tables.
fn postgres_finding(what: (&'static str, &'static str), url: &str) -> Finding {
    let mut detail = "PostgreSQL answers; its tables are made at the first start".to_owned();
    let looked = PostgresSource::new(url).open().and_then(|mut reader| {
        reader.read(&mut |view| {
            if let Ok(stores) = view.stores() {
                detail = format!("PostgreSQL answers and has {} stores", stores.len());
            }
        })
    });
    match looked {
        Ok(()) => finding(what, Verdict::Ok, detail, None),
        Err(error) => finding(
            what,
            Verdict::Fail,
            error.to_string(),
            Some("is PostgreSQL running, and may this user use its database?"),
        ),
    }
}

fn broker_finding(config: &HubConfig) -> Finding {
    let what = ("broker", "broker");
    let Some(broker) = &config.broker else {
        return finding(what, Verdict::Warn, "none is configured", None);
    };
    let name = format!("{}:{}", broker.host, broker.port);
    let timeout = std::time::Duration::from_secs(3);
    let addresses = (broker.host.as_str(), broker.port).to_socket_addrs();
    let connected = addresses
        .map(|mut it| it.any(|addr| std::net::TcpStream::connect_timeout(&addr, timeout).is_ok()));
    match connected {
        Ok(true) => finding(
            what,
            Verdict::Ok,
            format!("`{name}` accepts connections"),
            None,
        ),
        Ok(false) => finding(
            what,
            Verdict::Warn,
            format!("nothing answers at `{name}`"),
            Some("start the broker; the hub waits for it and loses nothing"),
        ),
        Err(error) => finding(
            what,
            Verdict::Fail,
            format!("`{name}` is no known host: {error}"),
            Some("correct `broker.url`"),
        ),
    }
}

fn token_finding(config: &HubConfig) -> Finding {
    let what = ("http_token", "access to the API");
    let listen = config.http.listen;
    let detail = match config.http.token {
        Some(_) => format!("a token is asked for at {listen}"),
        None => format!("every program of this machine may ask at {listen}"),
    };
    finding(what, Verdict::Ok, detail, None)
}
