//! PCs of one store among themselves: with and without a hub, and for each other to the hub.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

mod harness;

use harness::business::record;
use harness::{Faults, Mutant, World};
use shelf_replica::SILENCE_MS_MAX;
use shelf_replica::hub::HubEvent;
use shelf_replica::node::{NodeEvent, NodeInput, restored};
use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;

/// PCs that hear each other; no hub is reached.
fn store(seed: u64, pcs: u8, faults: Faults) -> World {
    let mut world = World::new(seed, pcs, faults, Mutant::None);
    world.pinned = true;
    for index in 0..world.pcs.len() {
        world.set_lan(index, true);
    }
    world
}

/// Which PCs don't have everything that was written.
fn lacking(world: &World) -> Vec<usize> {
    let lacks = |it: &usize| world.pcs[*it].store.documents() != world.written;
    (0..world.pcs.len()).filter(lacks).collect()
}

#[test]
fn siblings_have_each_others_documents_without_any_hub() {
    let mut world = store(1, 3, Faults::NONE);
    record(&mut world, 0, 5);
    record(&mut world, 1, 5);
    world.run_for(1_000);
    assert_eq!(lacking(&world), [0; 0]);
    let seen = world.pcs[2].machine.siblings();
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter()
            .all(|it| it.present && !it.at_hub && it.lacks == Some(0)),
        "{seen:?}"
    );
    world.run_for(31_000);
    let seen = world.pcs[2].machine.siblings();
    let unsynced = seen
        .iter()
        .filter_map(|it| Some(it.stat.as_ref()?.unsynced));
    assert_eq!(
        unsynced.collect::<Vec<_>>(),
        [5, 5],
        "what no hub has is said"
    );
}

#[test]
fn what_a_sibling_missed_comes_from_another_while_its_author_is_away() {
    let mut world = store(2, 3, Faults::NONE);
    world.set_lan(2, false);
    record(&mut world, 0, 20);
    // PC 2 went without a word: the others wait for it once.
    world.run_for(10_000);
    world.set_lan(0, false);
    world.set_lan(2, true);
    world.run_for(15_000);
    assert_eq!(lacking(&world), [0; 0], "PC 1 relays for PC 0");
}

#[test]
fn the_hub_gets_the_documents_of_a_pc_that_reaches_only_its_sibling() {
    let mut world = store(3, 3, Faults::NONE);
    world.set_link(0, true);
    world.set_link(1, true);
    world.run_for(1_000);
    world.set_link(0, false);
    record(&mut world, 0, 30);
    record(&mut world, 2, 30);
    world.run_for(60_000);
    assert_eq!(
        world.hub_store.documents(),
        world.written,
        "PC 1 carries them"
    );
    record(&mut world, 0, 3);
    world.run_for(2_000);
    assert_eq!(
        world.hub_store.documents(),
        world.written,
        "and goes on at once"
    );
    world.settle();
    assert_eq!(world.differences(), None);
}

#[test]
fn nothing_is_relayed_in_a_store_where_all_reach_the_hub() {
    let mut world = store(4, 4, Faults::NONE);
    for index in 0..4 {
        world.set_link(index, true);
    }
    world.run_for(1_000);
    let count = |world: &World| world.relayed;
    for round in 0..20 {
        record(&mut world, round % 4, 5);
        world.run_for(10_000);
    }
    assert_eq!(
        count(&world),
        0,
        "no PC sends another's documents to the hub"
    );
    let spoken = world.broadcasts;
    world.run_for(300_000);
    let quiet = world.broadcasts - spoken;
    assert!(
        quiet <= 4 * 2 * 16,
        "{quiet} payloads while nothing happened"
    );
    assert_eq!(world.differences(), None);
}

