//! Everything that was folded, for dumps, verification and the list of exceptions. These scan.

use shelf_stock::document::SourceKey;
use shelf_stock::fold::{
    BindRow, CloseRow, CountRow, DuplicateRow, FoldListing, GroupRow, MovementRow, OrderFactRow,
    StepsRow, UnboundRow, VoidRow,
};
use shelf_stock::identity::{Digest, Place};
use shelf_stock::location::Location;
use shelf_stock::name::{Code, ItemId};
use shelf_stock::quantity::Quantity;

use super::sources::{SourceColumns, position_of, source_columns, target_of};
use super::{DocumentKey, TableError, Tables};

impl FoldListing for Tables<'_> {
    fn all_closed(&self) -> Result<Vec<(Place, Digest)>, TableError> {
        self.every_closed()
    }

    fn all_groups(&self) -> Result<Vec<GroupRow>, TableError> {
        self.every_group()
    }

    fn all_sources(&self) -> Result<Vec<(SourceKey, Place)>, TableError> {
        let rows: Vec<(SourceColumns, i64)> = self.rows(
            "SELECT source, receipt, action, part, document FROM source_counted WHERE store = ?1",
            [self.store.0],
            |row| Ok((source_columns(row, 0)?, row.get(4)?)),
        )?;
        let named = |(columns, document)| {
            let place = self.place_of(DocumentKey(document))?;
            Ok((self.source_of(columns)?, place))
        };
        rows.into_iter().map(named).collect()
    }

    fn all_duplicates(&self) -> Result<Vec<DuplicateRow>, TableError> {
        let rows: Vec<(SourceColumns, i64)> = self.rows(
            "SELECT source, receipt, action, part, document FROM source_duplicate
             WHERE store = ?1",
            [self.store.0],
            |row| Ok((source_columns(row, 0)?, row.get(4)?)),
        )?;
        let named = |(columns, document)| {
            Ok(DuplicateRow {
                source: self.source_of(columns)?,
                place: self.place_of(DocumentKey(document))?,
            })
        };
        rows.into_iter().map(named).collect()
    }

    fn all_movements(&self) -> Result<Vec<MovementRow>, TableError> {
        self.every_movement()
    }

    fn all_balances(&self) -> Result<Vec<(ItemId, Location, Quantity)>, TableError> {
        self.settle()?;
        let rows: Vec<(i64, i64, i64)> = self.rows(
            "SELECT item, location, quantity FROM balance WHERE store = ?1 AND quantity <> 0",
            [self.store.0],
            |row| row.try_into(),
        )?;
        let named = |(item, location, quantity)| {
            let item = self.text(item, ItemId::new)?;
            let location = self.location_of(location)?;
            Ok((item, location, Quantity::thousandths(quantity)))
        };
        rows.into_iter().map(named).collect()
    }

    fn all_unbound(&self) -> Result<Vec<UnboundRow>, TableError> {
        let rows: Vec<(i64, i64, u16)> = self.rows(
            "SELECT code, document, line FROM unbound WHERE store = ?1",
            [self.store.0],
            |row| row.try_into(),
        )?;
        let named = |(code, document, line)| {
            Ok(UnboundRow {
                code: self.text(code, Code::new)?,
                place: self.place_of(DocumentKey(document))?,
                line,
            })
        };
        rows.into_iter().map(named).collect()
    }

    fn all_binds(&self) -> Result<Vec<BindRow>, TableError> {
        let rows: Vec<(i64, Vec<u8>)> = self.rows(
            "SELECT code, position FROM binding WHERE store = ?1",
            [self.store.0],
            |row| row.try_into(),
        )?;
        let named = |(code, position): (i64, Vec<u8>)| {
            Ok(BindRow {
                code: self.text(code, Code::new)?,
                key: position_of(&position)?,
            })
        };
        rows.into_iter().map(named).collect()
    }

    fn all_order_facts(&self) -> Result<Vec<OrderFactRow>, TableError> {
        self.every_order_fact()
    }

    fn all_voids(&self) -> Result<Vec<VoidRow>, TableError> {
        let rows: Vec<(String, i64)> = self.rows(
            "SELECT target, document FROM void_mark WHERE store = ?1",
            [self.store.0],
            |row| row.try_into(),
        )?;
        let named = |(target, document): (String, i64)| {
            Ok(VoidRow {
                of: target_of(&target)?,
                place: self.place_of(DocumentKey(document))?,
            })
        };
        rows.into_iter().map(named).collect()
    }

    fn all_counts(&self) -> Result<Vec<CountRow>, TableError> {
        self.every_count()
    }

    fn all_closes(&self) -> Result<Vec<CloseRow>, TableError> {
        self.every_close()
    }

    fn all_steps(&self) -> Result<Vec<StepsRow>, TableError> {
        self.every_step()
    }
}
