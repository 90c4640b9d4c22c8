//! Settings: small texts by key that a component of this PC wants to find again.

use rusqlite::OptionalExtension;

use crate::read::Read;
use crate::tables::TableError;
use crate::tx::Tx;

impl Tx<'_> {
    /// Keeps a text under a key, replacing what was there. Keys are `component.name`.
    pub fn setting_put(&mut self, key: &str, value: &str) -> Result<(), TableError> {
        self.connection()
            .prepare_cached(
                "INSERT INTO setting (key, value) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET value = excluded.value",
            )?
            .execute([key, value])?;
        Ok(())
    }
}

impl Read<'_> {
    /// The text under a key.
    pub fn setting(&self, key: &str) -> Result<Option<String>, TableError> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT value FROM setting WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }
}