#[test]
fn a_sibling_that_is_silent_is_gone_and_a_stop_is_told() {
    let mut world = store(5, 2, Faults::NONE);
    world.run_for(2_000);
    world.set_lan(0, false);
    world.run_for(SILENCE_MS_MAX + 1_000);
    assert!(world.pcs[1].machine.siblings().iter().all(|it| !it.present));
    world.set_lan(0, true);
    world.run_for(2_000);
    assert!(world.pcs[1].machine.siblings().iter().all(|it| it.present));
    world.tell(0, NodeInput::Stopping);
    world.run_for(1_000);
    let seen = world.pcs[1].machine.siblings();
    assert!(
        seen.iter()
            .all(|it| !it.present && it.stat.as_ref().unwrap().stopping),
        "{seen:?}"
    );
}

#[test]
fn a_stranger_on_the_stores_network_gets_and_gives_nothing() {
    let mut world = store(6, 2, Faults::NONE);
    world.pinned = false;
    for index in 0..2 {
        world.set_lan(index, false);
        world.set_lan(index, true);
        record(&mut world, index, 3);
    }
    world.run_for(60_000);
    assert_eq!(lacking(&world), [0, 1]);
    assert!(world.pcs[0].machine.siblings().is_empty());
}

#[test]
fn a_restored_disk_gets_its_tail_back_from_a_sibling() {
    let mut world = store(7, 2, Faults::NONE);
    record(&mut world, 0, 10);
    let image = world.pcs[0].store.clone();
    record(&mut world, 0, 10);
    world.run_for(1_000);
    world.checked = false;
    world.set_lan(0, false);
    world.pcs[0].store = image;
    world.restart_pc(0);
    world.set_lan(0, true);
    world.run_for(2_000);
    assert_eq!(lacking(&world), [0; 0]);
    record(&mut world, 0, 2);
    world.settle();
    assert_eq!(world.differences(), None);
}

#[test]
fn a_hub_that_lost_an_author_learns_its_documents_from_a_sibling() {
    let mut world = store(8, 2, Faults::NONE);
    world.set_link(0, true);
    world.set_link(1, true);
    world.run_for(1_000);
    let backup = world.hub_store.clone();
    record(&mut world, 0, 10);
    world.run_for(1_000);
    world.set_link(0, false);
    world.set_lan(0, false);
    world.checked = false;
    world.hub_store = backup;
    world.hub.reset();
    record(&mut world, 1, 1);
    world.run_for(3 * SILENCE_MS_MAX);
    assert_eq!(world.hub_store.documents(), world.written);
}

#[test]
fn whatever_the_networks_do_everybody_has_everything_in_the_end() {
    for seed in 0..12 {
        let mut world = store(seed, 3, Faults::MANY);
        for _ in 0..80 {
            let index = usize::try_from(world.random.below(3)).unwrap();
            match world.random.below(24) {
                0 => world.set_link(index, false),
                1 | 2 => world.set_link(index, true),
                3 => world.set_lan(index, false),
                4..=6 => world.set_lan(index, true),
                7 => world.restart_pc(index),
                8 => (0..40).for_each(|_| world.record(index)),
                _ => world.record(index),
            }
            let pause_ms = world.random.below(4_000);
            world.run_for(pause_ms);
        }
        for index in 1..3 {
            world.set_link(index, false);
        }
        world.faults = Faults::NONE;
        world.set_link(0, true);
        (0..3).for_each(|index| world.set_lan(index, true));
        for _ in 0..40 {
            world.run_for(30_000);
        }
        assert_eq!(
            world.hub_store.documents().len(),
            world.written.len(),
            "seed {seed}"
        );
        assert_eq!(lacking(&world), [0; 0], "seed {seed}");
        world.settle();
        assert_eq!(world.differences(), None, "seed {seed}");
    }
}

fn told(world: &World, index: usize, is_it: impl Fn(&NodeEvent) -> bool) -> bool {
    world.pcs[index].events.iter().any(is_it)
}

