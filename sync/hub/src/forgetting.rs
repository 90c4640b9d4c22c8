//! Orders that are long at their end are forgotten, one store after the other, beside the work.
//!
//! Documents need nothing here: a PC's opening closes them in the transaction that stores it. This
//! looks at some hundred orders of one store at a time, so that no transaction grows by much.

use shelf_replica::retention::{OrderRetention, retire_orders};

use crate::platform::Moment;
use crate::storage::{StorageError, StoreKey, Transaction};

/// Milliseconds between two looks.
const PAUSE_MS: u64 = 60_000;
/// Orders and marks that one look takes in.
const LOOKED_AT_MAX: usize = 500;

/// Where it stands.
#[derive(Debug, Default)]
pub struct Forgetting {
    due_ms: u64,
    last: Option<StoreKey>,
}

impl Forgetting {
    /// Looks at the next store, if it is time.
    pub fn look(&mut self, transaction: &dyn Transaction, now: Moment) -> Result<(), StorageError> {
        if now.mono_ms < self.due_ms {
            return Ok(());
        }
        self.due_ms = now.mono_ms.saturating_add(PAUSE_MS);
        let stores = transaction.stores()?;
        let keys = || stores.iter().map(|it| it.key);
        let next = keys().filter(|it| self.last.is_none_or(|last| *it > last));
        let Some(next) = next.min().or_else(|| keys().min()) else {
            return Ok(());
        };
        self.last = Some(next);
        let retention = OrderRetention {
            looked_at_max: LOOKED_AT_MAX,
            ..OrderRetention::usual(now.wall)
        };
        let retired = retire_orders(&mut *transaction.shop(next), &retention)?;
        if retired.orders + retired.marks > 0 {
            tracing::info!(
                ?retired,
                store = next.0,
                "orders long at their end were forgotten"
            );
        }
        Ok(())
    }
}
