//! What is held of every log, in memory: read once from the store, then kept up with it.
//!
//! Siblings and hub are told it often, and it is compared at every message of theirs; reading the
//! store for that each time would cost more than the messages do.

use std::collections::BTreeMap;
use std::ops::RangeFrom;

use shelf_stock::identity::Seq;

use crate::store::{LogId, Store};

/// Everything without gaps up to a number, by log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    loaded: bool,
    logs: BTreeMap<LogId, u64>,
}

impl Held {
    /// Reads the store, the first time.
    pub(crate) fn load<S: Store + ?Sized>(&mut self, store: &S) -> Result<(), S::Error> {
        if !self.loaded {
            let logs = store.logs()?;
            self.logs = logs.iter().map(|it| (it.log, it.upto.0)).collect();
            self.loaded = true;
        }
        Ok(())
    }

    /// A log is held up to here.
    pub(crate) fn grew(&mut self, log: LogId, upto: Seq) {
        let held = self.logs.entry(log).or_default();
        *held = (*held).max(upto.0);
    }

    pub(crate) fn upto(&self, log: LogId) -> u64 {
        self.logs.get(&log).copied().unwrap_or(0)
    }

    pub(crate) fn logs(&self) -> Vec<LogId> {
        self.logs.keys().copied().collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (LogId, u64)> {
        self.logs.iter().map(|(log, upto)| (*log, *upto))
    }

    pub(crate) fn from(&self, logs: RangeFrom<LogId>) -> impl Iterator<Item = (LogId, u64)> {
        self.logs.range(logs).map(|(log, upto)| (*log, *upto))
    }
}
