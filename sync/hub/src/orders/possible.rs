//! What a channel could have where: read before an order is tried, and told where it is refused.

use std::collections::BTreeMap;

use shelf_replica::Now;
use shelf_replica::hub::{Hub, HubConfig, Level};
use shelf_replica::orders::Lack;
use shelf_stock::name::{ChannelId, ItemId, StoreId};
use shelf_stock::quantity::Quantity;

use crate::storage::{StorageError, StoreKey, StoreRow, View};

/// What a basket takes, per item.
pub type Needs = BTreeMap<ItemId, Quantity>;

/// A machine that only reads: everything it says of levels is in the tables.
fn reader() -> Hub {
    Hub::new(HubConfig {
        seed: 0,
        trust_first_use: false,
    })
}

/// The stores of a tenant whose policy names the channel, in the order of their names; only those
/// of `wanted`, in its order, where it names any.
pub fn serving(
    view: &dyn View,
    tenant: &str,
    channel: &ChannelId,
    wanted: &[StoreId],
) -> Result<Vec<(StoreId, StoreKey)>, StorageError> {
    let mut found = Vec::new();
    for StoreRow {
        key,
        tenant: of,
        name,
        ..
    } in view.stores()?
    {
        let (true, Ok(name)) = (of == tenant, StoreId::new(name)) else {
            continue;
        };
        let policy = Hub::policy(&*view.shop(key))?;
        let serves = policy.channels.iter().any(|it| it.channel == *channel);
        if serves && (wanted.is_empty() || wanted.contains(&name)) {
            found.push((name, key));
        }
    }
    let place = |name: &StoreId| wanted.iter().position(|it| it == name);
    found.sort_by_key(|(name, _)| (place(name), name.clone()));
    Ok(found)
}

/// What of a basket a channel can't have in a store; empty: it can have all of it.
pub fn lacking(
    view: &dyn View,
    now: Now,
    store: StoreKey,
    channel: &ChannelId,
    needs: &Needs,
) -> Result<Vec<Lack>, StorageError> {
    let (hub, shop) = (reader(), view.shop(store));
    let mut lacking = Vec::new();
    for (item, wanted) in needs {
        let possible = hub.possible(now, channel, item, &*shop)?;
        if possible < *wanted {
            lacking.push(Lack {
                item: item.clone(),
                wanted: *wanted,
                possible,
            });
        }
    }
    Ok(lacking)
}

/// What a channel is shown of an item in a store, and why.
pub fn level(
    view: &dyn View,
    now: Now,
    store: StoreKey,
    item: &ItemId,
    channel: &ChannelId,
) -> Result<Level, StorageError> {
    reader().level(now, item, channel, &*view.shop(store))
}
