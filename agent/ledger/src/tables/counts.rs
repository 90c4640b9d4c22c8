//! Counts: assertions, closes and the steps derived from them.

use rusqlite::{Params, Row, params};
use shelf_stock::fold::{CloseRow, CountRow, Step, StepsRow};
use shelf_stock::location::Location;
use shelf_stock::name::{AreaId, ItemId, SessionId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::sources::position_of;
use super::{TableError, Tables};

/// A close that speaks for every counted item.
const EVERY_ITEM: i64 = 0;

/// item, location, position, line, session, area, quantity
type CountColumns = (i64, i64, Vec<u8>, u16, i64, i64, i64);
/// session, location, item, position
type CloseColumns = (i64, i64, i64, Vec<u8>);
/// quantity, cut, variance, window_from, window_to, ambiguous
type StepColumns = (i64, Vec<u8>, i64, i64, i64, u32);

/// Lines of counts of this store that are so.
macro_rules! counts {
    ($also:literal) => {
        concat!(
            "SELECT item, location, position, line, session, area, quantity FROM count_line
             WHERE store = ?1 ",
            $also
        )
    };
}

/// Closes of this store that are so.
macro_rules! closes {
    ($also:literal) => {
        concat!(
            "SELECT session, location, item, position FROM count_close WHERE store = ?1 ",
            $also
        )
    };
}

/// Steps of an item at a location.
macro_rules! steps {
    ($order:literal) => {
        concat!(
            "SELECT quantity, cut, variance, window_from, window_to, ambiguous FROM count_step
             WHERE store = ?1 AND item = ?2 AND location = ?3 ",
            $order
        )
    };
}

fn step_columns(row: &Row<'_>) -> rusqlite::Result<StepColumns> {
    row.try_into()
}

pub(super) fn step_of(columns: StepColumns) -> Result<Step, TableError> {
    let (quantity, cut, variance, from, to, ambiguous) = columns;
    Ok(Step {
        quantity: Quantity::thousandths(quantity),
        cut: position_of(&cut)?,
        variance: Quantity::thousandths(variance),
        window_from: Timestamp::from_millis(from),
        window_to: Timestamp::from_millis(to),
        ambiguous_movements: ambiguous,
    })
}

impl Tables<'_> {
    pub(super) fn put_count(&self, row: &CountRow) -> Result<(), TableError> {
        self.run(
            "INSERT OR IGNORE INTO count_line
             (store, item, location, position, line, session, area, quantity)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                self.store.0,
                self.word_or_new(row.item.as_str())?,
                self.location_or_new(&row.location)?,
                row.key.to_bytes(),
                row.line,
                self.word_or_new(row.session.as_str())?,
                self.word_or_new(row.area.as_str())?,
                row.quantity.as_thousandths(),
            ],
        )
    }

    pub(super) fn delete_count(&self, row: &CountRow) -> Result<(), TableError> {
        self.run(
            "DELETE FROM count_line WHERE store = ?1 AND item = ?2 AND location = ?3
             AND position = ?4 AND line = ?5",
            params![
                self.store.0,
                self.word_or_new(row.item.as_str())?,
                self.location_or_new(&row.location)?,
                row.key.to_bytes(),
                row.line
            ],
        )
    }

    fn count_of(&self, columns: CountColumns) -> Result<CountRow, TableError> {
        let (item, location, position, line, session, area, quantity) = columns;
        Ok(CountRow {
            item: self.text(item, ItemId::new)?,
            location: self.location_of(location)?,
            key: position_of(&position)?,
            line,
            session: self.text(session, SessionId::new)?,
            area: self.text(area, AreaId::new)?,
            quantity: Quantity::thousandths(quantity),
        })
    }

    fn count_rows(
        &self,
        sql: &'static str,
        params: impl Params,
    ) -> Result<Vec<CountRow>, TableError> {
        let rows: Vec<CountColumns> = self.rows(sql, params, |row| row.try_into())?;
        rows.into_iter().map(|it| self.count_of(it)).collect()
    }

    /// The numbers of a word and a place; `None`: one of them was never written.
    fn known(&self, word: &str, location: &Location) -> Result<Option<(i64, i64)>, TableError> {
        Ok(self.word(word)?.zip(self.location(location)?))
    }

    pub(super) fn counts_of(
        &self,
        item: &ItemId,
        location: &Location,
    ) -> Result<Vec<CountRow>, TableError> {
        let Some((item, at)) = self.known(item.as_str(), location)? else {
            return Ok(Vec::new());
        };
        let sql = counts!("AND item = ?2 AND location = ?3");
        self.count_rows(sql, [self.store.0, item, at])
    }

    pub(super) fn every_count(&self) -> Result<Vec<CountRow>, TableError> {
        self.count_rows(counts!(""), [self.store.0])
    }

    pub(super) fn items_of_session(
        &self,
        session: &SessionId,
        location: &Location,
    ) -> Result<Vec<ItemId>, TableError> {
        let Some((session, at)) = self.known(session.as_str(), location)? else {
            return Ok(Vec::new());
        };
        let items: Vec<i64> = self.rows(
            "SELECT DISTINCT item FROM count_line
             WHERE store = ?1 AND session = ?2 AND location = ?3",
            [self.store.0, session, at],
            |row| row.get(0),
        )?;
        items
            .into_iter()
            .map(|it| self.text(it, ItemId::new))
            .collect()
    }

    pub(super) fn put_close(&self, row: &CloseRow) -> Result<(), TableError> {
        self.run(
            "INSERT OR IGNORE INTO count_close (store, session, location, item, position)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                self.store.0,
                self.word_or_new(row.session.as_str())?,
                self.location_or_new(&row.location)?,
                self.close_item(row.item.as_ref())?,
                row.key.to_bytes()
            ],
        )
    }

    pub(super) fn delete_close(&self, row: &CloseRow) -> Result<(), TableError> {
        self.run(
            "DELETE FROM count_close WHERE store = ?1 AND session = ?2 AND location = ?3
             AND item = ?4 AND position = ?5",
            params![
                self.store.0,
                self.word_or_new(row.session.as_str())?,
                self.location_or_new(&row.location)?,
                self.close_item(row.item.as_ref())?,
                row.key.to_bytes()
            ],
        )
    }

    fn close_item(&self, item: Option<&ItemId>) -> Result<i64, TableError> {
        item.map_or(Ok(EVERY_ITEM), |it| self.word_or_new(it.as_str()))
    }

    fn close_of(&self, columns: CloseColumns) -> Result<CloseRow, TableError> {
        let (session, location, item, position) = columns;
        Ok(CloseRow {
            session: self.text(session, SessionId::new)?,
            location: self.location_of(location)?,
            item: match item {
                EVERY_ITEM => None,
                item => Some(self.text(item, ItemId::new)?),
            },
            key: position_of(&position)?,
        })
    }

    fn close_rows(
        &self,
        sql: &'static str,
        params: impl Params,
    ) -> Result<Vec<CloseRow>, TableError> {
        let rows: Vec<CloseColumns> = self.rows(sql, params, |row| row.try_into())?;
        rows.into_iter().map(|it| self.close_of(it)).collect()
    }

    pub(super) fn closes_of_session(
        &self,
        session: &SessionId,
        location: &Location,
    ) -> Result<Vec<CloseRow>, TableError> {
        let Some((session, at)) = self.known(session.as_str(), location)? else {
            return Ok(Vec::new());
        };
        let sql = closes!("AND session = ?2 AND location = ?3 AND item = 0");
        self.close_rows(sql, [self.store.0, session, at])
    }

    pub(super) fn closes_of_item(
        &self,
        item: &ItemId,
        location: &Location,
    ) -> Result<Vec<CloseRow>, TableError> {
        let Some((item, at)) = self.known(item.as_str(), location)? else {
            return Ok(Vec::new());
        };
        let sql = closes!("AND item = ?2 AND item <> 0 AND location = ?3");
        self.close_rows(sql, [self.store.0, item, at])
    }

    pub(super) fn every_close(&self) -> Result<Vec<CloseRow>, TableError> {
        self.close_rows(closes!(""), [self.store.0])
    }

    pub(super) fn last_step(
        &self,
        item: &ItemId,
        location: &Location,
    ) -> Result<Option<Step>, TableError> {
        let Some((item, at)) = self.known(item.as_str(), location)? else {
            return Ok(None);
        };
        let key = (self.store.0, item, at);
        if let Some(known) = self.waiting.and_then(|it| it.step(key)) {
            return Ok(known);
        }
        let found = self.row(
            steps!("ORDER BY number DESC LIMIT 1"),
            [self.store.0, item, at],
            step_columns,
        )?;
        let step = found.map(step_of).transpose()?;
        if let Some(waiting) = self.waiting {
            waiting.know_step(key, step);
        }
        Ok(step)
    }

    pub(super) fn steps_of(
        &self,
        item: &ItemId,
        location: &Location,
    ) -> Result<Vec<Step>, TableError> {
        let Some((item, at)) = self.known(item.as_str(), location)? else {
            return Ok(Vec::new());
        };
        let rows = self.rows(
            steps!("ORDER BY number"),
            [self.store.0, item, at],
            step_columns,
        )?;
        rows.into_iter().map(step_of).collect()
    }

    pub(super) fn replace_steps(
        &self,
        item: &ItemId,
        location: &Location,
        steps: &[Step],
    ) -> Result<(), TableError> {
        let item = self.word_or_new(item.as_str())?;
        let at = self.location_or_new(location)?;
        if let Some(waiting) = self.waiting {
            waiting.know_step((self.store.0, item, at), steps.last().copied());
        }
        self.run(
            "DELETE FROM count_step WHERE store = ?1 AND item = ?2 AND location = ?3",
            [self.store.0, item, at],
        )?;
        for (number, step) in (0_i64..).zip(steps) {
            self.run(
                "INSERT INTO count_step (store, item, location, number, quantity, cut, variance,
                 window_from, window_to, ambiguous)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    self.store.0,
                    item,
                    at,
                    number,
                    step.quantity.as_thousandths(),
                    step.cut.to_bytes(),
                    step.variance.as_thousandths(),
                    step.window_from.as_millis(),
                    step.window_to.as_millis(),
                    step.ambiguous_movements
                ],
            )?;
        }
        Ok(())
    }

    pub(super) fn every_step(&self) -> Result<Vec<StepsRow>, TableError> {
        let pairs: Vec<(i64, i64)> = self.rows(
            "SELECT DISTINCT item, location FROM count_step WHERE store = ?1",
            [self.store.0],
            |row| row.try_into(),
        )?;
        let steps = |(item, location)| {
            let item = self.text(item, ItemId::new)?;
            let location = self.location_of(location)?;
            let steps = self.steps_of(&item, &location)?;
            Ok(StepsRow {
                item,
                location,
                steps,
            })
        };
        pairs.into_iter().map(steps).collect()
    }
}
