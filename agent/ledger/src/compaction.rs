//! Forgetting what is too old to be asked for: old documents, orders long at their end, free pages.
//!
//! What is closed and by which rule is `shelf_replica`'s and `shelf_stock`'s; this writes it, in
//! one job and so in one transaction: a kill leaves all of it or nothing. Pages that become free
//! are given back to the disk a few at a time, so that nobody waits for it.

use rusqlite::Connection;
use shelf_replica::opening::{Plan, PlanError, Retention, plan};
use shelf_replica::retention::{OrderRetention, Retired, retire_orders};

use crate::read::Read;
use crate::tables::TableError;
use crate::tx::{RecordError, Tx};

/// Old documents can't be closed; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// They can't be read.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// What stands for them can't be written.
    #[error("what stands for old documents can't be written")]
    Record(#[from] RecordError),
}

/// What was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// How many documents.
    pub documents: usize,
    /// Bytes of them.
    pub bytes: u64,
    /// How many of them go on by themselves.
    pub carried: usize,
    /// Documents that stand for them.
    pub parts: usize,
}

impl Closed {
    fn of(plan: &Plan) -> Self {
        Self {
            documents: plan.documents,
            bytes: plan.bytes,
            carried: plan.carried,
            parts: plan.drafts.len(),
        }
    }
}

impl Read<'_> {
    /// What [`Tx::close_old`] would do now.
    pub fn closable(&self, retention: &Retention) -> Result<Option<Closed>, PlanError> {
        let tables = self.tables();
        let plan = plan(tables, tables, self.node(), retention)?;
        Ok(plan.as_ref().map(Closed::of))
    }
}

impl Tx<'_> {
    /// Closes this PC's oldest documents as far as that may be; `None` where too few may.
    pub fn close_old(&mut self, retention: &Retention) -> Result<Option<Closed>, CloseError> {
        let plan = {
            let tables = self.tables();
            plan(tables, tables, self.node(), retention)?
        };
        let Some(plan) = plan else {
            return Ok(None);
        };
        for draft in &plan.drafts {
            self.record(draft)?;
        }
        Ok(Some(Closed::of(&plan)))
    }

    /// Looks at the next orders: the rows of those that are long at their end go.
    pub fn retire_orders(&mut self, retention: &OrderRetention) -> Result<Retired, TableError> {
        retire_orders(&mut self.replica_store(), retention)
    }

    /// Gives at most so many free pages back to the disk; how many are left. A ledger that was
    /// made before this was possible keeps them, and uses them again.
    pub fn give_back(&mut self, pages_max: u32) -> Result<u64, TableError> {
        give_back(self.connection(), pages_max)
    }
}

fn give_back(connection: &Connection, pages_max: u32) -> Result<u64, TableError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if pragma("auto_vacuum")? != i64::from(AUTO_VACUUM_INCREMENTAL) {
        return Ok(0);
    }
    {
        let sql = format!("PRAGMA incremental_vacuum({pages_max})");
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
    }
    Ok(pragma("freelist_count")?.unsigned_abs())
}

/// SQLite's number for giving pages back when it is asked to. Only a new database can be told.
pub(crate) const AUTO_VACUUM_INCREMENTAL: u32 = 2;
