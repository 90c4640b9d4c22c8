//! The opened ledger: its handles and its end.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use shelf_stock::fold::Rules;
use shelf_stock::identity::NodeId;
use shelf_stock::name::StoreId;
use shelf_wire::key::NodeKey;

use super::{OpenError, connect, lock, stand, trusted};
use crate::checkpointer::{self, Checkpointer};
use crate::connection::Durability;
use crate::environment::{Clock, Entropy};
use crate::files::{self, DirLock, Paths};
use crate::metrics::{Metrics, MetricsSnapshot};
use crate::own::{self, KeyError, Own};
use crate::readers::{Readers, ReadersParts};
use crate::tables::{Committed, StoreKey, Tables};
use crate::tx::Setting;
use crate::writer::{self, EngineParts, Writer, WriterThread};

/// Bytes of the warm WAL unless said otherwise: what [`crate::connection`] lets it grow to.
const WAL_BYTES_DEFAULT: u64 = 64 << 20;
/// Bytes of the ballast unless said otherwise.
const BALLAST_BYTES_DEFAULT: u64 = 32 << 20;

/// How to open a ledger.
#[derive(Clone)]
pub struct OpenOptions {
    /// The directory, which belongs to this ledger alone; made where it is missing.
    pub dir: PathBuf,
    /// Whose ledger it is. A directory belongs to one store for ever.
    pub store: StoreId,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where randomness comes from.
    pub entropy: Arc<dyn Entropy>,
    /// How counts are folded. Must not change while there are documents.
    pub rules: Rules,
    /// How many bytes of WAL to lay down where there is none; 0: none.
    pub wal_bytes: u64,
    /// How many bytes to keep in reserve for a full disk; 0: none.
    pub ballast_bytes: u64,
    /// Full, except in the test that must fail.
    pub durability: Durability,
    /// Answer jobs before the commit. The control of the kill test; never set it.
    pub control_answer_early: bool,
}

impl OpenOptions {
    /// Production settings for a store's ledger in a directory.
    pub fn new(
        dir: impl Into<PathBuf>,
        store: StoreId,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            dir: dir.into(),
            store,
            clock,
            entropy,
            rules: Rules::default(),
            wal_bytes: WAL_BYTES_DEFAULT,
            ballast_bytes: BALLAST_BYTES_DEFAULT,
            durability: Durability::Full,
            control_answer_early: false,
        }
    }
}

impl std::fmt::Debug for OpenOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenOptions")
            .field("dir", &self.dir)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// What opening found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenReport {
    /// There was no ledger; an empty one was made.
    pub created: bool,
    /// This PC got a new identity: it is new, or was restored from a backup.
    pub identity_created: bool,
    /// How many schema steps were taken.
    pub migrations: usize,
    /// Bytes of the WAL that was there before: above zero after a crash or a stop.
    pub wal_bytes_found: u64,
    /// The WAL was laid down with zeros.
    pub wal_warmed: bool,
    /// The ballast stands.
    pub ballast: bool,
    /// Logs of which something is stored.
    pub logs: u64,
    /// How long it took, in microseconds.
    pub took_us: u64,
}

/// An opened ledger. Dropping it closes it: accepted jobs are finished first.
#[derive(Debug)]
pub struct Ledger {
    paths: Paths,
    writer: Writer,
    readers: Readers,
    key: NodeKey,
    store: StoreKey,
    metrics: Arc<Metrics>,
    pub(crate) rules: Rules,
    writer_thread: WriterThread,
    checkpointer: Checkpointer,
}

/// A database that was looked at, with all that serving it takes.
struct Trusted {
    paths: Paths,
    key: NodeKey,
    held: DirLock,
    connection: Connection,
    setting: Setting,
    own: Own,
}

