//! The machines of all stores over the one database.
//!
//! Each store has its own [`shelf_replica`] hub machine, made when the store is first heard and
//! made anew after a failed transaction: everything that counts is in the tables. Frames that
//! don't belong to this tenant or can't be read are counted and forgotten here; what is authentic
//! is the machine's to decide.

use rusqlite::Connection;
use shelf_ledger::tables::TableError;
use shelf_wire::topic::Topic;

use crate::catalogue::table::Published;
use crate::config::HubConfig;
use crate::metrics::Metrics;
use crate::platform::Moment;

/// The longest that the writer waits for an input.
const WAKE_MS_MAX: u64 = 1_000;

/// A frame from the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// Where it was said.
    pub topic: Topic,
    /// The packed message; empty for a cleared retained one.
    pub payload: Vec<u8>,
}

/// A frame for the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// Where to say it.
    pub topic: Topic,
    /// The packed message.
    pub payload: Vec<u8>,
    /// Whether the broker keeps it.
    pub retain: bool,
}

/// A transaction can't go on.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// SQLite said no.
    #[error("the hub's database refused a statement: {0}")]
    Database(#[from] rusqlite::Error),
    /// The tables said no.
    #[error("the hub's tables refused a row: {0}")]
    Table(#[from] TableError),
}

/// All machines.
#[derive(Debug, Default)]
pub struct Exchange {}

impl Exchange {
    /// The machines of every store that the database knows.
    pub fn new(_config: &HubConfig, _connection: &Connection) -> Result<Self, ExchangeError> {
        Ok(Self::default())
    }

    /// Takes a frame.
    pub fn frame(
        &mut self,
        _connection: &Connection,
        _now: Moment,
        _arrived: &Arrived,
        _leaving: &mut Vec<Leaving>,
    ) -> Result<(), ExchangeError> {
        Ok(())
    }

    /// A revision of the catalogue can be fetched.
    pub fn published(
        &mut self,
        _connection: &Connection,
        _now: Moment,
        _published: &Published,
        _leaving: &mut Vec<Leaving>,
    ) -> Result<(), ExchangeError> {
        Ok(())
    }

    /// Lets time pass.
    pub fn tick(
        &mut self,
        _connection: &Connection,
        _now: Moment,
        _leaving: &mut Vec<Leaving>,
    ) -> Result<(), ExchangeError> {
        Ok(())
    }

    /// In how many milliseconds a machine wants to be woken.
    #[must_use]
    pub fn wake_in_ms(&self, _now_ms: u64) -> u64 {
        WAKE_MS_MAX
    }

    /// The transaction was committed: what it did is counted.
    pub fn committed(&mut self, _metrics: &Metrics) {}

    /// The transaction failed: the machines are made anew.
    pub fn reset(&mut self) {}
}
