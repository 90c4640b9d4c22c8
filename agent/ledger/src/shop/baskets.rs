//! Open baskets: one row per event, durable before the screen shows it.

use rusqlite::params;
use shelf_stock::name::TillId;

use crate::read::Read;
use crate::tables::TableError;
use crate::tx::Tx;

/// One event of an open basket, as the till wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasketEvent {
    /// Which basket.
    pub basket: String,
    /// Its number within the basket, from 0.
    pub number: u64,
    /// The event, in the till's own JSON.
    pub event: String,
}

impl Tx<'_> {
    /// Adds an event to a basket. The number must be new in its basket: a second event of one
    /// number is an error, never an overwrite.
    pub fn basket_append(
        &mut self,
        till: &TillId,
        basket: &str,
        number: u64,
        event: &str,
    ) -> Result<(), TableError> {
        let number = i64::try_from(number).map_err(|_| TableError::Range { what: "event" })?;
        self.connection()
            .prepare_cached(
                "INSERT INTO basket_event (till, basket, number, event) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![till.as_str(), basket, number, event])?;
        Ok(())
    }

    /// Forgets a basket: it became a document, or the cashier gave it up.
    pub fn basket_clear(&mut self, till: &TillId, basket: &str) -> Result<(), TableError> {
        self.connection()
            .prepare_cached("DELETE FROM basket_event WHERE till = ?1 AND basket = ?2")?
            .execute([till.as_str(), basket])?;
        Ok(())
    }
}

impl Read<'_> {
    /// Every event of a till's open baskets, basket by basket in the order of their numbers.
    pub fn basket_load(&self, till: &TillId) -> Result<Vec<BasketEvent>, TableError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT basket, number, event FROM basket_event WHERE till = ?1
             ORDER BY basket, number",
        )?;
        let rows = statement.query_map([till.as_str()], |row| {
            Ok(BasketEvent {
                basket: row.get(0)?,
                number: row.get::<_, i64>(1)?.unsigned_abs(),
                event: row.get(2)?,
            })
        })?;
        rows.map(|row| row.map_err(TableError::from)).collect()
    }

    /// Tills with an open basket.
    pub fn basket_tills(&self) -> Result<Vec<TillId>, TableError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT DISTINCT till FROM basket_event ORDER BY till")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        let till = |row: rusqlite::Result<String>| {
            TillId::new(row?).map_err(|_| TableError::Damaged { what: "till" })
        };
        rows.map(till).collect()
    }
}
