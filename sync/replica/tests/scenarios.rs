//! One story each: restored disks, clones, forks, strangers, poison, hints.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

mod harness;

use harness::business::{calm, record};
use harness::{World, machine};
use shelf_replica::conformance::Author;
use shelf_replica::hub::{HELLOS_BURST_MAX, Hub, HubConfig, HubEffect, HubEvent, HubInput};
use shelf_replica::memory::MemoryStore;
use shelf_replica::node::{NodeEffect, NodeEvent, NodeInput};
use shelf_replica::store::{ParkReason, Store};
use shelf_replica::{Now, SILENCE_MS_MAX};
use shelf_stock::identity::{Digest, NodeId, Seq};
use shelf_stock::time::Timestamp;
use shelf_wire::frame::{pack, unpack};
use shelf_wire::key::NodeKey;
use shelf_wire::message::{Ack, CfgHint, CfgKind, LogBatch, Message, NackReason, Verdict};
use shelf_wire::sealed::Sealed;

fn hub_saw(world: &World, is_it: impl Fn(&HubEvent) -> bool) -> bool {
    world.hub_events.iter().any(is_it)
}

#[test]
fn a_restored_disk_gets_back_what_the_hub_has_and_a_new_epoch() {
    let mut world = calm(2);
    record(&mut world, 0, 10);
    record(&mut world, 1, 10);
    let image = world.pcs[0].store.clone();
    record(&mut world, 0, 7);
    world.restart_pc(0);
    record(&mut world, 0, 3);
    record(&mut world, 1, 5);
    world.settle();
    world.checked = false;
    world.set_link(0, false);
    world.pcs[0].store = image;
    world.restart_pc(0);
    world.set_link(0, true);
    world.settle();
    assert_eq!(world.differences(), None);
    let restored = |it: &HubEvent| {
        matches!(
            it,
            HubEvent::Restored {
                returning: 10,
                epoch: 2,
                ..
            }
        )
    };
    assert!(hub_saw(&world, restored), "{:?}", world.hub_events);
    let told = |it: &NodeEvent| {
        matches!(
            it,
            NodeEvent::Admitted {
                epoch: 2,
                returning: 10
            }
        )
    };
    assert!(world.pcs[0].events.iter().any(told));
    record(&mut world, 0, 2);
    world.settle();
    assert_eq!(
        world.differences(),
        None,
        "it goes on under a new incarnation"
    );
}

#[test]
fn a_hub_restored_from_a_backup_gets_back_what_the_pcs_have() {
    let mut world = calm(2);
    record(&mut world, 0, 5);
    let backup = world.hub_store.clone();
    record(&mut world, 0, 5);
    world.restart_pc(0);
    record(&mut world, 0, 5);
    world.restart_pc(0);
    world.settle();
    world.checked = false;
    world.hub_store = backup;
    world.hub.reset();
    world.settle();
    world.run_for(2 * SILENCE_MS_MAX);
    assert_eq!(world.differences(), None);
}

#[test]
fn a_hub_that_starts_again_asks_for_hello() {
    let mut world = calm(2);
    record(&mut world, 0, 5);
    world.hub.reset();
    record(&mut world, 0, 5);
    world.run_for(1_000);
    assert_eq!(world.differences(), None);
}

#[test]
fn i15_poison_is_stored_acked_relayed_and_blocks_nothing() {
    let mut world = calm(2);
    world.faults.unreadable = 100;
    record(&mut world, 0, 2);
    world.faults.unreadable = 0;
    record(&mut world, 0, 2);
    world.run_for(1_000);
    assert_eq!(world.differences(), None);
    let parked = world.hub_store.parked(9).unwrap();
    assert!(parked.iter().all(|it| it.reason == ParkReason::Unreadable));
    assert_eq!((parked.len(), world.hub_store.folded().count()), (2, 2));
    assert_eq!(world.pcs[1].store.parked(9).unwrap().len(), 2);
}