impl Ledger {
    /// Opens the ledger of a directory, or makes one where there is none.
    pub fn open(options: OpenOptions) -> Result<(Self, OpenReport), OpenError> {
        let started_us = options.clock.mono_us();
        let paths = Paths::new(&options.dir);
        let io = |what, path| move |source| OpenError::io(what, path, source);
        paths.make_dir().map_err(io("make", options.dir.clone()))?;
        let held = lock(&paths)?;
        let created = stand(&paths)?;
        let wal_bytes_found = files::length(&paths.wal()).map_err(io("look at", paths.wal()))?;
        let wal_warmed = paths
            .warm_wal(&held, options.wal_bytes)
            .map_err(io("lay down", paths.wal()))?;
        let ballast = paths
            .lay_ballast(options.ballast_bytes)
            .map_err(io("lay down", paths.ballast()))?;
        let (connection, migrations) = connect(&paths, options.durability)?;
        let (store, key, identity_created) = identify(&paths, &connection, &options)?;
        drop(connection);
        let setting = Setting {
            clock: Arc::clone(&options.clock),
            entropy: Arc::clone(&options.entropy),
            store,
            node: key.node_id(),
            rules: options.rules,
            durability: options.durability,
        };
        let (connection, own) = trusted(&paths, &setting, options.durability)?;
        let logs = count_logs(&paths, &connection, &setting)?;
        let ledger = Self::start(
            Trusted {
                paths,
                key,
                held,
                connection,
                setting,
                own,
            },
            &options,
        )?;
        let report = OpenReport {
            created,
            identity_created,
            migrations,
            wal_bytes_found,
            wal_warmed,
            ballast,
            logs,
            took_us: options.clock.mono_us().saturating_sub(started_us),
        };
        Ok((ledger, report))
    }

    /// Starts what serves a database that is trusted.
    fn start(trusted: Trusted, options: &OpenOptions) -> Result<Self, OpenError> {
        let Trusted {
            paths,
            key,
            held,
            connection,
            setting,
            own,
        } = trusted;
        let io = || {
            let path = paths.database();
            move |source| OpenError::io("start a thread for", path, source)
        };
        let (metrics, words) = (Arc::new(Metrics::default()), Arc::new(Committed::default()));
        let store = setting.store;
        let (asks, checkpointer) =
            checkpointer::start(paths.database(), Arc::clone(&metrics)).map_err(io())?;
        let (writer, writer_thread) = writer::start(EngineParts {
            paths: paths.clone(),
            connection,
            setting,
            own,
            words: Arc::clone(&words),
            metrics: Arc::clone(&metrics),
            touched: Arc::default(),
            lock: held,
            checkpointer: asks,
            answer_early: options.control_answer_early,
        })
        .map_err(io())?;
        let readers = Readers::new(ReadersParts {
            path: paths.database(),
            clock: Arc::clone(&options.clock),
            store,
            node: key.node_id(),
            rules: options.rules,
            metrics: Arc::clone(&metrics),
            words,
        });
        Ok(Self {
            paths,
            writer,
            readers,
            key,
            store,
            metrics,
            rules: options.rules,
            writer_thread,
            checkpointer,
        })
    }

    /// The way to change it.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// The way to ask it.
    pub fn readers(&self) -> &Readers {
        &self.readers
    }

    /// This PC's key, to sign heads with.
    pub fn key(&self) -> &NodeKey {
        &self.key
    }

    /// Who this PC is.
    pub fn node(&self) -> NodeId {
        self.key.node_id()
    }

    /// The store's number in the tables.
    pub fn store(&self) -> StoreKey {
        self.store
    }

    /// Where its files are.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// The live metrics, for whoever shows them while the ledger is open.
    pub fn live_metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// What it counted so far.
    pub fn metrics(&self) -> MetricsSnapshot {
        self.readers.note_oldest();
        self.metrics.snapshot()
    }

    /// Finishes what was accepted, checkpoints, and lets the directory go.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.writer_thread.close();
        self.checkpointer.join();
    }
}

/// Whose ledger this is and who this PC is; both are written at the first opening.
fn identify(
    paths: &Paths,
    connection: &Connection,
    options: &OpenOptions,
) -> Result<(StoreKey, NodeKey, bool), OpenError> {
    let table = |source| OpenError::table(paths.database(), source);
    let stores = Tables::stores(connection).map_err(table)?;
    let asked = options.store.as_str();
    if let Some((_, _, found)) = stores.iter().find(|(_, _, name)| name != asked) {
        return Err(OpenError::OtherStore {
            path: paths.database(),
            found: found.clone(),
            asked: asked.to_owned(),
        });
    }
    let store = Tables::store_key(connection, "", asked).map_err(table)?;
    let (key, created) = own::key(connection, &*options.entropy).map_err(|error| match error {
        KeyError::Sqlite(source) => OpenError::sqlite("read", paths.database())(source),
        KeyError::Entropy(source) => OpenError::Entropy { source },
    })?;
    Ok((store, key, created))
}

fn count_logs(paths: &Paths, connection: &Connection, setting: &Setting) -> Result<u64, OpenError> {
    let tables = Tables::new(connection, setting.store, setting.rules);
    let authors = tables.authors();
    let authors = authors.map_err(|source| OpenError::table(paths.database(), source))?;
    Ok(authors.len() as u64)
}
