//! Stories of rights and orders between one hub and a store's PCs, told step by step.
//!
//! The simulator asks what could ever happen; these say what must happen when nothing goes wrong,
//! and at the corners that people ask about.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

mod harness;

use harness::World;
use harness::trade::{
    accept, at_pc, cancel, count, free, item, new_order, sell, shop, state, units, web,
};
use shelf_replica::hub::{Hub, OrderTrouble, troubles};
use shelf_replica::node::{NodeInput, Permission};
use shelf_replica::orders::{self, Cancelling, Cause, Decision, NewOrder, Refusal};
use shelf_replica::rights::{HubCells, Safety, StoreCells};
use shelf_replica::store::Store as _;
use shelf_stock::customer_order::OrderState;
use shelf_stock::hours::{OpeningHours, WEEK_MINUTES};
use shelf_stock::item::Part;
use shelf_stock::name::OrderId;
use shelf_stock::quantity::Quantity;

#[test]
fn a_store_grants_what_it_can_spare_and_takes_back_what_it_sells() {
    let mut world = shop(1, &[("mug", 10)]);
    assert!(world.pcs[0].machine.rights_ready());
    assert_eq!(free(&world, "mug"), units(9));
    sell(&mut world, 0, "mug", 4);
    world.run_for(5_000);
    assert_eq!(free(&world, "mug"), units(5));
    let cells = StoreCells::load(&world.pcs[0].store, &item("mug")).unwrap();
    assert_eq!((cells.granted, cells.returned_seen), (units(9), units(4)));
}

#[test]
fn an_order_is_reserved_picked_and_handed_over() {
    let mut world = shop(2, &[("mug", 10), ("tea", 3)]);
    let Decision::Accepted(order) =
        accept(&mut world, &new_order("W-1", &[("mug", 2), ("tea", 1)]))
    else {
        panic!("not accepted");
    };
    world.run_for(5_000);
    assert_eq!(at_pc(&world, 1, "W-1").order.state, OrderState::Reserved);
    let now = world.now().wall;
    world.write(0, orders::pick(&order, now));
    world.run_for(5_000);
    assert_eq!(state(&world, "W-1"), OrderState::Picking);
    assert_eq!(world.pcs[0].store.book(&item("mug")).unwrap(), units(10));
    world.write(0, orders::hand_over(&order, true, now));
    world.run_for(5_000);
    assert_eq!(state(&world, "W-1"), OrderState::HandedOver);
    let hub = HubCells::load(&world.hub_store, &item("mug")).unwrap();
    let store = StoreCells::load(&world.pcs[0].store, &item("mug")).unwrap();
    assert_eq!((hub.handed_over, store.handed_over), (units(2), units(2)));
    assert_eq!(world.pcs[1].store.book(&item("mug")).unwrap(), units(8));
    assert_eq!(free(&world, "mug"), units(7));
}

#[test]
fn a_basket_is_accepted_whole_or_refused_with_what_is_possible() {
    let mut world = shop(1, &[("mug", 3), ("tea", 9)]);
    let refused = accept(
        &mut world,
        &new_order("W-1", &[("tea", 2), ("mug", 1), ("mug", 2)]),
    );
    let Decision::Refused(Refusal::Lacking(lacking)) = refused else {
        panic!("{refused:?}");
    };
    let lack = (&lacking[0].item, lacking[0].wanted, lacking[0].possible);
    assert_eq!(lack, (&item("mug"), units(3), units(2)));
    assert_eq!(
        (free(&world, "tea"), free(&world, "mug")),
        (units(8), units(2))
    );
    let new = new_order("W-1", &[("tea", 2), ("mug", 2)]);
    assert!(matches!(accept(&mut world, &new), Decision::Accepted(_)));
    assert!(matches!(accept(&mut world, &new), Decision::Again(_)));
    let other = new_order("W-1", &[("tea", 3)]);
    let conflict = accept(&mut world, &other);
    assert!(matches!(conflict, Decision::Refused(Refusal::Conflict(_))));
    assert_eq!(
        (free(&world, "tea"), free(&world, "mug")),
        (units(6), units(0))
    );
}

#[test]
fn a_cancelled_order_is_free_again_and_a_tombstone_outlives_a_late_one() {
    let mut world = shop(1, &[("mug", 3)]);
    assert_eq!(cancel(&mut world, "W-1"), Cancelling::Tombstone);
    let late = accept(&mut world, &new_order("W-1", &[("mug", 1)]));
    assert!(matches!(late, Decision::Refused(Refusal::Conflict(_))));
    accept(&mut world, &new_order("W-2", &[("mug", 2)]));
    assert_eq!(free(&world, "mug"), units(0));
    assert_eq!(cancel(&mut world, "W-2"), Cancelling::Cancelled);
    world.run_for(5_000);
    assert_eq!(free(&world, "mug"), units(2));
    assert_eq!(at_pc(&world, 0, "W-2").order.state, OrderState::Cancelled);
}

