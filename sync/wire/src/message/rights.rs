//! Rows of rights: what the store's grantor has granted, and what the hub has seen and returned.
//!
//! A row is always the sender's whole current row of cumulative cells, and says what the sender has
//! seen of the other's cells: lost, doubled or reordered it does no harm, and it is repeated until
//! the other side's row echoes it. Nothing here may ever carry a difference.

use prost::Message as _;
use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;

use super::{MessageError, field, parse};
use crate::generated as proto;

/// The most rows of one message.
pub const RIGHTS_ROWS_MAX: usize = 400;

/// The grantor's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreRights {
    /// Under which fencing number.
    pub rights_epoch: u64,
    /// At most [`RIGHTS_ROWS_MAX`].
    pub rows: Vec<StoreRight>,
    /// With these rows the hub has been told everything.
    pub settled: bool,
}

/// The grantor's row of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreRight {
    /// Which item.
    pub item: ItemId,
    /// G: units ever granted.
    pub granted: Quantity,
    /// Orders the levels of one fencing number.
    pub target_seq: u64,
    /// How many outstanding units the store wants to allow.
    pub level: Quantity,
    /// T as the store has seen it.
    pub returned_seen: Quantity,
    /// B.
    pub book: Quantity,
    /// R.
    pub reserved: Quantity,
    /// SS.
    pub safety_stock: Quantity,
    /// O as the store counts it.
    pub handed_over: Quantity,
    /// Not sold online until it is counted.
    pub shut: bool,
    /// Expected demand on the sales floor, in thousandths of a unit per hour.
    pub demand_milli_per_hour: u64,
}

/// The hub's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubRights {
    /// Under which fencing number.
    pub rights_epoch: u64,
    /// At most [`RIGHTS_ROWS_MAX`].
    pub rows: Vec<HubRight>,
    /// The store is to say that it has these rows, by its own.
    pub wants_rows: bool,
}

/// The hub's row of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubRight {
    /// Which item.
    pub item: ItemId,
    /// G as the hub has seen it.
    pub granted_seen: Quantity,
    /// T: units ever returned.
    pub returned: Quantity,
    /// O by the hub's verdicts.
    pub handed_over: Quantity,
    /// The newest level that the hub has seen under this fencing number; 0: none.
    pub target_seq_seen: u64,
    /// The level that the hub follows.
    pub level_seen: Quantity,
}

/// The grantor asks for the hub's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RightsPull {
    /// Under which fencing number.
    pub rights_epoch: u64,
    /// Rows of items above this one; `None`: from the first.
    pub after: Option<ItemId>,
}

/// The hub's rows, in order of their items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RightsPage {
    /// Under which fencing number.
    pub rights_epoch: u64,
    /// As it was asked.
    pub after: Option<ItemId>,
    /// At most [`RIGHTS_ROWS_MAX`].
    pub rows: Vec<HubRight>,
    /// Whether there are more.
    pub more: bool,
}

pub(super) fn item(text: String) -> Result<ItemId, MessageError> {
    field("item", ItemId::new(text).ok())
}

/// An empty text is no item.
pub(super) fn optional_item(text: String) -> Result<Option<ItemId>, MessageError> {
    match text.as_str() {
        "" => Ok(None),
        _ => item(text).map(Some),
    }
}

pub(super) fn text(item: Option<&ItemId>) -> String {
    item.map(ToString::to_string).unwrap_or_default()
}

fn few<T, R>(
    rows: Vec<T>,
    read: impl FnMut(T) -> Result<R, MessageError>,
) -> Result<Vec<R>, MessageError> {
    field("rows", (rows.len() <= RIGHTS_ROWS_MAX).then_some(()))?;
    rows.into_iter().map(read).collect()
}

