//! The catalogue: what the hub says about items, looked up by code, by number and by name.
//!
//! A register, replaced by the hub's revisions; documents never depend on it. Names are searched
//! by three-letter pieces (substring) and, for shorter input, by prefix.

use rusqlite::{Connection, OptionalExtension, params};
use shelf_stock::item::Item;
use shelf_stock::name::{Code, ItemId};

use crate::read::Read;
use crate::tables::TableError;
use crate::tx::Tx;

/// Letters that a word needs to be found anywhere in a name.
const PIECE_LETTERS: usize = 3;
const REVISION: &str = "catalogue.revision";

impl Tx<'_> {
    /// Adds items to the catalogue or replaces them, codes included.
    pub fn catalogue_put(&mut self, items: &[Item]) -> Result<(), TableError> {
        items.iter().try_for_each(|item| self.put_item(item))
    }

    /// Takes items out of the catalogue. Their stock stays.
    pub fn catalogue_remove(&mut self, items: &[ItemId]) -> Result<(), TableError> {
        for item in items {
            if let Some(key) = word(self.connection(), item.as_str())? {
                self.forget_item(key)?;
            }
        }
        Ok(())
    }

    /// Empties the catalogue, before a whole revision is put.
    pub fn catalogue_clear(&mut self) -> Result<(), TableError> {
        self.connection().execute_batch(
            "DELETE FROM catalogue; DELETE FROM catalogue_code;
             INSERT INTO catalogue_search (catalogue_search) VALUES ('delete-all');",
        )?;
        Ok(())
    }

    /// Notes which revision of the hub the catalogue is.
    pub fn set_catalogue_revision(&mut self, revision: u64) -> Result<(), TableError> {
        self.setting_put(REVISION, &revision.to_string())
    }

    fn put_item(&mut self, item: &Item) -> Result<(), TableError> {
        let connection = self.connection();
        let key = match word(connection, item.id.as_str())? {
            Some(key) => key,
            None => {
                connection
                    .prepare_cached("INSERT INTO word (text) VALUES (?1)")?
                    .execute([item.id.as_str()])?;
                connection.last_insert_rowid()
            }
        };
        self.forget_item(key)?;
        let folded = item.name.to_lowercase();
        let body = serde_json::to_string(item).map_err(|_| TableError::Damaged { what: "item" })?;
        connection
            .prepare_cached(
                "INSERT INTO catalogue (item, folded, quick_key, body) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![key, folded, item.quick_key, body])?;
        connection
            .prepare_cached("INSERT INTO catalogue_search (rowid, name) VALUES (?1, ?2)")?
            .execute(params![key, folded])?;
        for code in &item.codes {
            connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO catalogue_code (code, item) VALUES (?1, ?2)",
                )?
                .execute(params![code.as_str(), key])?;
        }
        Ok(())
    }

    fn forget_item(&mut self, key: i64) -> Result<(), TableError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("DELETE FROM catalogue WHERE item = ?1 RETURNING body")?;
        let body: Option<String> = statement.query_row([key], |row| row.get(0)).optional()?;
        let Some(body) = body else {
            return Ok(());
        };
        for code in parse(&body)?.codes {
            connection
                .prepare_cached("DELETE FROM catalogue_code WHERE code = ?1 AND item = ?2")?
                .execute(params![code.as_str(), key])?;
        }
        connection
            .prepare_cached("DELETE FROM catalogue_search WHERE rowid = ?1")?
            .execute([key])?;
        Ok(())
    }
}

