//! The queue under load and in any interleaving: order kept, nothing lost, no missed wake-up.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::clock::Stamp;
use crate::event::{EventSeq, Payload};
use crate::status::DeviceState;

fn event(device: &str, counter: u64) -> DeviceEvent {
    DeviceEvent {
        device: Arc::from(device),
        seq: EventSeq {
            incarnation: 1,
            counter,
        },
        at: Stamp::default(),
        payload: Payload::State(DeviceState::Ready),
    }
}

fn outbox(sender: &EventSender, spill_bytes_max: usize) -> Outbox {
    Outbox::new(
        sender.clone(),
        Arc::new(WakeFd::new().unwrap()),
        spill_bytes_max,
    )
}

#[test]
fn fullness_is_told_in_bytes_and_ends_when_events_are_taken() {
    let (sender, receiver) = channel(1);
    let mut outbox = outbox(&sender, 2 * event("a", 0).cost_bytes());
    for i in 0..3 {
        outbox.push(event("a", i));
    }
    assert_eq!(outbox.pump(), Pumped::Waiting);
    assert!(outbox.is_full() && receiver.depth() == 1);
    receiver.recv().unwrap();
    assert_eq!(
        outbox.wake.wait(Some(Duration::ZERO)),
        crate::wake::Waited::Woken
    );
    assert_eq!(outbox.pump(), Pumped::Waiting);
    assert!(!outbox.is_full());
    drop(receiver);
    assert_eq!(outbox.pump(), Pumped::Closed);
}

/// Producers that sleep until woken, against a consumer: a missed wake-up would hang here.
#[test]
fn sleeping_producers_are_always_woken() {
    const EACH: u64 = 3_000;
    for capacity in [1, 2, 3, 8] {
        let (sender, receiver) = channel(capacity);
        let threads: Vec<_> = ["a", "b", "c"]
            .into_iter()
            .map(|name| {
                let mut outbox = outbox(&sender, 1);
                std::thread::spawn(move || {
                    for i in 0..EACH {
                        outbox.push(event(name, i));
                        while outbox.pump() == Pumped::Waiting {
                            outbox.wake.wait(None);
                        }
                    }
                })
            })
            .collect();
        drop(sender);
        let mut last: BTreeMap<Arc<str>, u64> = BTreeMap::new();
        let mut taken = 0;
        while let Ok(event) = receiver.recv_timeout(Duration::from_secs(20)) {
            let expected = last.get(&event.device).map_or(0, |c| c + 1);
            assert_eq!(event.seq.counter, expected, "{}", event.device);
            last.insert(event.device, event.seq.counter);
            taken += 1;
        }
        assert_eq!(taken, 3 * EACH, "with room for {capacity}");
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

proptest! {
    #[test]
    fn any_interleaving_keeps_order_and_loses_nothing(
        steps in proptest::collection::vec(0u8..3, 1..300),
        capacity in 1usize..6,
    ) {
        let (sender, receiver) = channel(capacity);
        let mut outbox = outbox(&sender, 512);
        let (mut pushed, mut taken) = (0, 0);
        for step in steps {
            match step {
                0 => {
                    outbox.push(event("a", pushed));
                    pushed += 1;
                }
                1 => {
                    outbox.pump();
                }
                _ => {
                    if let Ok(event) = receiver.try_recv() {
                        prop_assert_eq!(event.seq.counter, taken);
                        taken += 1;
                    }
                }
            }
        }
        while taken < pushed {
            outbox.pump();
            let event = receiver.try_recv().unwrap();
            prop_assert_eq!(event.seq.counter, taken);
            taken += 1;
        }
        prop_assert_eq!(outbox.pump(), Pumped::Empty);
        prop_assert_eq!((outbox.spilled_bytes(), receiver.depth()), (0, 0));
    }
}

#[test]
fn whoever_waits_for_room_learns_that_the_receiver_is_gone() {
    for _ in 0..200 {
        let (sender, receiver) = channel(1);
        let mut outbox = outbox(&sender, 1);
        outbox.push(event("a", 0));
        outbox.push(event("a", 1));
        let thread = std::thread::spawn(move || {
            while outbox.pump() == Pumped::Waiting {
                if outbox.wake.wait(Some(Duration::from_secs(20))) == crate::wake::Waited::TimedOut
                {
                    return false;
                }
            }
            outbox.is_closed()
        });
        drop(receiver);
        assert!(thread.join().unwrap(), "a missed last word");
    }
}
