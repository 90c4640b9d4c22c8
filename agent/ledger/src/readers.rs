//! Read-only connections for everyone who asks.
//!
//! A few connections, opened when first needed, each used by one thread at a time. Every read is
//! one transaction: a page is of one moment whatever the writer does meanwhile. A read that runs
//! longer than allowed is stopped, because it keeps the WAL from being used again.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use rusqlite::{Connection, ErrorCode};
use shelf_stock::fold::Rules;
use shelf_stock::identity::NodeId;

use crate::connection::open_reader;
use crate::environment::Clock;
use crate::metrics::Metrics;
use crate::read::Read;
use crate::tables::{Committed, StoreKey, TableError, Tables, Words};

/// Reads at the same time; more of them wait.
pub const READERS_MAX: usize = 4;
/// How long one read may take, in microseconds.
pub const READ_US_MAX: u64 = 1_000_000;

/// How many steps of SQLite's machine pass between two looks at the clock.
const STEPS_PER_LOOK: i32 = 50_000;

/// A read gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database can't be opened for reading.
    #[error("the ledger can't be opened for reading")]
    Open(#[source] rusqlite::Error),
    /// The read took too long and was stopped.
    #[error("the read took longer than a second and was stopped: ask for less")]
    TooLong,
    /// The tables failed.
    #[error(transparent)]
    Table(TableError),
}

impl From<TableError> for ReadError {
    fn from(error: TableError) -> Self {
        match &error {
            TableError::Sqlite(sqlite)
                if sqlite.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) =>
            {
                Self::TooLong
            }
            _ => Self::Table(error),
        }
    }
}

/// The connections. Cheap to clone.
#[derive(Clone)]
pub struct Readers {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    store: StoreKey,
    node: NodeId,
    rules: Rules,
    metrics: Arc<Metrics>,
    words: Arc<Committed>,
    pool: Mutex<Pool>,
    returned: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Reader>,
    /// Threads that wait for one to come back.
    waiting: usize,
    started_us: Vec<Arc<AtomicU64>>,
}

struct Reader {
    connection: Connection,
    words: Words,
    /// When the running read began; 0: none.
    started_us: Arc<AtomicU64>,
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readers")
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}

/// What readers are made of.
pub(crate) struct ReadersParts {
    pub(crate) path: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: StoreKey,
    pub(crate) node: NodeId,
    pub(crate) rules: Rules,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) words: Arc<Committed>,
}

impl Readers {
    pub(crate) fn new(parts: ReadersParts) -> Self {
        Self {
            shared: Arc::new(Shared {
                path: parts.path,
                clock: parts.clock,
                store: parts.store,
                node: parts.node,
                rules: parts.rules,
                metrics: parts.metrics,
                words: parts.words,
                pool: Mutex::default(),
                returned: Condvar::new(),
            }),
        }
    }

    /// Runs `read` in one read transaction on this thread, waiting for a free connection. Not
    /// inside an async task: on a blocking thread.
    pub fn with<T>(
        &self,
        read: impl FnOnce(&Read<'_>) -> Result<T, TableError>,
    ) -> Result<T, ReadError> {
        let lease = Lease {
            shared: &self.shared,
            reader: Some(self.shared.take()?),
        };
        match &lease.reader {
            Some(reader) => Ok(self.shared.run(reader, read)?),
            None => Err(ReadError::TooLong),
        }
    }

    /// As [`Readers::with`] for a single query, which is a moment by itself: without a transaction
    /// around it, for the look-up that every scan makes.
    pub fn with_one<T>(
        &self,
        read: impl FnOnce(&Read<'_>) -> Result<T, TableError>,
    ) -> Result<T, ReadError> {
        let lease = Lease {
            shared: &self.shared,
            reader: Some(self.shared.take()?),
        };
        match &lease.reader {
            Some(reader) => Ok(self.shared.ask(reader, read)?),
            None => Err(ReadError::TooLong),
        }
    }

    /// Notes in the metrics when the oldest running read began.
    pub(crate) fn note_oldest(&self) {
        let pool = self
            .shared
            .pool
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let running = pool.started_us.iter().map(|it| it.load(Ordering::Relaxed));
        let oldest = running.filter(|it| *it > 0).min().unwrap_or(0);
        Metrics::set(&self.shared.metrics.oldest_read_started_us, oldest);
    }
}

/// Gives the connection back however the read ends, a panic included.
struct Lease<'s> {
    shared: &'s Shared,
    reader: Option<Reader>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let Some(reader) = self.reader.take() else {
            return;
        };
        reader.started_us.store(0, Ordering::Relaxed);
        if !reader.connection.is_autocommit() {
            // Nothing was written: ending it can't fail in a way that matters to the answer.
            drop(statement(&reader.connection, "COMMIT"));
        }
        self.shared.give_back(reader);
    }
}

impl Shared {
    fn take(&self) -> Result<Reader, ReadError> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(reader) = pool.idle.pop() {
                return Ok(reader);
            }
            if pool.started_us.len() < READERS_MAX {
                let reader = self.open()?;
                pool.started_us.push(Arc::clone(&reader.started_us));
                return Ok(reader);
            }
            pool.waiting += 1;
            pool = self
                .returned
                .wait(pool)
                .unwrap_or_else(PoisonError::into_inner);
            pool.waiting -= 1;
        }
    }

    fn open(&self) -> Result<Reader, ReadError> {
        let mut connection = open_reader(&self.path).map_err(ReadError::Open)?;
        let started_us = Arc::new(AtomicU64::new(0));
        let (clock, started, metrics) = (
            Arc::clone(&self.clock),
            Arc::clone(&started_us),
            Arc::clone(&self.metrics),
        );
        let too_long = move || {
            let begun = started.load(Ordering::Relaxed);
            let over = begun > 0 && clock.mono_us().saturating_sub(begun) > READ_US_MAX;
            if over {
                Metrics::add(&metrics.reads_stopped, 1);
            }
            over
        };
        connection
            .progress_handler(STEPS_PER_LOOK, Some(too_long))
            .map_err(ReadError::Open)?;
        Ok(Reader {
            connection,
            words: Words::of_reader(Arc::clone(&self.words)),
            started_us,
        })
    }

    fn give_back(&self, reader: Reader) {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.idle.push(reader);
        let awaited = pool.waiting > 0;
        drop(pool);
        if awaited {
            // Waking nobody is a system call too.
            self.returned.notify_one();
        }
    }

    fn run<T>(
        &self,
        reader: &Reader,
        read: impl FnOnce(&Read<'_>) -> Result<T, TableError>,
    ) -> Result<T, TableError> {
        statement(&reader.connection, "BEGIN")?;
        self.ask(reader, read)
    }

    fn ask<T>(
        &self,
        reader: &Reader,
        read: impl FnOnce(&Read<'_>) -> Result<T, TableError>,
    ) -> Result<T, TableError> {
        let started_us = self.clock.mono_us().max(1);
        reader.started_us.store(started_us, Ordering::Relaxed);
        let tables = Tables::with_words(&reader.connection, self.store, self.rules, &reader.words);
        read(&Read::new(tables, self.node))
    }
}

fn statement(connection: &Connection, sql: &'static str) -> Result<(), TableError> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}
