//! Why the store lets channels sell so much of an item: every number behind it, as it is in force.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shelf_ledger::{Read, ReadError};
use shelf_replica::rights::{Safety, StoreCells};
use shelf_replica::store::{Family, Store as _};
use shelf_stock::demand::{BookError, Calendar, Demand, Explain, ExplainInput, Policy};
use shelf_stock::item::Item;
use shelf_stock::name::{ChannelId, ItemId};
use shelf_stock::quantity::{Quantity, Unit};
use shelf_stock::time::Timestamp;

use super::learned::Learned;
use super::model::Model;
use super::{ratio, shop_time, window};
use crate::daemon::shop::Shop;
use crate::platform;

/// Where the hub's policy is kept.
const POLICY_KEY: &[u8] = b"policy";

/// An item's explanation with what stands around it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Explanation {
    /// Which item.
    pub(crate) item: ItemId,
    /// What it is called.
    pub(crate) name: Option<String>,
    /// When this was put together.
    pub(crate) as_of: Timestamp,
    /// Every number.
    pub(crate) explain: Explain,
    /// The store's cells.
    pub(crate) rights: Cells,
    /// The safety stock in force, and when it was computed; none: not yet.
    pub(crate) in_force: Option<InForce>,
    /// Whether this PC grants the store's rights, and has shaken hands; none: it works alone.
    pub(crate) grantor: Option<bool>,
    /// When the hub was last heard.
    pub(crate) hub_heard: Option<Timestamp>,
    /// Under which revision of the hub's policy.
    pub(crate) policy_revision: u64,
    /// The same in sentences.
    pub(crate) sentences: Vec<String>,
}

/// The store's row of rights.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Cells {
    /// G.
    pub(crate) granted: Quantity,
    /// T, as the hub said it last.
    pub(crate) returned_seen: Quantity,
    /// O.
    pub(crate) handed_over: Quantity,
    /// Since when it is shut online.
    pub(crate) shut_since: Option<Timestamp>,
}

/// What the machine works with.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct InForce {
    /// SS.
    pub(crate) safety_stock: Quantity,
    /// When it was computed.
    pub(crate) computed: Timestamp,
}

/// Explains an item; `None` if nobody ever heard of it. Waits for the disk.
pub(crate) fn explain(shop: &Shop, item: &ItemId) -> Result<Option<Explanation>, ReadError> {
    let now = platform::wall_now();
    let orders = shop.orders.orders(shop, now)?;
    let reserved = orders.reserved.get(item).cloned().unwrap_or_default();
    let found = shop
        .readers
        .with(|ledger| facts(ledger, item, Learned::load(ledger)?))?;
    let Some(facts) = found else {
        return Ok(None);
    };
    let grantor = shop.machine.get().map(|it| {
        let node = it.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        node.is_grantor() && node.rights_ready()
    });
    let hub_heard = shop.sync.borrow().hub_heard;
    Ok(Some(put_together(
        shop,
        facts,
        &reserved,
        (grantor, hub_heard),
        now,
    )))
}

/// What the ledger says of an item.
struct Facts {
    item: ItemId,
    catalogue: Option<Item>,
    book: Quantity,
    cells: StoreCells,
    safety: Safety,
    policy: shelf_wire::message::Policy,
    learned: Learned,
}

fn facts(
    ledger: &Read<'_>,
    item: &ItemId,
    learned: Learned,
) -> Result<Option<Facts>, shelf_ledger::tables::TableError> {
    let stock = ledger.stock(item)?;
    if stock.catalogue.is_none() && stock.balances.is_empty() {
        return Ok(None);
    }
    let policy = ledger.tables().row(Family::Policy, POLICY_KEY)?;
    let policy = policy.and_then(|it| shelf_wire::message::Policy::decode(&it).ok());
    Ok(Some(Facts {
        item: item.clone(),
        catalogue: stock.catalogue,
        book: stock.book,
        cells: StoreCells::load(ledger.tables(), item)?,
        safety: Safety::load(ledger.tables(), item)?,
        policy: policy.unwrap_or_default(),
        learned,
    }))
}

fn put_together(
    shop: &Shop,
    facts: Facts,
    reserved: &BTreeMap<ChannelId, Quantity>,
    (grantor, hub_heard): (Option<bool>, Option<Timestamp>),
    now: Timestamp,
) -> Explanation {
    let unit = facts.catalogue.as_ref().map_or(Unit::Piece, |it| it.unit);
    let kept = Model::from_bytes(&facts.safety.model).filter(|it| it.computed.as_millis() > 0);
    let in_force = kept.as_ref().map(|it| InForce {
        safety_stock: facts.safety.safety_stock,
        computed: it.computed,
    });
    let model = kept.unwrap_or_else(|| Model {
        computed: now,
        window: window(shop, &facts.learned),
        error: BookError::NONE,
        ..Model::new(Demand::new(unit, shop_time(now)))
    });
    let at = shop_time(model.computed);
    let end = model.window.end(facts.learned.profile.week(), at);
    let calendar = Calendar::default();
    let forecast = model
        .demand
        .forecast(&facts.learned.profile, &calendar, at, end);
    let explain = Explain::new(&ExplainInput {
        unit,
        book: facts.book,
        reserved,
        forecast: &forecast,
        window: model.window,
        ratio: ratio(&shop.config.safety),
        error: model.error,
        hub: &hub_policy(&facts.policy, &facts.item),
        store: &Policy::default(),
        outstanding: facts.cells.outstanding(),
        haircut: Quantity::ZERO,
        shut: facts.cells.shut_since.is_some(),
    });
    Explanation {
        name: facts.catalogue.map(|it| it.name),
        item: facts.item,
        as_of: now,
        explain,
        rights: Cells {
            granted: facts.cells.granted,
            returned_seen: facts.cells.returned_seen,
            handed_over: facts.cells.handed_over,
            shut_since: facts.cells.shut_since,
        },
        in_force,
        grantor,
        hub_heard,
        policy_revision: facts.policy.revision,
        sentences: Vec::new(),
    }
}

/// What the hub wants of one item.
fn hub_policy(policy: &shelf_wire::message::Policy, item: &ItemId) -> Policy {
    let (safety_stock, most) = policy.of(item);
    let share =
        |it: &shelf_wire::message::ChannelPolicy| (it.channel.clone(), it.coefficient.min(most));
    Policy {
        safety_stock,
        coefficients: policy.channels.iter().map(share).collect(),
    }
}
