//! Goods, counts, sales and orders, as stories say them.

use shelf_replica::orders::{Cancelling, Decision, NewOrder, StoredOrder};
use shelf_replica::rights::HubCells;
use shelf_replica::store::Store as _;
use shelf_stock::customer_order::{OrderLine, OrderState};
use shelf_stock::document::{CountLine, CountScope, Draft, Kind, Line, Subject};
use shelf_stock::location::Location;
use shelf_stock::name::{AreaId, ChannelId, ItemId, OrderId, SessionId};
use shelf_stock::quantity::Quantity;
use shelf_stock::sellable::Coefficient;
use shelf_wire::message::{ChannelPolicy, Policy};

use super::{Faults, Mutant, World};

pub(crate) fn item(name: &str) -> ItemId {
    ItemId::new(name).unwrap()
}

pub(crate) fn web() -> ChannelId {
    ChannelId::new("web").unwrap()
}

pub(crate) fn units(units: i64) -> Quantity {
    Quantity::units(units)
}

pub(crate) fn policy(revision: u64, safety: i64) -> Policy {
    Policy {
        revision,
        safety_stock: units(safety),
        channels: vec![ChannelPolicy {
            channel: web(),
            coefficient: Coefficient::ALL,
            priority: 1,
            external: false,
        }],
        items: vec![],
    }
}

pub(crate) fn lines(of: &[(&str, i64)]) -> Vec<OrderLine> {
    let line = |(name, count): &(&str, i64)| OrderLine {
        item: item(name),
        quantity: units(*count),
        parts: vec![],
    };
    of.iter().map(line).collect()
}

pub(crate) fn new_order(id: &str, of: &[(&str, i64)]) -> NewOrder {
    NewOrder {
        id: OrderId::new(id).unwrap(),
        channel: web(),
        lines: lines(of),
        promised: None,
        pay_on_collection: true,
        tenders: vec![],
        sold_already: false,
    }
}

/// A store whose shelf was counted and whose grantor has shaken hands.
pub(crate) fn shop(pcs: u8, counted: &[(&str, i64)]) -> World {
    let mut world = World::new(7, pcs, Faults::NONE, Mutant::None);
    world.hub_call(|hub, _, store, effects| hub.set_policy(&policy(1, 1), store, effects));
    for index in 0..usize::from(pcs) {
        world.set_link(index, true);
    }
    world.run_for(10_000);
    count(&mut world, 0, counted);
    world.run_for(10_000);
    world
}

pub(crate) fn count(world: &mut World, index: usize, counted: &[(&str, i64)]) {
    let effective = world.now().wall;
    let line = |(name, quantity): &(&str, i64)| CountLine {
        item: item(name),
        location: Location::SalesFloor,
        quantity: units(*quantity),
        effective,
    };
    let session = SessionId::new(format!("s{}", world.now_ms)).unwrap();
    world.write(
        index,
        Draft::new(Kind::Count {
            session: session.clone(),
            area: AreaId::new("A1").unwrap(),
            counted: counted.iter().map(line).collect(),
        }),
    );
    world.write(
        index,
        Draft::new(Kind::CountClose {
            session,
            location: Location::SalesFloor,
            scope: CountScope::EveryCounted,
        }),
    );
}

pub(crate) fn sell(world: &mut World, index: usize, name: &str, count: i64) {
    let mut draft = Draft::new(Kind::Sale);
    draft.lines.push(Line {
        subject: Subject::Item(item(name)),
        quantity: units(count),
        from: Location::SalesFloor,
        to: Location::Customer,
        effective: world.now().wall,
        unit_price: None,
        amount: None,
        parts: vec![],
        code: None,
        reason: None,
    });
    world.write(index, draft);
}

pub(crate) fn accept(world: &mut World, new: &NewOrder) -> Decision {
    world.hub_call(|hub, now, store, effects| hub.accept(now, new, store, effects))
}

pub(crate) fn cancel(world: &mut World, id: &str) -> Cancelling {
    let id = OrderId::new(id).unwrap();
    world.hub_call(|hub, now, store, effects| hub.cancel(now, &id, &web(), store, effects))
}

pub(crate) fn state(world: &World, id: &str) -> OrderState {
    let id = OrderId::new(id).unwrap();
    let stored = StoredOrder::load(&world.hub_store, &id).unwrap();
    stored.unwrap().order.state
}

pub(crate) fn at_pc(world: &World, index: usize, id: &str) -> StoredOrder {
    let id = OrderId::new(id).unwrap();
    StoredOrder::load(&world.pcs[index].store, &id)
        .unwrap()
        .unwrap()
}

pub(crate) fn free(world: &World, name: &str) -> Quantity {
    let cells = HubCells::load(&world.hub_store, &item(name)).unwrap();
    let used: Quantity = world
        .hub_store
        .quotas(&item(name))
        .unwrap()
        .iter()
        .map(|(_, it)| it.used)
        .sum();
    cells.granted.minus(cells.returned).minus(used)
}
