//! Payment intents: durable before the first byte goes to a terminal.
//!
//! The body is the payment machine's own JSON and must never hold card data beyond the last four
//! digits: the codec has reduced it before it can come here.

use rusqlite::params;
use shelf_stock::name::TillId;

use crate::read::Read;
use crate::tables::TableError;
use crate::tx::Tx;

/// A payment that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentIntent {
    /// Its id, made before anything is sent.
    pub id: String,
    /// At which till.
    pub till: TillId,
    /// Whether its outcome is still owed.
    pub is_open: bool,
    /// What the payment machine needs to go on after a crash, as JSON.
    pub body: String,
}

impl Tx<'_> {
    /// Writes an intent or replaces what was known of it.
    pub fn intent_put(&mut self, intent: &PaymentIntent) -> Result<(), TableError> {
        self.connection()
            .prepare_cached(
                "INSERT INTO payment_intent (id, till, is_open, body) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET till = excluded.till, is_open = excluded.is_open,
                 body = excluded.body",
            )?
            .execute(params![
                intent.id,
                intent.till.as_str(),
                intent.is_open,
                intent.body
            ])?;
        Ok(())
    }
}

impl Read<'_> {
    /// What is known of an intent, whether its outcome is owed or not.
    pub fn intent(&self, id: &str) -> Result<Option<PaymentIntent>, TableError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT till, is_open, body FROM payment_intent WHERE id = ?1")?;
        let mut rows = statement.query([id])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let till: String = row.get(0)?;
        Ok(Some(PaymentIntent {
            id: id.to_owned(),
            till: TillId::new(till).map_err(|_| TableError::Damaged { what: "till" })?,
            is_open: row.get(1)?,
            body: row.get(2)?,
        }))
    }

    /// Every intent whose outcome is still owed, by id.
    pub fn intents_open(&self) -> Result<Vec<PaymentIntent>, TableError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT id, till, body FROM payment_intent WHERE is_open = 1 ORDER BY id",
        )?;
        let rows = statement.query_map([], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?))
        })?;
        let mut intents = Vec::new();
        for row in rows {
            let (id, till, body) = row?;
            let till = TillId::new(till).map_err(|_| TableError::Damaged { what: "till" })?;
            intents.push(PaymentIntent {
                id,
                till,
                is_open: true,
                body,
            });
        }
        Ok(intents)
    }
}