/// A hub with one session that the test speaks for.
struct Bench {
    hub: Hub,
    store: MemoryStore,
    now_ms: u64,
    step_ms: u64,
}

impl Bench {
    fn new(trust_first_use: bool) -> Self {
        let hub = Hub::new(HubConfig {
            seed: 1,
            trust_first_use,
        });
        Self {
            hub,
            store: MemoryStore::new(),
            now_ms: 1_000,
            step_ms: 10_000,
        }
    }

    fn now(&self) -> Now {
        Now {
            mono_ms: self.now_ms,
            wall: Timestamp::from_millis(1_790_000_000_000),
        }
    }

    fn tell(&mut self, input: HubInput<'_>) -> (Vec<(NodeId, Message)>, Vec<HubEvent>) {
        let mut effects = Vec::new();
        self.hub
            .handle(self.now(), input, &mut self.store, &mut effects)
            .unwrap();
        let (mut said, mut events) = (Vec::new(), Vec::new());
        for effect in effects {
            match effect {
                HubEffect::Send { to, frame, .. } => said.push((to, unpack(&frame).unwrap())),
                HubEffect::Event(event) => events.push(event),
                HubEffect::WakeAt(_) => {}
            }
        }
        (said, events)
    }

    /// A PC's program with this boot nonce connects, is answered, and believes the answer.
    fn greet(&mut self, author: &Author, store: &mut MemoryStore, boot: u64) -> Vec<HubEvent> {
        self.now_ms += self.step_ms;
        let mut pc = machine(author, boot, self.now_ms);
        let mut effects = Vec::new();
        pc.handle(self.now(), NodeInput::LinkUp, store, &mut effects)
            .unwrap();
        let hello = effects.iter().find_map(|it| match it {
            NodeEffect::Send { frame, .. } => Some(frame.clone()),
            _ => None,
        });
        let from = author.node();
        let frame = hello.unwrap();
        let (said, events) = self.tell(HubInput::Frame {
            from,
            frame: &frame,
        });
        for (_, message) in said {
            let frame = pack(&message).unwrap();
            pc.handle(self.now(), NodeInput::Frame(&frame), store, &mut Vec::new())
                .unwrap();
        }
        events
    }

    fn send(&mut self, from: NodeId, batch: LogBatch) -> (Vec<(NodeId, Message)>, Vec<HubEvent>) {
        let frame = pack(&Message::LogBatch(batch)).unwrap();
        self.tell(HubInput::Frame {
            from,
            frame: &frame,
        })
    }
}

fn batch(author: &Author, documents: &[Sealed]) -> LogBatch {
    let head = author.key().sign_head(&documents.last().unwrap().head());
    LogBatch::of(documents, &head, true).unwrap()
}

#[test]
fn two_programs_that_take_turns_are_a_clone_and_restarts_are_not() {
    let (mut bench, author) = (Bench::new(true), Author::new(1, 1));
    let mut store = MemoryStore::new();
    let clone = |events: &[HubEvent]| events.iter().any(|it| matches!(it, HubEvent::Clone { .. }));
    for boot in 1..20 {
        let events = bench.greet(&author, &mut store, boot);
        assert!(!clone(&events), "restart {boot}");
    }
    let mut twin = store.clone();
    let mut seen = false;
    for _ in 0..3 {
        seen |= clone(&bench.greet(&author, &mut twin, 100));
        seen |= clone(&bench.greet(&author, &mut store, 19));
    }
    assert!(seen);
    let node = author.node();
    let refused = HubEvent::NotAdmitted {
        node,
        verdict: Verdict::Clone,
    };
    for boot in [100, 19] {
        let events = bench.greet(&author, &mut store, boot);
        assert_eq!(events, std::slice::from_ref(&refused), "both are kept out");
    }
    bench.tell(HubInput::Forgive { node });
    let events = bench.greet(&author, &mut store, 19);
    assert!(!events.contains(&refused), "{events:?}");
}

