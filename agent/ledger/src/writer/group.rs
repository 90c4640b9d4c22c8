//! One transaction for several jobs.
//!
//! Runs jobs until the group is full or has taken long enough, then commits. Answers nobody:
//! whoever calls it does so after it returned. It must leave no transaction open behind it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;
use shelf_stock::name::ItemId;

use super::{GROUP_US_MAX, Ran, Work};
use crate::failure::{self, Failure};
use crate::metrics::Metrics;
use crate::own::Own;
use crate::tables::Words;
use crate::tx::{Setting, Tx};

/// What a transaction did with the jobs it was given, in order.
pub(super) struct Committed {
    /// How many of them ran; the rest wait for the next transaction.
    pub(super) ran: usize,
}

/// A transaction didn't commit; nothing of it is in the ledger.
pub(super) struct Broken {
    pub(super) failure: Failure,
    pub(super) why: String,
    /// How many jobs it had run.
    pub(super) ran: usize,
}

/// Runs as many of `jobs` as fit one transaction and commits them.
pub(super) fn commit(
    connection: &Connection,
    setting: &Setting,
    own: &mut Own,
    (metrics, words): (&Metrics, &Words),
    (jobs, touched): (&mut Vec<Box<dyn Work>>, &mut Vec<ItemId>),
    before_commit: impl FnOnce(&mut Vec<Box<dyn Work>>, usize),
) -> Result<Committed, Broken> {
    let before = own.clone();
    let mut ran = 0;
    let result = begin(connection)
        .and_then(|()| {
            let jobs = (&mut jobs[..], &mut *touched);
            run(connection, setting, own, (metrics, words), jobs, &mut ran)
        })
        .and_then(|()| {
            before_commit(jobs, ran);
            statement(connection, "COMMIT")
        });
    match result {
        Ok(()) => {
            words.settle();
            Ok(Committed { ran })
        }
        Err(stop) => {
            *own = before;
            touched.clear();
            words.forget();
            if !connection.is_autocommit() {
                // If even this fails, the connection is closed by the caller: Fatal or not, the
                // transaction never becomes visible.
                drop(statement(connection, "ROLLBACK"));
            }
            Err(Broken {
                failure: stop.failure,
                why: stop.why,
                ran: ran.max(1),
            })
        }
    }
}

struct Stop {
    failure: Failure,
    why: String,
}

fn begin(connection: &Connection) -> Result<(), Stop> {
    statement(connection, "BEGIN IMMEDIATE")
}

fn run(
    connection: &Connection,
    setting: &Setting,
    own: &mut Own,
    (metrics, words): (&Metrics, &Words),
    (jobs, touched): (&mut [Box<dyn Work>], &mut Vec<ItemId>),
    ran: &mut usize,
) -> Result<(), Stop> {
    let started = setting.clock.mono_us();
    let alone = jobs.len() == 1;
    for job in jobs {
        if *ran > 0 && setting.clock.mono_us().saturating_sub(started) >= GROUP_US_MAX {
            break;
        }
        if !alone {
            statement(connection, "SAVEPOINT job")?;
        }
        let (before, touched_before) = (own.clone(), touched.len());
        let mut tx = Tx::new(connection, setting, own, words, touched);
        let outcome = catch_unwind(AssertUnwindSafe(|| job.run(&mut tx)));
        *ran += 1;
        let undo = match outcome {
            Ok(Ran::Keep) => false,
            Ok(Ran::Undo(failure)) => {
                if let Some(failure @ (Failure::Full | Failure::Fatal)) = failure {
                    let why = "a statement of the job failed".to_owned();
                    return Err(Stop { failure, why });
                }
                Metrics::add(&metrics.jobs_refused, 1);
                true
            }
            Err(_panic) => {
                job.panicked();
                Metrics::add(&metrics.jobs_panicked, 1);
                true
            }
        };
        if connection.is_autocommit() {
            let why = "SQLite ended the transaction by itself".to_owned();
            let failure = Failure::Other;
            return Err(Stop { failure, why });
        }
        if undo {
            *own = before;
            touched.truncate(touched_before);
            words.forget();
        }
        settle(connection, alone, undo)?;
    }
    Ok(())
}

/// Keeps or undoes what the job just did.
fn settle(connection: &Connection, alone: bool, undo: bool) -> Result<(), Stop> {
    match (alone, undo) {
        (true, false) => Ok(()),
        (true, true) => {
            statement(connection, "ROLLBACK")?;
            begin(connection)
        }
        (false, false) => statement(connection, "RELEASE job"),
        (false, true) => {
            statement(connection, "ROLLBACK TO job")?;
            statement(connection, "RELEASE job")
        }
    }
}

fn statement(connection: &Connection, sql: &'static str) -> Result<(), Stop> {
    let done = connection
        .prepare_cached(sql)
        .and_then(|mut it| it.execute([]));
    done.map(drop).map_err(|error| Stop {
        failure: error
            .sqlite_error_code()
            .map_or(Failure::Other, failure::of_code),
        why: error.to_string(),
    })
}
