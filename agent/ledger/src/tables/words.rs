//! Texts and locations as integers.

use rusqlite::OptionalExtension;
use shelf_stock::location::Location;
use shelf_stock::name::{NameError, StoreId};

use super::{TableError, Tables, Words};

/// Locations from here on are `transit:` and the word of the store.
const TRANSIT_BASE: i64 = 16;

impl Tables<'_> {
    /// The number of a text, if it has one.
    pub(super) fn word(&self, text: &str) -> Result<Option<i64>, TableError> {
        let words = self.words();
        if let Some(key) = words.get(text) {
            return Ok(Some(key));
        }
        let found = self.row("SELECT key FROM word WHERE text = ?1", [text], |row| {
            row.get(0)
        })?;
        if let Some(key) = found {
            words.remember(text, key);
        }
        Ok(found)
    }

    fn words(&self) -> &Words {
        self.kept_words.unwrap_or(&self.own_words)
    }

    /// The number of a text, given one where it is new.
    pub(super) fn word_or_new(&self, text: &str) -> Result<i64, TableError> {
        if let Some(key) = self.word(text)? {
            return Ok(key);
        }
        self.connection
            .prepare_cached("INSERT INTO word (text) VALUES (?1)")?
            .execute([text])?;
        let key = self.connection.last_insert_rowid();
        self.words().remember(text, key);
        Ok(key)
    }

    /// The text of a number, as the name that it was.
    pub(super) fn text<N>(
        &self,
        key: i64,
        name: impl FnOnce(String) -> Result<N, NameError>,
    ) -> Result<N, TableError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT text FROM word WHERE key = ?1")?;
        let text: Option<String> = statement.query_row([key], |row| row.get(0)).optional()?;
        let damaged = TableError::Damaged { what: "word list" };
        text.and_then(|it| name(it).ok()).ok_or(damaged)
    }

    /// The number of a location; `None` for a transit location that nothing uses.
    pub(super) fn location(&self, location: &Location) -> Result<Option<i64>, TableError> {
        match location {
            Location::Transit(store) => Ok(self.word(store.as_str())?.map(|it| TRANSIT_BASE + it)),
            fixed => Ok(fixed_key(fixed)),
        }
    }

    pub(super) fn location_or_new(&self, location: &Location) -> Result<i64, TableError> {
        match location {
            Location::Transit(store) => Ok(TRANSIT_BASE + self.word_or_new(store.as_str())?),
            fixed => fixed_key(fixed).ok_or(TableError::Damaged { what: "location" }),
        }
    }

    /// The location of a number in the tables.
    pub fn location_of(&self, key: i64) -> Result<Location, TableError> {
        Ok(match key {
            0 => Location::SalesFloor,
            1 => Location::Backroom,
            2 => Location::Staging,
            3 => Location::Inspection,
            4 => Location::Damaged,
            5 => Location::Supplier,
            6 => Location::Customer,
            7 => Location::Loss,
            word if word > TRANSIT_BASE => {
                Location::Transit(self.text(word - TRANSIT_BASE, StoreId::new)?)
            }
            _ => return Err(TableError::Damaged { what: "location" }),
        })
    }
}

fn fixed_key(location: &Location) -> Option<i64> {
    Some(match location {
        Location::SalesFloor => 0,
        Location::Backroom => 1,
        Location::Staging => 2,
        Location::Inspection => 3,
        Location::Damaged => 4,
        Location::Supplier => 5,
        Location::Customer => 6,
        Location::Loss => 7,
        Location::Transit(_) => return None,
    })
}