#[test]
fn i7_two_documents_at_one_place_are_a_fork_and_both_are_kept() {
    let (mut bench, mut author) = (Bench::new(true), Author::new(1, 1));
    bench.greet(&author, &mut MemoryStore::new(), 1);
    let mut twin = author.clone();
    let wall = Timestamp::from_millis(5);
    let mine = author.sell("mug", wall).sealed().clone();
    let other = twin.sell("tea", wall).sealed().clone();
    let after = twin.sell("tea", wall).sealed().clone();
    bench.send(author.node(), batch(&author, std::slice::from_ref(&mine)));
    let (said, events) = bench.send(author.node(), batch(&twin, &[other.clone(), after.clone()]));
    assert!(
        events.contains(&HubEvent::Fork {
            place: mine.place()
        }),
        "{events:?}"
    );
    let ack = Ack {
        node: None,
        incarnation: mine.place().incarnation,
        upto: Seq(2),
        beyond: vec![],
    };
    assert!(
        said.contains(&(author.node(), Message::Ack(ack))),
        "{said:?}"
    );
    let parked = bench.store.parked(9).unwrap();
    assert_eq!(
        parked.iter().map(|it| &it.sealed).collect::<Vec<_>>(),
        [&other]
    );
    assert_eq!(bench.store.documents().len(), 2);
}

#[test]
fn a_forged_batch_is_refused_and_nothing_of_it_stored() {
    let (mut bench, mut author) = (Bench::new(true), Author::new(1, 1));
    bench.greet(&author, &mut MemoryStore::new(), 1);
    let sold = author
        .sell("mug", Timestamp::from_millis(5))
        .sealed()
        .clone();
    let mut forged = batch(&author, std::slice::from_ref(&sold));
    forged.signature = NodeKey::from_seed([77; 32])
        .sign_head(&sold.head())
        .signature;
    let (said, events) = bench.send(author.node(), forged);
    let reason = NackReason::Forged;
    assert!(
        matches!(&said[..], [(_, Message::Nack(nack))] if nack.reason == reason),
        "{said:?}"
    );
    let refused = HubEvent::Refused {
        from: author.node(),
        reason,
    };
    assert!(events.contains(&refused));
    assert!(bench.store.documents().is_empty());
    let missing = LogBatch {
        prev: None,
        first: Seq(7),
        ..batch(&author, &[sold])
    };
    let (said, _) = bench.send(author.node(), missing);
    let reason = NackReason::Predecessor;
    assert!(
        matches!(&said[..], [(_, Message::Nack(nack))] if nack.reason == reason),
        "{said:?}"
    );
}

#[test]
fn a_stranger_is_admitted_only_once_enrolled() {
    let (mut bench, author) = (Bench::new(false), Author::new(1, 1));
    let mut store = MemoryStore::new();
    let node = author.node();
    let refused = HubEvent::NotAdmitted {
        node,
        verdict: Verdict::NotEnrolled,
    };
    assert_eq!(bench.greet(&author, &mut store, 1), [refused]);
    let key = author.key().public_key();
    let (_, events) = bench.tell(HubInput::Enrol { key });
    assert_eq!(events, [HubEvent::Enrolled { node }]);
    let events = bench.greet(&author, &mut store, 1);
    assert!(
        matches!(&events[..], [HubEvent::Admitted { .. }]),
        "{events:?}"
    );
}

#[test]
fn a_crowd_is_told_to_come_again() {
    let (mut bench, author) = (Bench::new(true), Author::new(1, 1));
    let mut store = MemoryStore::new();
    bench.step_ms = 1;
    let mut busy = 0;
    for boot in 0..HELLOS_BURST_MAX + 10 {
        let events = bench.greet(&author, &mut store, boot);
        let told = |it: &HubEvent| {
            matches!(
                it,
                HubEvent::NotAdmitted {
                    verdict: Verdict::Busy { .. },
                    ..
                }
            )
        };
        busy += u64::from(events.iter().any(told));
    }
    assert!((8..=10).contains(&busy), "{busy}");
}

