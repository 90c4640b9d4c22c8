//! What the simulator found, told as small stories: whoever breaks one of them again needn't wait
//! for the seed that leads there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

mod harness;

use harness::World;
use harness::business::{calm, record};
use harness::trade::{accept, item, new_order, shop, units};
use shelf_replica::node::{NodeEffect, NodeInput, Permission};
use shelf_replica::orders::{self, Decision, NewOrder};
use shelf_replica::rights::HubCells;
use shelf_stock::identity::Seq;
use shelf_stock::quantity::Quantity;
use shelf_wire::frame::{pack, unpack};
use shelf_wire::message::{Ack, LogBatch, Message, Nack, NackReason};

/// What a PC says when it is told something; nothing of it arrives.
fn said(world: &mut World, index: usize, input: NodeInput<'_>) -> Vec<Message> {
    let now = world.now();
    let pc = &mut world.pcs[index];
    let mut effects = Vec::new();
    pc.machine
        .handle(now, input, &mut pc.store, &mut effects)
        .unwrap();
    let sent = effects.iter().filter_map(|it| match it {
        NodeEffect::Send { frame, .. } => Some(unpack(frame).unwrap()),
        _ => None,
    });
    sent.collect()
}

fn batches(said: &[Message]) -> Vec<&LogBatch> {
    let batches = said.iter().filter_map(|it| match it {
        Message::LogBatch(batch) => Some(batch),
        _ => None,
    });
    batches.collect()
}

/// The hub's ack of documents that the PC's disk has lost was on its way while the PC came back
/// and was admitted. Only the answer to another hello brings the documents home.
#[test]
fn an_ack_of_what_a_restored_disk_has_lost_asks_for_it_with_a_hello() {
    let mut world = calm(1);
    record(&mut world, 0, 5);
    world.settle();
    let (log, upto) = (world.pcs[0].author.log(), world.pcs[0].author.seq());
    let ack = |upto| {
        let ack = Ack {
            node: None,
            incarnation: log.incarnation,
            upto,
            beyond: vec![],
        };
        pack(&Message::Ack(ack)).unwrap()
    };
    let known = said(&mut world, 0, NodeInput::Frame(&ack(upto)));
    assert_eq!(known, [], "it has what is acked");
    let late = ack(Seq(upto.0 + 3));
    let asked = said(&mut world, 0, NodeInput::Frame(&late));
    assert!(matches!(&asked[..], [Message::Hello(_)]), "{asked:?}");
}

/// What follows a refused batch is refused as well. If each refusal sent the whole window again,
/// one damaged batch would fill the line.
#[test]
fn a_refusal_sends_one_batch_again_and_not_the_window() {
    let mut world = calm(1);
    world.set_link(0, false);
    record(&mut world, 0, 2_000);
    world.set_link(0, true);
    // The hub's answer to the hello brings the window.
    let node = world.pcs[0].machine.id();
    let mut window = Vec::new();
    while window.is_empty() {
        let frame = world.next_to(node).unwrap();
        let said = said(&mut world, 0, NodeInput::Frame(&frame));
        window.extend(batches(&said).into_iter().cloned());
    }
    assert!(window.len() > 2, "{} batches", window.len());
    let mut again = 0;
    for batch in &window {
        let nack = Nack {
            node: None,
            incarnation: batch.incarnation,
            first: batch.first,
            last: batch.last(),
            reason: NackReason::Forged,
        };
        let frame = pack(&Message::Nack(nack)).unwrap();
        again += batches(&said(&mut world, 0, NodeInput::Frame(&frame))).len();
    }
    assert_eq!(again, 1);
}

/// The hub's question to the PC that it has made the grantor gets lost.
#[test]
fn a_new_grantor_that_doesnt_know_it_is_asked_again() {
    let mut world = shop(2, &[("mug", 10)]);
    let node = world.pcs[1].machine.id();
    world.faults.loss = 100;
    world.hub_call(|hub, _, store, effects| hub.set_grantor(node, store, effects));
    world.faults.loss = 0;
    world.run_for(120_000);
    let pc = &world.pcs[1];
    let may = pc.machine.may_take(&pc.store, &item("mug"), units(1));
    assert_eq!(may.unwrap(), Permission::Granted);
    assert!(pc.machine.rights_ready());
}

/// A marketplace sold what nobody had: the units that its order loses were never a right of the
/// hub's, so that none goes back to the store with them.
#[test]
fn what_was_sold_without_a_right_gives_none_back() {
    let mut world = shop(1, &[("mug", 5)]);
    let sold = NewOrder {
        sold_already: true,
        ..new_order("M-1", &[("mug", 9)])
    };
    assert!(matches!(accept(&mut world, &sold), Decision::Accepted(_)));
    world.run_for(600_000);
    let lost: Quantity = orders::compensations(&world.hub_store, 9)
        .unwrap()
        .iter()
        .map(|it| it.quantity)
        .sum();
    let hub = HubCells::load(&world.hub_store, &item("mug")).unwrap();
    assert_eq!(
        lost,
        units(4),
        "five are on the shelf, with the unit kept for safety"
    );
    assert_eq!(hub.granted, units(4), "that unit was never a right");
    assert_eq!(hub.returned, Quantity::ZERO);
}
