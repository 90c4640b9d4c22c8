//! Configuration: one TOML file, one definition per key, errors that a person can act on.
//!
//! [`keys::KEYS`] is the only place that names keys, with type, default and meaning; the reader
//! refuses anything else and says file, line and the key that was probably meant. Secrets are
//! never in this file: it names files that hold them. Reading has no side effect.

mod channels;
pub mod keys;
mod read;

use std::net::SocketAddr;
use std::path::PathBuf;

use shelf_replica::hub::COMPENSATE_AFTER_MS;
use shelf_stock::name::{ChannelId, TenantId};

use crate::presence::SILENT_AFTER_SECONDS_DEFAULT;

pub use read::{ConfigError, Overrides, load, parse};

/// The messages of one transaction unless the file says otherwise.
pub const GROUP_MESSAGES_DEFAULT: usize = 64;

/// Everything a hub must know before it starts.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// Whose stores these are; part of every topic.
    pub tenant: TenantId,
    /// Where the database and the catalogue files are.
    pub data: PathBuf,
    /// Which database.
    pub database: Database,
    /// Which of several workers on one database this is; `None`: the only one.
    pub worker: Option<WorkerName>,
    /// The HTTP side.
    pub http: HttpConfig,
    /// The MQTT side; `None` serves HTTP only (tests and read-only copies).
    pub broker: Option<BrokerConfig>,
    /// Whether the key of a node that was never seen is taken on its first hello.
    pub trust_first_use: bool,
    /// How long an oversold unit waits before an order loses it.
    pub compensate_after_ms: u64,
    /// The most messages that one transaction takes.
    pub group_messages_max: usize,
    /// From when on a PC that isn't heard is called silent.
    pub silent_after_ms: u64,
    /// Channels that are told their levels.
    pub channels: Vec<ChannelConfig>,
}

impl HubConfig {
    /// A hub for one machine, such as the demo's: a free loopback port, no token, keys taken on
    /// their first hello. Without a broker it serves HTTP only.
    #[must_use]
    pub fn local(tenant: TenantId, data: PathBuf, broker: Option<SocketAddr>) -> Self {
        Self {
            tenant,
            data,
            database: Database::Sqlite,
            worker: None,
            http: HttpConfig {
                listen: SocketAddr::from(([127, 0, 0, 1], 0)),
                token: None,
            },
            broker: broker.map(|it| BrokerConfig {
                host: it.ip().to_string(),
                port: it.port(),
                login: None,
            }),
            trust_first_use: true,
            compensate_after_ms: COMPENSATE_AFTER_MS,
            group_messages_max: GROUP_MESSAGES_DEFAULT,
            silent_after_ms: SILENT_AFTER_SECONDS_DEFAULT * 1_000,
            channels: Vec::new(),
        }
    }
}

/// Where the hub keeps what it knows.
#[derive(Clone, Debug)]
pub enum Database {
    /// One SQLite file in the data directory.
    Sqlite,
    /// PostgreSQL, by its `postgres://` address, which may hold a password.
    Postgres(Secret),
}

/// A worker among others on one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerName {
    /// The group whose members share the frames of the stores.
    pub group: String,
    /// This one's name, different from every other's of the group.
    pub name: String,
}

/// The HTTP side.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What `Authorization: Bearer` must carry; without one only loopback is served.
    pub token: Option<Secret>,
}

/// The MQTT side.
#[derive(Clone, Debug)]
pub struct BrokerConfig {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User name and password, where the broker asks for them.
    pub login: Option<(String, Secret)>,
}

/// A channel that is told its levels.
#[derive(Clone, Debug)]
pub struct ChannelConfig {
    /// Its name, as in policies.
    pub channel: ChannelId,
    /// Where batches of levels are posted.
    pub url: String,
    /// The bearer token that it asks for.
    pub token: Option<Secret>,
    /// The least time between two batches.
    pub interval_ms: u64,
    /// The most levels of a batch.
    pub batch_levels_max: usize,
    /// An external marketplace: how long after its answer it may still sell what it was shown
    /// before.
    pub grace_ms: Option<u64>,
}

impl ChannelConfig {
    /// A channel at an address, told at most once a second.
    #[must_use]
    pub fn new(channel: ChannelId, url: String) -> Self {
        Self {
            channel,
            url,
            token: None,
            interval_ms: 1_000,
            batch_levels_max: 100,
            grace_ms: None,
        }
    }
}

/// A text that must not be shown: its `Debug` says only that it is there.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Compares without telling by its duration where the texts differ.
    #[must_use]
    pub fn matches(&self, given: &str) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), given.as_bytes());
        let mut difference = u8::from(ours.len() != theirs.len());
        for (index, byte) in theirs.iter().enumerate() {
            difference |= byte ^ ours.get(index % ours.len().max(1)).copied().unwrap_or(1);
        }
        difference == 0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}
