//! Rows that wait in a transaction of many documents, and what was read in it.
//!
//! A hub folds thousands of documents in one transaction. Their movements and what they add to
//! balances need not stand in the tables before somebody reads them: they wait here and go in
//! sorted like the tables, many rows a statement. What the fold asks for with every document
//! (where a log ends, the last count of an item) is read once. All of it belongs to one
//! transaction: its holder calls [`Waiting::settle`] before the commit and [`Waiting::forget`]
//! after whatever ended the transaction, else rows are lost or outlive what undid them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use rusqlite::{Connection, params_from_iter};
use shelf_stock::fold::Step;

use super::{DocumentKey, TableError, Tables};

/// Movements that wait at most, and items whose counts are remembered at most: bounds the memory
/// of a transaction.
pub const WAITING_ROWS_MAX: usize = 65_536;

/// Rows of one statement.
const ROWS: usize = 16;

/// store, item, effective, document, line, from, to, quantity
pub(super) type MovementColumns = [i64; 8];
/// store, item, location
pub(super) type At = (i64, i64, i64);

/// How much of a log is here: its highest number, and the noted end of the run before a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) last: i64,
    pub(super) noted: Option<i64>,
}

/// What waits in a transaction, and what it knows.
#[derive(Default)]
pub struct Waiting(RefCell<Rows>);

#[derive(Default)]
struct Rows {
    movements: Vec<MovementColumns>,
    sums: HashMap<At, i64>,
    tails: HashMap<i64, Tail>,
    steps: HashMap<At, Option<Step>>,
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("movements", &self.0.borrow().movements.len())
            .finish_non_exhaustive()
    }
}

impl Waiting {
    /// The transaction was committed or undone: nothing of it may be used again.
    pub fn forget(&self) {
        let mut rows = self.0.borrow_mut();
        rows.movements.clear();
        rows.sums.clear();
        rows.tails.clear();
        rows.steps.clear();
    }

    pub(super) fn movement(&self, columns: MovementColumns) {
        self.0.borrow_mut().movements.push(columns);
    }

    pub(super) fn add(&self, at: At, thousandths: i64) {
        let mut rows = self.0.borrow_mut();
        let sum = rows.sums.entry(at).or_default();
        *sum = sum.saturating_add(thousandths);
    }

    fn is_full(&self) -> bool {
        let rows = self.0.borrow();
        rows.movements.len() >= WAITING_ROWS_MAX || rows.sums.len() >= WAITING_ROWS_MAX
    }

    pub(super) fn tail(&self, author: i64) -> Option<Tail> {
        self.0.borrow().tails.get(&author).copied()
    }

    pub(super) fn know_tail(&self, author: i64, tail: Tail) {
        self.0.borrow_mut().tails.insert(author, tail);
    }

    /// A log's end changed otherwise than by a document: it is read again.
    pub(super) fn forget_tail(&self, author: i64) {
        self.0.borrow_mut().tails.remove(&author);
    }

    /// A document stands in its log.
    pub(super) fn stored(&self, key: DocumentKey) {
        if let Some(tail) = self.0.borrow_mut().tails.get_mut(&key.author()) {
            tail.last = tail.last.max(key.seq().0.cast_signed());
        }
    }

    pub(super) fn step(&self, at: At) -> Option<Option<Step>> {
        self.0.borrow().steps.get(&at).copied()
    }

    pub(super) fn know_step(&self, at: At, step: Option<Step>) {
        let mut rows = self.0.borrow_mut();
        if rows.steps.len() >= WAITING_ROWS_MAX {
            rows.steps.clear();
        }
        rows.steps.insert(at, step);
    }

    /// Writes what waits: before the commit.
    pub fn settle(&self, connection: &Connection) -> Result<(), TableError> {
        let mut rows = self.0.borrow_mut();
        if !rows.movements.is_empty() {
            rows.movements.sort_unstable();
            write(connection, &rows.movements, &MOVEMENTS)?;
            rows.movements.clear();
        }
        if !rows.sums.is_empty() {
            let sums = rows.sums.drain();
            let mut sums: Vec<[i64; 4]> = sums.map(|((s, i, l), sum)| [s, i, l, sum]).collect();
            sums.sort_unstable();
            write(connection, &sums, &BALANCES)?;
        }
        Ok(())
    }
}

/// The statements for one row and for [`ROWS`].
type Statements = LazyLock<[String; 2]>;

static MOVEMENTS: Statements = LazyLock::new(|| {
    statements(
        "INSERT OR IGNORE INTO movement
         (store, item, effective, document, line, from_location, to_location, quantity) VALUES ",
        "(?, ?, ?, ?, ?, ?, ?, ?)",
        "",
    )
});

static BALANCES: Statements = LazyLock::new(|| {
    statements(
        "INSERT INTO balance (store, item, location, quantity) VALUES ",
        "(?, ?, ?, ?)",
        " ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity",
    )
});

fn statements(before: &str, row: &str, after: &str) -> [String; 2] {
    let of = |rows| format!("{before}{}{after}", vec![row; rows].join(", "));
    [of(1), of(ROWS)]
}

fn write<const COLUMNS: usize>(
    connection: &Connection,
    rows: &[[i64; COLUMNS]],
    statements: &[String; 2],
) -> Result<(), TableError> {
    let [one, many] = statements;
    let (chunks, rest) = rows.as_chunks::<ROWS>();
    let mut statement = connection.prepare_cached(many)?;
    for chunk in chunks {
        statement.execute(params_from_iter(chunk.as_flattened()))?;
    }
    let mut statement = connection.prepare_cached(one)?;
    for row in rest {
        statement.execute(params_from_iter(row))?;
    }
    Ok(())
}

impl Tables<'_> {
    /// Writes what waits, if anything does: before something reads it, and before the commit.
    pub fn settle(&self) -> Result<(), TableError> {
        match self.waiting {
            Some(waiting) => waiting.settle(self.connection),
            None => Ok(()),
        }
    }

    pub(super) fn settle_if_full(&self) -> Result<(), TableError> {
        match self.waiting {
            Some(waiting) if waiting.is_full() => waiting.settle(self.connection),
            _ => Ok(()),
        }
    }
}
