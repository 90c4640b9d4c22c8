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

    /// Forgets what is kept under a key.
    pub fn setting_drop(&mut self, key: &str) -> Result<(), TableError> {
        self.connection()
            .prepare_cached("DELETE FROM setting WHERE key = ?1")?
            .execute([key])?;
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

    /// What is kept under keys that begin with `prefix`, in the order of the keys, at most `most`.
    pub fn settings_under(
        &self,
        prefix: &str,
        most: usize,
    ) -> Result<Vec<(String, String)>, TableError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT key, value FROM setting WHERE key >= ?1 AND key < ?1 || char(1114111)
             ORDER BY key LIMIT ?2",
        )?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map((prefix, most), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
