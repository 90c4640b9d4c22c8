//! Counts: assertions, closes and the steps derived from them, in PostgreSQL.

use shelf_stock::fold::{CloseRow, CountRow, Step};
use shelf_stock::location::Location;
use shelf_stock::name::{ItemId, SessionId};
use tokio_postgres::Row;

use super::super::StorageError;
use super::row;
use super::shop::PostgresShop;

/// A step of columns: quantity, cut, variance, window_from, window_to, ambiguous.
pub(super) fn step(row: &Row, at: usize) -> Result<Step, StorageError> {
    Ok(Step {
        quantity: row::quantity(row, at)?,
        cut: row::position(row, at + 1)?,
        variance: row::quantity(row, at + 2)?,
        window_from: row::time(row, at + 3)?,
        window_to: row::time(row, at + 4)?,
        ambiguous_movements: row::small(row, at + 5)?,
    })
}

/// An assertion of columns: item, location, position, line, session, area, quantity.
pub(super) fn count(row: &Row) -> Result<CountRow, StorageError> {
    Ok(CountRow {
        item: row::text(row, 0)?,
        location: row::location(row, 1)?,
        key: row::position(row, 2)?,
        line: row::line(row, 3)?,
        session: row::text(row, 4)?,
        area: row::text(row, 5)?,
        quantity: row::quantity(row, 6)?,
    })
}

/// A close of columns: session, location, item, position.
pub(super) fn close(row: &Row) -> Result<CloseRow, StorageError> {
    let item: &str = row::col(row, 2)?;
    Ok(CloseRow {
        session: row::text(row, 0)?,
        location: row::location(row, 1)?,
        item: match item {
            "" => None,
            _ => Some(row::text(row, 2)?),
        },
        key: row::position(row, 3)?,
    })
}

impl PostgresShop<'_, '_> {
    /// The last steps of an item, by location.
    pub(super) fn known_steps(&self, item: &ItemId) -> Result<Vec<(Location, Step)>, StorageError> {
        self.claim()?;
        let known = (self.store, item.clone());
        if let Some(steps) = self.work.known().steps.get(&known) {
            return Ok(steps.clone());
        }
        let rows = self.work.session.query(
            "SELECT DISTINCT ON (location) location, quantity, cut, variance, window_from,
             window_to, ambiguous FROM count_step WHERE store = $1 AND item = $2
             ORDER BY location, number DESC",
            &[&self.store.0, &item.as_str()],
        )?;
        let pair = |it: &Row| Ok((row::location(it, 0)?, step(it, 1)?));
        let steps = rows
            .iter()
            .map(pair)
            .collect::<Result<Vec<_>, StorageError>>()?;
        self.work.known().steps.insert(known, steps.clone());
        Ok(steps)
    }

    pub(super) fn put_count(&self, row: &CountRow) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO count_line
             (store, item, location, position, line, session, area, quantity)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            &[
                &self.store.0,
                &row.item.as_str(),
                &row.location.to_string(),
                &row.key.to_bytes().as_slice(),
                &i32::from(row.line),
                &row.session.as_str(),
                &row.area.as_str(),
                &row.quantity.as_thousandths(),
            ],
        )
    }

    pub(super) fn delete_count(&self, row: &CountRow) -> Result<(), StorageError> {
        self.put(
            "DELETE FROM count_line WHERE store = $1 AND item = $2 AND location = $3
             AND position = $4 AND line = $5",
            &[
                &self.store.0,
                &row.item.as_str(),
                &row.location.to_string(),
                &row.key.to_bytes().as_slice(),
                &i32::from(row.line),
            ],
        )
    }

    pub(super) fn counts_of(
        &self,
        item: &ItemId,
        location: &Location,
    ) -> Result<Vec<CountRow>, StorageError> {
        self.list(
            "SELECT item, location, position, line, session, area, quantity FROM count_line
             WHERE store = $1 AND item = $2 AND location = $3",
            &[&self.store.0, &item.as_str(), &location.to_string()],
            count,
        )
    }

    pub(super) fn items_of_session(
        &self,
        session: &SessionId,
        location: &Location,
    ) -> Result<Vec<ItemId>, StorageError> {
        self.list(
            "SELECT DISTINCT item FROM count_line
             WHERE store = $1 AND session = $2 AND location = $3",
            &[&self.store.0, &session.as_str(), &location.to_string()],
            |it| row::text(it, 0),
        )
    }

    pub(super) fn put_close(&self, row: &CloseRow) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO count_close (store, session, location, item, position)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            &[
                &self.store.0,
                &row.session.as_str(),
                &row.location.to_string(),
                &row.item.as_ref().map_or("", |it| it.as_str()),
                &row.key.to_bytes().as_slice(),
            ],
        )
    }

    pub(super) fn delete_close(&self, row: &CloseRow) -> Result<(), StorageError> {
        self.put(
            "DELETE FROM count_close WHERE store = $1 AND session = $2 AND location = $3
             AND item = $4 AND position = $5",
            &[
                &self.store.0,
                &row.session.as_str(),
                &row.location.to_string(),
                &row.item.as_ref().map_or("", |it| it.as_str()),
                &row.key.to_bytes().as_slice(),
            ],
        )
    }

    pub(super) fn closes_of_session(
        &self,
        session: &SessionId,
        location: &Location,
    ) -> Result<Vec<CloseRow>, StorageError> {
        self.list(
            "SELECT session, location, item, position FROM count_close
             WHERE store = $1 AND session = $2 AND location = $3 AND item = ''",
            &[&self.store.0, &session.as_str(), &location.to_string()],
            close,
        )
    }

    pub(super) fn closes_of_item(
        &self,
        item: &ItemId,
        location: &Location,
    ) -> Result<Vec<CloseRow>, StorageError> {
        self.list(
            "SELECT session, location, item, position FROM count_close
             WHERE store = $1 AND item = $2 AND location = $3",
            &[&self.store.0, &item.as_str(), &location.to_string()],
            close,
        )
    }

    pub(super) fn steps_of(
        &self,
        item: &ItemId,
        location: &Location,
    ) -> Result<Vec<Step>, StorageError> {
        self.list(
            "SELECT quantity, cut, variance, window_from, window_to, ambiguous FROM count_step
             WHERE store = $1 AND item = $2 AND location = $3 ORDER BY number",
            &[&self.store.0, &item.as_str(), &location.to_string()],
            |it| step(it, 0),
        )
    }

    pub(super) fn replace_steps(
        &self,
        item: &ItemId,
        location: &Location,
        steps: &[Step],
    ) -> Result<(), StorageError> {
        let at = location.to_string();
        self.put(
            "DELETE FROM count_step WHERE store = $1 AND item = $2 AND location = $3",
            &[&self.store.0, &item.as_str(), &at],
        )?;
        for (number, step) in (0_i32..).zip(steps) {
            self.put(
                "INSERT INTO count_step (store, item, location, number, quantity, cut, variance,
                 window_from, window_to, ambiguous)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                &[
                    &self.store.0,
                    &item.as_str(),
                    &at,
                    &number,
                    &step.quantity.as_thousandths(),
                    &step.cut.to_bytes().as_slice(),
                    &step.variance.as_thousandths(),
                    &step.window_from.as_millis(),
                    &step.window_to.as_millis(),
                    &i64::from(step.ambiguous_movements),
                ],
            )?;
        }
        let mut known = self.work.known();
        if let Some(lasts) = known.steps.get_mut(&(self.store, item.clone())) {
            lasts.retain(|(it, _)| it != location);
            lasts.extend(steps.last().map(|it| (location.clone(), *it)));
        }
        Ok(())
    }
}
