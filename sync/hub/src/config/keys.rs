//! The definition of every configuration key.
//!
//! Help texts, the reader and the suggestions of its errors all come from this table; a key that
//! is not here does not exist.

/// One key of the file.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Table and name, such as `http.listen`.
    pub path: &'static str,
    /// What its value is.
    pub kind: Kind,
    /// What holds when it is absent, in words.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text in quotes.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
}

impl Kind {
    /// How a person would call it.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Text => "a text in quotes",
            Self::Number => "a whole number",
            Self::Flag => "true or false",
        }
    }
}

const fn key(path: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key {
        path,
        kind,
        default,
        doc,
    }
}

/// Every key, in the order in which help shows them.
pub const KEYS: &[Key] = &[
    key(
        "tenant",
        Kind::Text,
        "(must be given)",
        "the retailer whose stores these are; letters, digits, `-`, `_`, `.`",
    ),
    key(
        "data_dir",
        Kind::Text,
        "(must be given here or as --data)",
        "directory of the database and the catalogue files",
    ),
    key(
        "database.url",
        Kind::Text,
        "(SQLite in data_dir)",
        "`sqlite`, or a PostgreSQL as `postgres://USER@HOST:PORT/NAME`",
    ),
    key(
        "database.url_file",
        Kind::Text,
        "(none)",
        "file holding the address, instead of `database.url`, where it has a password",
    ),
    key(
        "worker.name",
        Kind::Text,
        "(the only one)",
        "name of this worker where several share one PostgreSQL; each needs its own",
    ),
    key(
        "worker.group",
        Kind::Text,
        "shelf-hub",
        "the broker's share group of all workers on one database",
    ),
    key(
        "http.listen",
        Kind::Text,
        "127.0.0.1:8430",
        "address and port of the API; other than loopback needs `http.token_file`",
    ),
    key(
        "http.token_file",
        Kind::Text,
        "(no token)",
        "file holding the bearer token that the API asks for",
    ),
    key(
        "broker.url",
        Kind::Text,
        "mqtt://127.0.0.1:1883",
        "the MQTT 5 broker between the hub and the stores",
    ),
    key(
        "broker.username",
        Kind::Text,
        "(none)",
        "user name at the broker",
    ),
    key(
        "broker.password_file",
        Kind::Text,
        "(none)",
        "file holding the password at the broker",
    ),
    key(
        "enrolment.trust_first_use",
        Kind::Flag,
        "false",
        "take the key of an unknown PC on its first hello",
    ),
    key(
        "orders.compensate_after_ms",
        Kind::Number,
        "120000 ms",
        "how long units that a store sold twice wait for another store before an order loses them",
    ),
    key(
        "presence.silent_after_seconds",
        Kind::Number,
        "90 seconds",
        "from when on a PC that isn't heard is called silent (1 to 3600); PCs report every 30 seconds",
    ),
    key(
        "limits.group_messages_max",
        Kind::Number,
        "64 messages",
        "the most messages that one transaction takes (1 to 1024)",
    ),
];

/// The definition of a key.
#[must_use]
pub fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|it| it.path == path)
}

/// Whether a table of that name may stand in the file.
#[must_use]
pub fn is_table(path: &str) -> bool {
    KEYS.iter().any(|it| {
        it.path
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

/// The key that was probably meant: a small distance in letters, or the same last name.
#[must_use]
pub fn nearest(path: &str) -> Option<&'static str> {
    let last = path.rsplit('.').next().unwrap_or(path);
    let distance = |key: &Key| {
        let own = key.path.rsplit('.').next().unwrap_or(key.path);
        strsim::damerau_levenshtein(key.path, path).min(strsim::damerau_levenshtein(own, last) + 1)
    };
    let best = KEYS.iter().min_by_key(|it| distance(it))?;
    (distance(best) <= 1 + path.len() / 3).then_some(best.path)
}
