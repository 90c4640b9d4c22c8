//! What the machines did, told after the commit: to the log, and to whoever acts on it.
//!
//! Levels that changed and units that are lacking go to the edge ([`crate::channels`]); a person
//! reads the rest in the log. Nothing here may hold a customer's name.

use shelf_replica::hub::HubEvent;
use shelf_stock::name::{ItemId, StoreId};
use shelf_stock::quantity::Quantity;

/// What was committed, for whoever shows levels to channels and looks for other stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// What channels are shown of these items may have changed.
    Levels {
        /// Where.
        store: StoreId,
        /// Which.
        items: Vec<ItemId>,
    },
    /// Everything may have changed.
    Sweep,
    /// More is promised than the store has.
    Oversold {
        /// Where.
        store: StoreId,
        /// What.
        item: ItemId,
        /// How many.
        quantity: Quantity,
    },
}

/// What the edge acts on.
pub(crate) fn news_of(store: &StoreId, event: &HubEvent) -> Option<News> {
    let store = store.clone();
    match event {
        HubEvent::LevelsChanged { items } => Some(News::Levels {
            store,
            items: items.clone(),
        }),
        HubEvent::Recovered | HubEvent::Behind { .. } => Some(News::Sweep),
        HubEvent::Oversold { item, quantity } => Some(News::Oversold {
            store,
            item: item.clone(),
            quantity: *quantity,
        }),
        _ => None,
    }
}

/// Says in the log what happened.
pub(crate) fn tell(store: &StoreId, event: &HubEvent) {
    match event {
        HubEvent::Admitted { .. } | HubEvent::Enrolled { .. } | HubEvent::Gone { .. } => {
            tracing::info!(%store, ?event, "a PC");
        }
        HubEvent::Stored { .. } | HubEvent::Stat { .. } => {
            tracing::debug!(%store, ?event, "from a PC");
        }
        HubEvent::LevelsChanged { .. } | HubEvent::OrderChanged { .. } => {
            tracing::debug!(%store, ?event, "for channels");
        }
        HubEvent::FarBehind { .. } => tracing::info!(%store, ?event, "a PC gets files"),
        HubEvent::Recovered => tracing::info!(%store, ?event, "this hub sells again"),
        HubEvent::Behind { .. } => tracing::warn!(%store, ?event, "this hub was restored"),
        HubEvent::Oversold { .. } | HubEvent::Compensated { .. } | HubEvent::Exception { .. } => {
            tracing::warn!(%store, ?event, "look at this order");
        }
        HubEvent::Clone { node } => tracing::warn!(
            %store,
            %node,
            "two programs run with this PC's identity, so neither is admitted: stop shelfd on the \
             copy and run `shelfd new-identity` there, then POST \
             /api/v1/stores/{store}/nodes/{node}/admit here"
        ),
        HubEvent::NotAdmitted { .. }
        | HubEvent::Restored { .. }
        | HubEvent::LostTime { .. }
        | HubEvent::BalancesDiffer { .. }
        | HubEvent::Fork { .. }
        | HubEvent::Parked { .. }
        | HubEvent::Refused { .. }
        | HubEvent::BadFrame { .. } => tracing::warn!(%store, ?event, "look at this PC"),
    }
}
