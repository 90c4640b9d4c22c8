//! Everything that was folded, for dumps, verification and the list of exceptions. These scan.

use shelf_stock::document::{DocumentRef, SourceKey};
use shelf_stock::fold::{
    BindRow, CloseRow, CountRow, DuplicateRow, FoldListing, FoldStore, GroupKey, GroupRow,
    MovementRow, OrderFactRow, StepsRow, UnboundRow, VoidRow,
};
use shelf_stock::identity::{Digest, Place};
use shelf_stock::location::Location;
use shelf_stock::movement::Movement;
use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;
use tokio_postgres::Row;

use super::super::StorageError;
use super::counts::{close, count};
use super::row::{self, order_key};
use super::shop::PostgresShop;

const DAMAGED_VOID: StorageError = StorageError::Damaged { what: "void" };

/// What a void points at, as text.
pub(super) fn target_text(of: &DocumentRef) -> Result<String, StorageError> {
    serde_json::to_string(of).map_err(|_| DAMAGED_VOID)
}

impl PostgresShop<'_, '_> {
    fn every<T>(
        &self,
        sql: &'static str,
        read: impl Fn(&Row) -> Result<T, StorageError>,
    ) -> Result<Vec<T>, StorageError> {
        self.work.flush()?;
        let rows = self.work.session.query(sql, &[&self.store.0])?;
        rows.iter().map(read).collect()
    }

    fn place(&self, row: &Row, at: usize) -> Result<Place, StorageError> {
        self.work.place_of(row::col(row, at)?)
    }
}

impl FoldListing for PostgresShop<'_, '_> {
    fn all_closed(&self) -> Result<Vec<(Place, Digest)>, StorageError> {
        self.every_closed()
    }

    fn all_groups(&self) -> Result<Vec<GroupRow>, StorageError> {
        self.every(
            "SELECT node, id, parts, part, document FROM group_part WHERE store = $1",
            |it| {
                Ok(GroupRow {
                    key: GroupKey {
                        node: row::node(it, 0)?,
                        id: row::text(it, 1)?,
                        of: row::small(it, 2)?,
                    },
                    index: row::small(it, 3)?,
                    place: self.place(it, 4)?,
                })
            },
        )
    }

    fn all_sources(&self) -> Result<Vec<(SourceKey, Place)>, StorageError> {
        self.every(
            "SELECT source, receipt, action, part, document FROM source_counted WHERE store = $1",
            |it| Ok((row::source(it, 0)?, self.place(it, 4)?)),
        )
    }

    fn all_duplicates(&self) -> Result<Vec<DuplicateRow>, StorageError> {
        self.every(
            "SELECT source, receipt, action, part, document FROM source_duplicate
             WHERE store = $1",
            |it| {
                Ok(DuplicateRow {
                    source: row::source(it, 0)?,
                    place: self.place(it, 4)?,
                })
            },
        )
    }

    fn all_movements(&self) -> Result<Vec<MovementRow>, StorageError> {
        self.every(
            "SELECT m.document, d.hlc, a.node, a.incarnation, m.effective, m.line, m.item,
                    m.quantity, m.from_location, m.to_location
             FROM movement m JOIN document d ON d.id = m.document
             JOIN author a ON a.key = m.document >> 40 WHERE m.store = $1",
            |it| {
                let effective = row::time(it, 4)?;
                Ok(MovementRow {
                    key: order_key(it, 0, effective)?,
                    movement: Movement {
                        item: row::text(it, 6)?,
                        quantity: row::quantity(it, 7)?,
                        from: row::location(it, 8)?,
                        to: row::location(it, 9)?,
                        effective,
                        line: row::line(it, 5)?,
                    },
                })
            },
        )
    }

    fn all_balances(&self) -> Result<Vec<(ItemId, Location, Quantity)>, StorageError> {
        self.every(
            "SELECT item, location, quantity FROM balance WHERE store = $1 AND quantity <> 0",
            |it| {
                Ok((
                    row::text(it, 0)?,
                    row::location(it, 1)?,
                    row::quantity(it, 2)?,
                ))
            },
        )
    }

    fn all_unbound(&self) -> Result<Vec<UnboundRow>, StorageError> {
        self.every(
            "SELECT code, document, line FROM unbound WHERE store = $1",
            |it| {
                Ok(UnboundRow {
                    code: row::text(it, 0)?,
                    place: self.place(it, 1)?,
                    line: row::line(it, 2)?,
                })
            },
        )
    }

    fn all_binds(&self) -> Result<Vec<BindRow>, StorageError> {
        self.every(
            "SELECT code, position FROM binding WHERE store = $1",
            |it| {
                Ok(BindRow {
                    code: row::text(it, 0)?,
                    key: row::position(it, 1)?,
                })
            },
        )
    }

    fn all_voids(&self) -> Result<Vec<VoidRow>, StorageError> {
        self.every(
            "SELECT target, document FROM void_mark WHERE store = $1",
            |it| {
                let target: &str = row::col(it, 0)?;
                Ok(VoidRow {
                    of: serde_json::from_str(target).map_err(|_| DAMAGED_VOID)?,
                    place: self.place(it, 1)?,
                })
            },
        )
    }

    fn all_order_facts(&self) -> Result<Vec<OrderFactRow>, StorageError> {
        self.every(
            "SELECT name, document FROM order_fact WHERE store = $1",
            |it| {
                Ok(OrderFactRow {
                    order: row::text(it, 0)?,
                    place: self.place(it, 1)?,
                })
            },
        )
    }

    fn all_counts(&self) -> Result<Vec<CountRow>, StorageError> {
        self.every(
            "SELECT item, location, position, line, session, area, quantity FROM count_line
             WHERE store = $1",
            count,
        )
    }

    fn all_closes(&self) -> Result<Vec<CloseRow>, StorageError> {
        self.every(
            "SELECT session, location, item, position FROM count_close WHERE store = $1",
            close,
        )
    }

    fn all_steps(&self) -> Result<Vec<StepsRow>, StorageError> {
        let pairs: Vec<(ItemId, Location)> = self.every(
            "SELECT DISTINCT item, location FROM count_step WHERE store = $1",
            |it| Ok((row::text(it, 0)?, row::location(it, 1)?)),
        )?;
        let steps = |(item, location)| {
            let steps = self.steps(&item, &location)?;
            Ok(StepsRow {
                item,
                location,
                steps,
            })
        };
        pairs.into_iter().map(steps).collect()
    }
}