#[test]
fn a_hand_over_beats_a_late_cancel_and_a_contradiction_is_shown() {
    let mut world = shop(1, &[("mug", 5)]);
    let Decision::Accepted(order) = accept(&mut world, &new_order("W-1", &[("mug", 2)])) else {
        panic!("not accepted");
    };
    world.run_for(5_000);
    let now = world.now().wall;
    world.write(0, orders::pick(&order, now));
    world.run_for(5_000);
    assert_eq!(cancel(&mut world, "W-1"), Cancelling::Requested);
    world.write(0, orders::hand_over(&order, true, now));
    world.run_for(5_000);
    assert_eq!(state(&world, "W-1"), OrderState::HandedOver);

    // Cut off, the store hands over what the hub cancels meanwhile.
    let Decision::Accepted(order) = accept(&mut world, &new_order("W-2", &[("mug", 1)])) else {
        panic!("not accepted");
    };
    world.run_for(5_000);
    world.set_link(0, false);
    assert_eq!(cancel(&mut world, "W-2"), Cancelling::Cancelled);
    world.write(0, orders::hand_over(&order, false, now));
    world.set_link(0, true);
    world.run_for(10_000);
    assert_eq!(state(&world, "W-2"), OrderState::Cancelled);
    let id = OrderId::new("W-2").unwrap();
    let shown = troubles(&world.hub_store, 9).unwrap();
    assert_eq!(shown, [(id, OrderTrouble::HandedOverAfterEnd)]);
    let hub = HubCells::load(&world.hub_store, &item("mug")).unwrap();
    let store = StoreCells::load(&world.pcs[0].store, &item("mug")).unwrap();
    assert_eq!((hub.handed_over, store.handed_over), (units(2), units(2)));
}

#[test]
fn a_short_pick_gives_up_the_units_and_shuts_the_item_until_it_is_counted() {
    let mut world = shop(1, &[("mug", 6)]);
    accept(&mut world, &new_order("W-1", &[("mug", 2)]));
    world.run_for(5_000);
    let part = Part {
        item: item("mug"),
        quantity: units(2),
    };
    world.write(0, orders::short(&OrderId::new("W-1").unwrap(), vec![part]));
    world.run_for(10_000);
    assert_eq!(state(&world, "W-1"), OrderState::Shorted);
    assert_eq!(free(&world, "mug"), units(0));
    let records = orders::compensations(&world.hub_store, 9).unwrap();
    let shown: Vec<_> = records.iter().map(|it| (it.quantity, it.cause)).collect();
    assert_eq!(shown, [(units(2), Cause::Shrink)]);
    count(&mut world, 0, &[("mug", 4)]);
    world.run_for(10_000);
    assert_eq!(free(&world, "mug"), units(3));
}

#[test]
fn what_the_floor_oversells_while_cut_off_is_compensated_once() {
    let mut world = shop(1, &[("mug", 5)]);
    accept(&mut world, &new_order("W-1", &[("mug", 2)]));
    world.run_for(5_000);
    accept(&mut world, &new_order("W-2", &[("mug", 2)]));
    world.set_link(0, false);
    sell(&mut world, 0, "mug", 4);
    world.set_link(0, true);
    world.run_for(300_000);
    let records = orders::compensations(&world.hub_store, 9).unwrap();
    let sum: Quantity = records.iter().map(|it| it.quantity).sum();
    assert_eq!(sum, units(3));
    assert!(records.iter().all(|it| it.cause == Cause::FloorOverdraft));
    assert_eq!(state(&world, "W-2"), OrderState::Shorted);
    assert_eq!(state(&world, "W-1"), OrderState::Reserved);
    let cells = StoreCells::load(&world.pcs[0].store, &item("mug")).unwrap();
    assert_eq!(cells.store_rights(units(1)), Quantity::ZERO);
}

#[test]
fn only_the_grantor_may_promise_and_only_what_is_the_stores_own() {
    let mut world = shop(2, &[("mug", 10)]);
    let may = |world: &World, index: usize, count| {
        let pc = &world.pcs[index];
        pc.machine
            .may_take(&pc.store, &item("mug"), units(count))
            .unwrap()
    };
    assert_eq!(may(&world, 0, 1), Permission::Granted);
    let available = units(1);
    assert_eq!(may(&world, 0, 2), Permission::Lacking { available });
    assert_eq!(may(&world, 1, 1), Permission::NotGrantor);
    let node = world.pcs[1].machine.id();
    world.hub_call(|hub, _, store, effects| hub.set_grantor(node, store, effects));
    world.run_for(20_000);
    assert_eq!(may(&world, 0, 1), Permission::NotGrantor);
    assert_eq!(may(&world, 1, 1), Permission::Granted);
    assert_eq!(free(&world, "mug"), units(9));
}