#[test]
fn a_pc_that_went_back_in_time_knows_what_to_count_until_somebody_did() {
    let mut world = World::new(9, 2, Faults::NONE, Mutant::None);
    (0..2).for_each(|index| world.set_link(index, true));
    record(&mut world, 0, 10);
    let image = world.pcs[0].store.clone();
    record(&mut world, 0, 7);
    world.settle();
    world.checked = false;
    world.set_link(0, false);
    world.pcs[0].store = image;
    world.restart_pc(0);
    world.set_link(0, true);
    world.settle();
    assert_eq!(world.differences(), None);
    let doubt = restored(&world.pcs[0].store).unwrap().unwrap();
    assert_eq!((doubt.expected, doubt.returned), (7, 7));
    let items: Vec<_> = doubt.items.iter().map(ToString::to_string).collect();
    assert_eq!(items, ["mug"]);
    assert!(told(&world, 0, |it| *it == NodeEvent::Restored { returning: 7 }));
    assert!(restored(&world.pcs[1].store).unwrap().is_none());
    world.tell(0, NodeInput::RestoreSettled);
    assert_eq!(restored(&world.pcs[0].store).unwrap(), None);
}

#[test]
fn a_hub_that_went_back_in_time_says_so_and_nobody_else_is_suspected() {
    let mut world = World::new(10, 2, Faults::NONE, Mutant::None);
    (0..2).for_each(|index| world.set_link(index, true));
    record(&mut world, 0, 5);
    let backup = world.hub_store.clone();
    record(&mut world, 0, 5);
    world.restart_pc(0);
    record(&mut world, 0, 5);
    world.settle();
    world.checked = false;
    world.hub_events.clear();
    world.hub_store = backup;
    world.hub.reset();
    world.settle();
    world.run_for(2 * SILENCE_MS_MAX);
    assert_eq!(world.differences(), None);
    let node = world.pcs[0].machine.id();
    let events = &world.hub_events;
    assert!(
        events.contains(&HubEvent::LostTime {
            node,
            documents: 10
        }),
        "{events:?}"
    );
    assert!(
        !events
            .iter()
            .any(|it| matches!(it, HubEvent::Restored { .. })),
        "{events:?}"
    );
    assert!(told(&world, 0, |it| *it
        == NodeEvent::HubLostTime { documents: 10 }));
    assert_eq!(restored(&world.pcs[0].store).unwrap(), None);
    let fenced = |it: &NodeEvent| matches!(it, NodeEvent::Admitted { epoch: 2, .. });
    assert!(told(&world, 0, fenced), "a new epoch");
}

#[test]
fn balances_are_compared_and_a_difference_names_its_item() {
    let mut world = World::new(11, 2, Faults::NONE, Mutant::None);
    (0..2).for_each(|index| world.set_link(index, true));
    record(&mut world, 0, 5);
    world.settle();
    let compared = |world: &mut World| {
        world.pcs[0].events.clear();
        world.tell(0, NodeInput::CompareBalances);
        world.run_for(5_000);
        let events = world.pcs[0].events.iter();
        let found = events.filter_map(|it| match it {
            NodeEvent::BalancesDiffer { items } => Some(items.clone()),
            _ => None,
        });
        found.collect::<Vec<_>>()
    };
    assert_eq!(compared(&mut world), [vec![]], "nothing differs");
    let said = |world: &World| {
        let is_it = |it: &&HubEvent| matches!(it, HubEvent::BalancesDiffer { .. });
        world.hub_events.iter().filter(is_it).count()
    };
    assert_eq!(said(&world), 0);
    let item = ItemId::new("mug").unwrap();
    world.hub_store.spoil_balance(&item, Quantity::units(3));
    let found = compared(&mut world);
    let [items] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].item, item);
    assert_eq!(items[0].at_hub, items[0].at_pc.plus(Quantity::units(3)));
    assert_eq!(said(&world), 1, "the hub says it too");
    // A day later without being asked.
    world.pcs[0].events.clear();
    world.run_for(25 * 3_600_000);
    assert!(told(
        &world,
        0,
        |it| matches!(it, NodeEvent::BalancesDiffer { items } if items.len() == 1)
    ));
}
