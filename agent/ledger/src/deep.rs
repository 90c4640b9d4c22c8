//! The check after READY: SQLite's quick check on a thread and a connection of its own.
//!
//! It reads every page while the shop trades, so it must not hold the daemon's start nor the
//! readers. What it finds is for the page and the log; it never stops the writer by itself.

use std::io;
use std::thread::JoinHandle;

use crate::check::{self, CheckReport};
use crate::connection::open_reader;
use crate::open::Ledger;
use crate::tables::{TableError, Tables};

/// How much to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// SQLite's structure.
    Quick,
    /// Also every document and every balance.
    Deep,
}

/// A check that runs.
#[derive(Debug)]
pub struct RunningCheck {
    thread: JoinHandle<Result<CheckReport, TableError>>,
}

impl RunningCheck {
    /// Whether its result is there.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for its result; `None` where the check itself panicked.
    pub fn wait(self) -> Option<Result<CheckReport, TableError>> {
        self.thread.join().ok()
    }
}

impl Ledger {
    /// Checks the database on a thread of its own.
    pub fn start_check(&self, depth: Depth) -> io::Result<RunningCheck> {
        let (path, store, rules) = (self.paths().database(), self.store(), self.rules);
        let thread = std::thread::Builder::new()
            .name("ledger-check".to_owned())
            .spawn(move || {
                let connection = open_reader(&path)?;
                match depth {
                    Depth::Quick => check::quick(&connection),
                    Depth::Deep => {
                        connection.execute_batch("BEGIN")?;
                        check::deep(&Tables::new(&connection, store, rules))
                    }
                }
            })?;
        Ok(RunningCheck { thread })
    }
}