#[test]
fn a_hub_restored_from_a_backup_sells_nothing_until_it_knows_what_was_promised() {
    let mut world = shop(1, &[("mug", 5)]);
    accept(&mut world, &new_order("W-1", &[("mug", 1)]));
    world.run_for(5_000);
    let backup = world.hub_store.clone();
    accept(&mut world, &new_order("W-2", &[("mug", 2)]));
    world.run_for(5_000);
    let lost = new_order("W-3", &[("mug", 1)]);
    world.set_link(0, false);
    accept(&mut world, &lost);
    world.checked = false;
    world.hub_store = backup;
    world.restart_hub();
    world.set_link(0, true);
    world.run_for(120_000);
    let refused = accept(&mut world, &new_order("W-4", &[("mug", 1)]));
    assert_eq!(refused, Decision::Refused(Refusal::Recovering));
    assert_eq!(state(&world, "W-2"), OrderState::Reserved);
    let recovery = Hub::recovery(&world.hub_store).unwrap().unwrap();
    assert_eq!(
        (recovery.rights_missing, recovery.orders_missing),
        (false, false)
    );
    // The channel gives its orders again, then says that this was all.
    let again = NewOrder {
        sold_already: true,
        ..lost
    };
    assert!(matches!(accept(&mut world, &again), Decision::Accepted(_)));
    world.hub_call(|hub, _, store, effects| hub.reconciled(&web(), store, effects));
    assert_eq!(Hub::recovery(&world.hub_store).unwrap(), None);
    world.run_for(20_000);
    assert_eq!(free(&world, "mug"), Quantity::ZERO);
    let refused = accept(&mut world, &new_order("W-4", &[("mug", 1)]));
    assert!(matches!(refused, Decision::Refused(Refusal::Lacking(_))));
}

#[test]
fn a_hub_that_is_told_that_it_lost_time_closes_even_if_no_pc_knows_more() {
    let mut world = shop(1, &[("mug", 5)]);
    world.hub_call(|hub, _, store, effects| hub.restored(store, effects));
    let refused = accept(&mut world, &new_order("W-1", &[("mug", 1)]));
    assert_eq!(refused, Decision::Refused(Refusal::Recovering));
    world.run_for(120_000);
    world.hub_call(|hub, _, store, effects| hub.reconciled(&web(), store, effects));
    assert_eq!(Hub::recovery(&world.hub_store).unwrap(), None);
    let accepted = accept(&mut world, &new_order("W-1", &[("mug", 1)]));
    assert!(matches!(accepted, Decision::Accepted(_)));
}

#[test]
fn a_wrong_clock_doesnt_leave_goods_waiting_that_are_gone() {
    let mut world = shop(2, &[("mug", 5)]);
    let Decision::Accepted(order) = accept(&mut world, &new_order("W-1", &[("mug", 2)])) else {
        panic!("not accepted");
    };
    world.run_for(5_000);
    let now = world.now().wall;
    let ahead = shelf_stock::time::Timestamp::from_millis(now.as_millis() + 50_000);
    world.write_at(0, orders::pick(&order, ahead), ahead);
    world.run_for(5_000);
    let needs = order.needs();
    world.write(1, orders::put_back(&order.id, &needs, now));
    world.run_for(5_000);
    assert_eq!(state(&world, "W-1"), OrderState::Reserved);
    assert_eq!(cancel(&mut world, "W-1"), Cancelling::Cancelled);
    assert_eq!(troubles(&world.hub_store, 9).unwrap(), []);
}

#[test]
fn a_restarted_grantor_shakes_hands_again_before_it_grants() {
    let mut world = shop(1, &[("mug", 5)]);
    let (_, before) = Hub::grantor(&world.hub_store).unwrap();
    world.set_link(0, false);
    world.restart_pc(0);
    assert!(!world.pcs[0].machine.rights_ready());
    world.set_link(0, true);
    world.tell(0, NodeInput::Tick);
    world.run_for(20_000);
    let (_, after) = Hub::grantor(&world.hub_store).unwrap();
    assert!(after > before && world.pcs[0].machine.rights_ready());
    assert_eq!(free(&world, "mug"), units(4));
}

#[test]
fn silence_counts_only_while_the_store_is_open() {
    let sold_out = |hours: Option<&OpeningHours>, silent_ms: u64| {
        let mut world = shop(1, &[("tea", 10)]);
        let demand = Safety {
            demand_milli_per_hour: 60_000,
            ..Safety::default()
        };
        demand.save(&mut world.pcs[0].store, &item("tea")).unwrap();
        world.tell(
            0,
            NodeInput::StockChanged {
                items: &[item("tea")],
            },
        );
        if let Some(hours) = hours {
            world.tell(0, NodeInput::Hours(hours));
        }
        world.run_for(60_000);
        world.set_link(0, false);
        world.run_for(silent_ms);
        let level =
            world.hub_call(|hub, now, store, _| hub.level(now, &item("tea"), &web(), store));
        level.haircut
    };
    const HOURS_4_MS: u64 = 4 * 3_600_000;
    let always = OpeningHours::new(0, &[(0, WEEK_MINUTES)]).unwrap();
    let never = OpeningHours::new(0, &[]).unwrap();
    let cut = sold_out(None, HOURS_4_MS);
    assert!(cut > Quantity::ZERO, "a silent store is not believed");
    assert_eq!(sold_out(Some(&always), HOURS_4_MS), cut);
    assert_eq!(sold_out(Some(&never), HOURS_4_MS), Quantity::ZERO);
}