impl StoreRights {
    pub(super) fn encode(&self) -> Vec<u8> {
        let row = |it: &StoreRight| proto::StoreRight {
            item: it.item.to_string(),
            granted: it.granted.as_thousandths(),
            target_seq: it.target_seq,
            level: it.level.as_thousandths(),
            returned_seen: it.returned_seen.as_thousandths(),
            book: it.book.as_thousandths(),
            reserved: it.reserved.as_thousandths(),
            safety_stock: it.safety_stock.as_thousandths(),
            handed_over: it.handed_over.as_thousandths(),
            shut: it.shut,
            demand_milli_per_hour: it.demand_milli_per_hour,
        };
        proto::StoreRights {
            rights_epoch: self.rights_epoch,
            rows: self.rows.iter().take(RIGHTS_ROWS_MAX).map(row).collect(),
            settled: self.settled,
        }
        .encode_to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::StoreRights = parse(body)?;
        let row = |it: proto::StoreRight| {
            Ok(StoreRight {
                item: item(it.item)?,
                granted: Quantity::thousandths(it.granted),
                target_seq: it.target_seq,
                level: Quantity::thousandths(it.level),
                returned_seen: Quantity::thousandths(it.returned_seen),
                book: Quantity::thousandths(it.book),
                reserved: Quantity::thousandths(it.reserved),
                safety_stock: Quantity::thousandths(it.safety_stock),
                handed_over: Quantity::thousandths(it.handed_over),
                shut: it.shut,
                demand_milli_per_hour: it.demand_milli_per_hour,
            })
        };
        Ok(Self {
            rights_epoch: read.rights_epoch,
            rows: few(read.rows, row)?,
            settled: read.settled,
        })
    }
}

fn write_hub_rows(rows: &[HubRight]) -> Vec<proto::HubRight> {
    let row = |it: &HubRight| proto::HubRight {
        item: it.item.to_string(),
        granted_seen: it.granted_seen.as_thousandths(),
        returned: it.returned.as_thousandths(),
        handed_over: it.handed_over.as_thousandths(),
        target_seq_seen: it.target_seq_seen,
        level_seen: it.level_seen.as_thousandths(),
    };
    rows.iter().take(RIGHTS_ROWS_MAX).map(row).collect()
}

fn read_hub_rows(rows: Vec<proto::HubRight>) -> Result<Vec<HubRight>, MessageError> {
    few(rows, |it| {
        Ok(HubRight {
            item: item(it.item)?,
            granted_seen: Quantity::thousandths(it.granted_seen),
            returned: Quantity::thousandths(it.returned),
            handed_over: Quantity::thousandths(it.handed_over),
            target_seq_seen: it.target_seq_seen,
            level_seen: Quantity::thousandths(it.level_seen),
        })
    })
}

impl HubRights {
    pub(super) fn encode(&self) -> Vec<u8> {
        proto::HubRights {
            rights_epoch: self.rights_epoch,
            rows: write_hub_rows(&self.rows),
            wants_rows: self.wants_rows,
        }
        .encode_to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::HubRights = parse(body)?;
        Ok(Self {
            rights_epoch: read.rights_epoch,
            rows: read_hub_rows(read.rows)?,
            wants_rows: read.wants_rows,
        })
    }
}

impl RightsPull {
    pub(super) fn encode(&self) -> Vec<u8> {
        proto::RightsPull {
            rights_epoch: self.rights_epoch,
            after: text(self.after.as_ref()),
        }
        .encode_to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::RightsPull = parse(body)?;
        Ok(Self {
            rights_epoch: read.rights_epoch,
            after: optional_item(read.after)?,
        })
    }
}

impl RightsPage {
    pub(super) fn encode(&self) -> Vec<u8> {
        proto::RightsPage {
            rights_epoch: self.rights_epoch,
            after: text(self.after.as_ref()),
            rows: write_hub_rows(&self.rows),
            more: self.more,
        }
        .encode_to_vec()
    }

    pub(super) fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let read: proto::RightsPage = parse(body)?;
        Ok(Self {
            rights_epoch: read.rights_epoch,
            after: optional_item(read.after)?,
            rows: read_hub_rows(read.rows)?,
            more: read.more,
        })
    }
}
