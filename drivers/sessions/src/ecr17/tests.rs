//! A terminal in the same thread and virtual time; the cable is pulled after every byte in either direction,
//! and what the terminal knows is compared with what the till believes.

mod world;

use shelf_codecs::ecr17::{LrcMode, RegisterId, Stan, encode_ack, encode_progress};
use shelf_codecs::zvt::Amount;

use super::*;
use crate::payment::{Ask, IntentId, PaymentState, Progress, Terminal as _};
use crate::time::Mono;

use world::*;

fn pay(minor: u64) -> Input {
    Input::Command(Command::Pay {
        intent: INTENT,
        amount: Amount::new(minor).unwrap(),
    })
}

/// Nothing the till says may contradict what the terminal did.
fn assert_honest(world: &World, habit: Habit, at: usize) {
    let (charged, committed) = (world.terminal.charged.len(), world.committed);
    assert!(charged <= 1, "charged twice, cut at {at}, {habit:?}");
    let heard = world.terminal.payments_heard;
    assert!(heard <= 1, "sent {heard} times, cut at {at}, {habit:?}");
    match world.last() {
        Outcome::Approved(record) => {
            assert_eq!(
                (charged, committed > 0),
                (1, true),
                "cut at {at}, {habit:?}"
            );
            assert!(record.progress.committed && record.progress.confirmed);
        }
        Outcome::Declined { .. } | Outcome::Aborted(_) | Outcome::NotStarted(_) => {
            assert_eq!((charged, committed), (0, 0), "cut at {at}, {habit:?}");
        }
        Outcome::Unknown { record, .. } => assert_eq!(record.progress.state, PaymentState::Unknown),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_cable_is_pulled_after_every_byte() {
    for habit in [
        Habit::default(),
        Habit {
            customer_ms: 20_000,
            ..Habit::default()
        },
        Habit {
            declines: true,
            customer_ms: 3_000,
            ..Habit::default()
        },
        Habit {
            customer_ms: 30_000,
            stays_dead: true,
            ..Habit::default()
        },
        Habit {
            silent: true,
            customer_ms: 20_000,
            ..Habit::default()
        },
    ] {
        let mut whole = World::new(habit, usize::MAX);
        whole.run(pay(650));
        assert_honest(&whole, habit, usize::MAX);
        let mut unknown = 0;
        for at in 0..whole.bytes_seen {
            let mut world = World::new(habit, at);
            world.run(pay(650));
            assert_honest(&world, habit, at);
            unknown += u32::from(matches!(world.last(), Outcome::Unknown { .. }));
        }
        // A terminal that comes back always settles it.
        assert_eq!(unknown > 0, habit.stays_dead, "{habit:?}: {unknown}");
    }
}

#[test]
fn a_usual_payment() {
    let mut world = World::new(Habit::default(), usize::MAX);
    world.run(pay(650));
    assert_eq!(world.terminal.charged, [650]);
    let states: Vec<_> = world
        .records
        .iter()
        .map(|record| record.progress.state)
        .collect();
    use PaymentState::{Accepted, Approved, Created, InProgress, Sent};
    assert_eq!(states, [Created, Sent, Accepted, InProgress, Approved]);
    assert!(
        world.terminal.unacked.is_none(),
        "the result was acknowledged"
    );
    let before = world.records[1].previous;
    assert_eq!(
        before,
        Previous::Last(LastResult {
            stan: Stan::new(41),
            code: 0
        })
    );
}

#[test]
fn requests_are_repeated_only_when_the_terminal_asks() {
    let mut world = World::new(
        Habit {
            naks: 2,
            ..Habit::default()
        },
        usize::MAX,
    );
    world.run(pay(650));
    assert!(matches!(world.last(), Outcome::Approved(_)));
    let mut world = World::new(
        Habit {
            naks: 3,
            ..Habit::default()
        },
        usize::MAX,
    );
    world.run(pay(650));
    assert!(matches!(world.last(), Outcome::NotStarted(_)));
    assert!(world.terminal.charged.is_empty());
    // A damaged result is asked for again.
    let mut world = World::new(
        Habit {
            damages_once: true,
            ..Habit::default()
        },
        usize::MAX,
    );
    world.run(pay(650));
    assert!(world.damaged && matches!(world.last(), Outcome::Approved(_)));
}

#[test]
fn a_payment_of_another_till_in_between_is_left_to_people() {
    let habit = Habit {
        another_till: true,
        customer_ms: 20_000,
        ..Habit::default()
    };
    let mut world = World::new(habit, 300);
    world.run(pay(650));
    assert!(world.cut);
    assert!(
        matches!(
            world.last(),
            Outcome::Unknown {
                ask: Ask::Manager,
                ..
            }
        ),
        "{:?}",
        world.last()
    );
    assert_eq!(world.session.held().map(|held| held.intent), Some(INTENT));
    // The next customer is served; the unknown one steps aside for good.
    world.terminal.habit = Habit::default();
    let amount = Amount::new(100).unwrap();
    world.run(Input::Command(Command::Pay {
        intent: IntentId(8),
        amount,
    }));
    assert!(matches!(world.last(), Outcome::Approved(record) if record.intent == IntentId(8)));
    let superseded = world
        .records
        .iter()
        .filter(|record| record.progress.superseded);
    assert!(
        superseded
            .map(|record| record.intent)
            .all(|intent| intent == INTENT)
    );
    assert!(world.session.held().is_none());
}

#[test]
fn reversals_are_settled_by_their_own_answer_only() {
    let reverse = || {
        Input::Command(Command::Reverse {
            intent: INTENT,
            stan: Stan::new(41).unwrap(),
            amount: Amount::new(650).unwrap(),
        })
    };
    let mut whole = World::new(Habit::default(), usize::MAX);
    whole.run(reverse());
    assert!(matches!(whole.last(), Outcome::Approved(_)));
    for at in 0..whole.bytes_seen {
        let mut world = World::new(Habit::default(), at);
        world.run(reverse());
        assert!(world.terminal.reversed <= 1, "cut at {at}");
        match world.last() {
            Outcome::NotStarted(_) | Outcome::Aborted(_) => {
                assert_eq!(world.terminal.reversed, 0, "{at}");
            }
            Outcome::Approved(_) => assert_eq!(world.terminal.reversed, 1, "{at}"),
            Outcome::Unknown { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn commands_without_a_payment() {
    let mut world = World::new(Habit::default(), usize::MAX);
    world.run(Input::Command(Command::Totals));
    assert_eq!(world.last(), &Outcome::Totals(Some(5)));
    world.run(Input::Command(Command::Close));
    assert!(matches!(world.last(), Outcome::DayClosed(day) if day.host_minor == 5));
    world.run(Input::Command(Command::Status));
    assert!(matches!(world.last(), Outcome::TerminalState(state) if state.state == 0));
    assert!(world.terminal.charged.is_empty());
    let mut world = World::new(
        Habit {
            stays_dead: true,
            ..Habit::default()
        },
        5,
    );
    world.run(Input::Command(Command::Totals));
    assert!(matches!(world.last(), Outcome::Failed { .. }));
}

#[test]
fn the_cashier_gives_up_and_the_terminal_is_asked() {
    for (customer_ms, declines, charged) in [(20_000, false, 1), (3_000, true, 0)] {
        let habit = Habit {
            customer_ms,
            declines,
            ..Habit::default()
        };
        let mut world = World::new(habit, usize::MAX);
        world.gives_up = true;
        world.run(pay(650));
        assert_honest(&world, habit, usize::MAX);
        assert_eq!(world.terminal.charged.len(), charged, "{:?}", world.last());
        assert_eq!(matches!(world.last(), Outcome::Approved(_)), charged == 1);
    }
}

#[test]
fn progress_does_not_go_on_for_ever() {
    let mut world = World::new(
        Habit {
            customer_ms: 1,
            ..Habit::default()
        },
        usize::MAX,
    );
    let mut out = Vec::new();
    let session = &mut world.session;
    session.handle(Mono(0), pay(650), &mut out);
    session.handle(Mono(0), Input::Connected, &mut out);
    let told = world.terminal.result().encode(terminal_id(), LrcMode::Std);
    session.handle(
        Mono(0),
        Input::Bytes([encode_ack(LrcMode::Std), told].concat()),
        &mut out,
    );
    session.handle(Mono(0), Input::Persisted { intent: INTENT }, &mut out);
    out.clear();
    for n in 0..200 {
        let now = Mono(n * 10_000);
        session.handle(now, Input::Bytes(encode_progress("ATTENDERE")), &mut out);
        session.handle(now, Input::Tick, &mut out);
    }
    assert!(out.contains(&Effect::Disconnect), "{:?}", out.last());
}

#[test]
fn a_sale_that_cannot_be_written_is_told() {
    let mut world = World::new(Habit::default(), usize::MAX);
    world.commit_fails = true;
    world.run(pay(650));
    let Outcome::Unknown { record, .. } = world.last() else {
        panic!("{:?}", world.last())
    };
    assert!(!record.progress.committed);
}

#[test]
fn after_a_restart_the_terminal_is_asked() {
    for (state, charged) in [
        (PaymentState::Created, false),
        (PaymentState::Sent, true),
        (PaymentState::Sent, false),
        (PaymentState::InProgress, true),
    ] {
        let mut world = World::new(Habit::default(), usize::MAX);
        let before = world.terminal.last;
        if charged {
            world.terminal.busy = Some((Mono(0), 650));
            world.terminal.work(Mono(0));
        }
        let record = Record {
            intent: INTENT,
            kind: Kind::Pay,
            amount: Amount::new(650).unwrap(),
            progress: Progress {
                state,
                ..Progress::CREATED
            },
            previous: Previous::Last(before),
            approval: None,
        };
        assert!(record.progress.is_open());
        world.run(Input::Resume(Box::new(record)));
        let approved = matches!(world.last(), Outcome::Approved(_));
        assert_eq!(approved, charged, "{state:?}: {:?}", world.last());
        assert_eq!(world.committed, u32::from(charged));
    }
}

#[test]
fn any_bytes_from_the_terminal() {
    let mut seed = 0x5EED_0006_u64;
    let mut roll = |sides: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % sides
    };
    let register = RegisterId::new(1).unwrap();
    let mut session = Session::new(Config::new(terminal_id(), register));
    let (mut out, mut now) = (Vec::new(), Mono(0));
    let approved = Terminal::new(Habit::default());
    let result = approved.encode(&approved.result());
    for _ in 0..100_000 {
        if !session.is_busy() {
            session.handle(now, pay(650), &mut out);
        }
        out.clear();
        session.handle(now, Input::Connected, &mut out);
        let bytes = match roll(4) {
            0 => encode_ack(LrcMode::Std),
            1 => result.clone(),
            _ => (0..roll(12))
                .map(|_| [2, 3, 6, 0x15, 1, 4, b'E'][usize::try_from(roll(7)).unwrap()])
                .collect(),
        };
        session.handle(now, Input::Bytes(bytes), &mut out);
        session.handle(now, Input::Persisted { intent: INTENT }, &mut out);
        if roll(3) == 0 {
            session.handle(now, Input::Committed { intent: INTENT }, &mut out);
        }
        now = now.plus(roll(4_000));
        session.handle(now, Input::Tick, &mut out);
        assert!(out.len() < 64, "{out:?}");
    }
}