impl Read<'_> {
    /// Which revision of the hub the catalogue is; 0 before the first.
    pub fn catalogue_revision(&self) -> Result<u64, TableError> {
        let text = self.setting(REVISION)?;
        Ok(text.and_then(|it| it.parse().ok()).unwrap_or(0))
    }

    /// The numbers of the catalogue's items above `after`, ascending: for whoever walks through
    /// all of them.
    pub fn catalogue_ids(
        &self,
        after: Option<&ItemId>,
        limit: usize,
    ) -> Result<Vec<ItemId>, TableError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT w.text FROM catalogue c JOIN word w ON w.key = c.item
             WHERE w.text > ?1 ORDER BY w.text LIMIT ?2",
        )?;
        let after = after.map_or("", ItemId::as_str);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![after, limit], |row| row.get::<_, String>(0))?;
        let id = |row: rusqlite::Result<String>| {
            ItemId::new(row?).map_err(|_| TableError::Damaged { what: "item" })
        };
        rows.map(id).collect()
    }

    /// How many items the catalogue has.
    pub fn catalogue_count(&self) -> Result<u64, TableError> {
        let count: i64 = self
            .connection()
            .prepare_cached("SELECT count(*) FROM catalogue")?
            .query_row([], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// An item by its number.
    pub fn item(&self, id: &ItemId) -> Result<Option<Item>, TableError> {
        let found = self.bodies(
            "SELECT c.body FROM catalogue c JOIN word w ON w.key = c.item WHERE w.text = ?1",
            &[&id.as_str()],
        )?;
        Ok(found.into_iter().next())
    }

    /// Every item that is sold under a code, in the order of their numbers in this ledger. More
    /// than one is a conflict of the catalogue that somebody has to settle; the till asks.
    pub fn items_by_code(&self, code: &Code) -> Result<Vec<Item>, TableError> {
        self.bodies(
            "SELECT c.body FROM catalogue_code k JOIN catalogue c ON c.item = k.item
             WHERE k.code = ?1 ORDER BY k.item",
            &[&code.as_str()],
        )
    }

    /// The item that is sold under a code, where there is exactly one.
    pub fn item_by_code(&self, code: &Code) -> Result<Option<Item>, TableError> {
        let mut items = self.items_by_code(code)?;
        match items.len() {
            1 => Ok(items.pop()),
            _ => Ok(None),
        }
    }

    /// Items by words of their names (anywhere for words of three letters and more, else at the
    /// beginning), by number or by code; by name, at most `limit`.
    pub fn item_search(&self, text: &str, limit: usize) -> Result<Vec<Item>, TableError> {
        let folded = text.trim().to_lowercase();
        if folded.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let mut items = self.exact(text.trim())?;
        let long = |it: &&str| it.chars().count() >= PIECE_LETTERS;
        let pieces: Vec<&str> = folded.split_whitespace().filter(long).collect();
        let limit_sql = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = if pieces.is_empty() {
            self.bodies(
                "SELECT body FROM catalogue WHERE folded >= ?1 AND folded < ?2
                 ORDER BY folded LIMIT ?3",
                &[&folded, &format!("{folded}\u{10FFFF}"), &limit_sql],
            )?
        } else {
            let quoted = |it: &&str| format!("\"{}\"", it.replace('"', "\"\""));
            let query: Vec<String> = pieces.iter().map(quoted).collect();
            self.bodies(
                "SELECT body FROM catalogue WHERE item IN
                 (SELECT rowid FROM catalogue_search WHERE catalogue_search MATCH ?1)
                 ORDER BY folded LIMIT ?2",
                &[&query.join(" AND "), &limit_sql],
            )?
        };
        let short_too = |it: &Item| {
            let name = it.name.to_lowercase();
            folded.split_whitespace().all(|word| name.contains(word))
        };
        for item in found.into_iter().filter(short_too) {
            if items.iter().all(|it| it.id != item.id) {
                items.push(item);
            }
        }
        items.truncate(limit);
        Ok(items)
    }

    /// Items whose names begin like this, whatever the case; the shortest names first, at most
    /// `limit`.
    pub fn items_named(&self, beginning: &str, limit: usize) -> Result<Vec<Item>, TableError> {
        let folded = beginning.trim().to_lowercase();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.bodies(
            "SELECT body FROM catalogue WHERE folded >= ?1 AND folded < ?2 ORDER BY folded LIMIT ?3",
            &[&folded, &format!("{folded}\u{10FFFF}"), &limit],
        )
    }

    /// Items with a quick key at the till, by its label.
    pub fn quick_keys(&self) -> Result<Vec<Item>, TableError> {
        self.bodies(
            "SELECT body FROM catalogue WHERE quick_key IS NOT NULL ORDER BY quick_key, item",
            &[],
        )
    }

    /// Items whose number or code is exactly this text.
    fn exact(&self, text: &str) -> Result<Vec<Item>, TableError> {
        let mut items = Vec::new();
        if let Ok(id) = ItemId::new(text) {
            items.extend(self.item(&id)?);
        }
        if let Ok(code) = Code::new(text) {
            items.extend(self.items_by_code(&code)?);
        }
        items.dedup_by(|a, b| a.id == b.id);
        Ok(items)
    }

    fn bodies(
        &self,
        sql: &'static str,
        params: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<Item>, TableError> {
        let mut statement = self.connection().prepare_cached(sql)?;
        let rows = statement.query_map(params, |row| row.get::<_, String>(0))?;
        rows.map(|row| parse(&row?)).collect()
    }
}

fn parse(body: &str) -> Result<Item, TableError> {
    serde_json::from_str(body).map_err(|_| TableError::Damaged { what: "catalogue" })
}

fn word(connection: &Connection, text: &str) -> Result<Option<i64>, TableError> {
    let mut statement = connection.prepare_cached("SELECT key FROM word WHERE text = ?1")?;
    Ok(statement.query_row([text], |row| row.get(0)).optional()?)
}
