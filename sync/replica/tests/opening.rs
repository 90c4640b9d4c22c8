//! Documents that are too old to be kept: everybody comes to the same stock without them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

mod harness;

use harness::business::{calm, record};
use harness::{Faults, Mutant, World};
use shelf_replica::node::NodeInput;
use shelf_replica::opening::{Retention, plan};
use shelf_replica::store::Store;
use shelf_stock::location::Location;
use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;

/// A PC closes what the hub has and is older than `keep_ms`. Returns how many documents.
fn close(world: &mut World, index: usize, keep_ms: i64) -> usize {
    let wall = world.now().wall;
    let pc = &mut world.pcs[index];
    let retention = Retention {
        now: wall,
        keep_ms,
        documents_min: 3,
        documents_max: 40,
    };
    let node = pc.machine.id();
    let Some(plan) = plan(&pc.store, pc.store.fold(), node, &retention).unwrap() else {
        return 0;
    };
    for draft in plan.drafts {
        let authored = pc.author.write(draft, wall);
        pc.store.insert(&authored).unwrap();
        let sealed = authored.sealed();
        world.written.insert((sealed.place(), sealed.digest()));
    }
    let fold = pc.store.fold().clone();
    world.written.retain(|(place, _)| {
        let closed = fold.closed_end(place.node, place.incarnation);
        closed.is_none_or(|(upto, _)| place.seq > upto)
    });
    let (log, upto) = (pc.author.log(), pc.author.seq());
    world.tell(index, NodeInput::Appended { log, upto });
    plan.documents
}

/// Everybody has the same stock, which is what was sold.
fn agree(world: &World, sold: i64) {
    assert_eq!(world.differences(), None);
    let hub = world.hub_store.fold();
    let floor = hub.balance(&ItemId::new("mug").unwrap(), &Location::SalesFloor);
    assert_eq!(floor, Quantity::units(-sold));
    for pc in &world.pcs {
        assert_eq!(pc.store.fold().dump(), hub.dump());
    }
}

#[test]
fn what_is_closed_is_gone_everywhere_and_counts_as_before() {
    let mut world = calm(2);
    record(&mut world, 0, 30);
    record(&mut world, 1, 10);
    world.restart_pc(0);
    record(&mut world, 0, 20);
    world.settle();
    assert_eq!(close(&mut world, 0, 0), 40);
    world.settle();
    agree(&world, 60);
    let documents = world.hub_store.documents().len();
    assert_eq!(
        documents,
        10 + 10 + 1,
        "ten sales of each PC and the opening"
    );
    assert_eq!(
        close(&mut world, 0, 0),
        11,
        "the rest and the opening itself"
    );
    record(&mut world, 0, 5);
    world.settle();
    agree(&world, 65);
}

#[test]
fn nothing_is_closed_that_the_hub_lacks_or_that_is_too_young() {
    let mut world = calm(1);
    record(&mut world, 0, 10);
    world.settle();
    let day_ms = 24 * 3_600_000;
    assert_eq!(close(&mut world, 0, day_ms), 0);
    world.set_link(0, false);
    record(&mut world, 0, 10);
    assert_eq!(close(&mut world, 0, 0), 10);
    assert_eq!(close(&mut world, 0, 0), 0);
    world.settle();
    agree(&world, 20);
}

#[test]
fn a_new_pc_gets_openings_and_what_came_after_them() {
    let mut world = World::new(5, 3, Faults::NONE, Mutant::None);
    world.set_link(0, true);
    world.set_link(1, true);
    record(&mut world, 0, 30);
    record(&mut world, 1, 30);
    world.run_for(60_000);
    assert_eq!(close(&mut world, 0, 0), 30);
    assert_eq!(close(&mut world, 1, 0), 30);
    record(&mut world, 0, 5);
    world.settle();
    agree(&world, 65);
    record(&mut world, 2, 5);
    world.settle();
    agree(&world, 70);
}

#[test]
fn a_hub_that_lost_everything_gets_openings_instead_of_documents() {
    let mut world = calm(2);
    record(&mut world, 0, 30);
    let backup = world.hub_store.clone();
    record(&mut world, 1, 12);
    world.restart_pc(0);
    record(&mut world, 0, 10);
    world.settle();
    assert_eq!(close(&mut world, 0, 0), 40);
    assert_eq!(close(&mut world, 1, 0), 12);
    record(&mut world, 0, 3);
    world.settle();
    agree(&world, 55);
    for restored in [backup, shelf_replica::memory::MemoryStore::new()] {
        world.checked = false;
        world.hub_store = restored;
        world.hub.reset();
        world.settle();
        world.run_for(200_000);
        world.settle();
        agree(&world, 55);
    }
    record(&mut world, 1, 3);
    world.settle();
    agree(&world, 58);
}

#[test]
fn a_pc_restored_from_before_its_own_opening_closes_again() {
    let mut world = calm(2);
    record(&mut world, 0, 10);
    world.settle();
    let image = world.pcs[0].store.clone();
    record(&mut world, 0, 10);
    world.settle();
    assert_eq!(close(&mut world, 0, 0), 20);
    world.settle();
    world.checked = false;
    world.set_link(0, false);
    world.pcs[0].store = image;
    world.restart_pc(0);
    world.set_link(0, true);
    world.settle();
    agree(&world, 20);
    record(&mut world, 0, 5);
    world.settle();
    agree(&world, 25);
}

#[test]
fn siblings_without_a_hub_give_each_other_openings() {
    let mut world = World::new(9, 3, Faults::NONE, Mutant::None);
    world.pinned = true;
    world.set_link(0, true);
    record(&mut world, 0, 20);
    world.run_for(60_000);
    assert_eq!(close(&mut world, 0, 0), 20);
    record(&mut world, 0, 4);
    world.set_link(0, false);
    for index in 0..3 {
        world.set_lan(index, true);
    }
    world.run_for(300_000);
    let dump = world.pcs[0].store.fold().dump();
    for pc in &world.pcs {
        assert_eq!(pc.store.fold().dump(), dump);
    }
    world.settle();
    agree(&world, 24);
}

#[test]
fn i10_openings_in_a_bad_network_change_nothing() {
    let mut closed = 0;
    for seed in 0..24 {
        let faults = Faults {
            unreadable: 0,
            ..Faults::MANY
        };
        let mut world = World::new(seed, 3, faults, Mutant::None);
        let mut sold = 0;
        for _ in 0..60 {
            let index = usize::try_from(world.random.below(3)).unwrap();
            match world.random.below(12) {
                0 => {
                    let up = world.random.percent(70);
                    world.set_link(index, up);
                }
                1 => world.restart_pc(index),
                2 | 3 => closed += close(&mut world, index, 0),
                _ => {
                    record(&mut world, index, 3);
                    sold += 3;
                }
            }
            let pause = world.random.below(4_000);
            world.run_for(pause);
        }
        world.settle();
        agree(&world, sold);
    }
    assert!(closed > 300, "{closed}");
}