#[test]
fn a_hint_is_told_at_once_and_after_each_hello() {
    let mut world = calm(1);
    let hint = CfgHint {
        kind: CfgKind::Catalogue,
        revision: 2,
        path: "/v1/catalogue/2".to_owned(),
        sha256: Digest::from_bytes([1; 32]),
        bytes: 9,
    };
    world.tell_hub(HubInput::Hint { hint: &hint });
    world.run_for(100);
    world.restart_pc(0);
    world.run_for(100);
    let told = world.pcs[0]
        .events
        .iter()
        .filter(|it| **it == NodeEvent::Hint(hint.clone()));
    assert_eq!(told.count(), 2);
}

#[test]
fn a_page_is_green_only_while_the_hub_is_heard_and_has_nearly_everything() {
    let mut world = calm(1);
    record(&mut world, 0, 1);
    let status = world.pcs[0].machine.status();
    let now = world.now();
    assert!(status.is_green(now, None));
    assert!(status.is_green(now, Some(now.wall.plus_millis(-59_000))));
    assert!(!status.is_green(now, Some(now.wall.plus_millis(-60_000))));
    let later = Now {
        mono_ms: now.mono_ms + SILENCE_MS_MAX,
        wall: now.wall,
    };
    assert!(!status.is_green(later, None));
    world.set_link(0, false);
    assert!(!world.pcs[0].machine.status().is_green(world.now(), None));
}

#[test]
fn a_silent_hub_is_greeted_again() {
    let mut world = calm(1);
    world.faults.loss = 100;
    world.run_for(SILENCE_MS_MAX + 1_000);
    assert!(world.pcs[0].events.contains(&NodeEvent::HubSilent));
    world.faults.loss = 0;
    record(&mut world, 0, 1);
    world.settle();
    assert_eq!(world.differences(), None);
}

/// A storm without a shop's limit of PCs: programs that say hello, are told to come again, and do.
#[test]
fn five_hundred_that_come_back_at_once_are_all_heard_at_the_pace_that_the_hub_wants() {
    let mut bench = Bench::new(false);
    let authors: Vec<_> = (0..=249).map(|number| Author::new(number, 1)).collect();
    let programs = authors.iter().chain(&authors).enumerate();
    let mut waiting: Vec<_> = programs
        .map(|(index, author)| {
            let boot = u64::try_from(index).unwrap();
            (
                author.node(),
                MemoryStore::new(),
                machine(author, boot, boot * 7 + 1),
            )
        })
        .collect();
    for (_, store, pc) in &mut waiting {
        let now = bench.now();
        pc.handle(now, NodeInput::LinkUp, store, &mut Vec::new())
            .unwrap();
    }
    let (mut heard, mut most, mut hellos) = (std::collections::BTreeSet::new(), 0, 0_u64);
    for _ in 0..240 {
        bench.now_ms += 1_000;
        let mut this_second = 0_u64;
        for (index, (from, store, pc)) in waiting.iter_mut().enumerate() {
            let mut effects = Vec::new();
            pc.handle(bench.now(), NodeInput::Tick, store, &mut effects)
                .unwrap();
            for effect in effects {
                let NodeEffect::Send { frame, .. } = effect else {
                    continue;
                };
                hellos += 1;
                let (said, _) = bench.tell(HubInput::Frame {
                    from: *from,
                    frame: &frame,
                });
                for (_, message) in said {
                    if let Message::HelloAnswer(answer) = &message
                        && answer.verdict == Verdict::NotEnrolled
                    {
                        this_second += 1;
                        heard.insert(index);
                    }
                    let frame = pack(&message).unwrap();
                    let input = NodeInput::Frame(&frame);
                    pc.handle(bench.now(), input, store, &mut Vec::new())
                        .unwrap();
                }
            }
        }
        most = most.max(this_second);
    }
    assert_eq!(heard.len(), 500, "everybody got the hub's word");
    assert!(most <= HELLOS_BURST_MAX, "{most} in one second");
    assert!(hellos < 500 * 60, "{hellos} hellos in four minutes");
}
