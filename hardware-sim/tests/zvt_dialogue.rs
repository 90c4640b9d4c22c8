//! Payments, refunds, reversals and commands against the simulated terminal in virtual time: what each
//! side may say, what the shell must do first, and how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test program"
)]

mod zvt_world;

use shelf_codecs::zvt::Packet;
use shelf_sessions::payment::Terminal as _;
use shelf_sessions::zvt::{
    Ask, Command, Effect, Input, IntentId, Mono, Outcome, PaymentState, Rejection, Session,
};
use shelf_sim::zvt_terminal::{
    BookedState, Cut, Direction, PaymentScript, Pull, Repeat, TerminalConfig, Unacknowledged,
};
use zvt_world::{CURRENCY, World, amount, session_config};

fn world(scripts: Vec<PaymentScript>) -> World {
    World::new(session_config(true), TerminalConfig::default(), scripts)
}

/// The outcome of one payment of 12.34 in a world of its own.
fn pay(mut world: World) -> (World, Outcome) {
    world.pay(1, 1234);
    assert_eq!(world.check(), Ok(()), "{}", world.seen);
    let outcome = world.outcomes.last().cloned().unwrap();
    (world, outcome)
}

fn count(world: &World, control: (u8, u8)) -> usize {
    world
        .terminal
        .commands()
        .iter()
        .filter(|c| **c == control)
        .count()
}

#[test]
fn a_payment_is_persisted_then_sent_then_committed_then_confirmed() {
    let (world, outcome) = pay(world(vec![]));
    let Outcome::Approved(record) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(record.progress.state, PaymentState::Approved);
    assert!(record.progress.committed && record.progress.confirmed && !record.progress.is_open());
    assert_eq!(record.evidence.as_ref().unwrap().receipt, Some(42));
    assert_eq!(
        record.evidence.as_ref().unwrap().card_name.as_deref(),
        Some("girocard")
    );
    assert!(world.terminal.books()[0].acknowledged);
    let at = |what: &str| world.seen.find(what).unwrap_or_else(|| panic!("no {what}"));
    let authorisation = format!(
        "{:?}",
        Effect::Send(
            Packet::Authorisation {
                amount: amount(1234),
                currency: CURRENCY,
                payment_type: None,
                timeout_s: None,
                status_max: None,
            }
            .encode()
        )
    );
    assert!(at("state: Created") < at("Connect"));
    assert!(at("state: Sent") < at(&authorisation));
    assert!(at(&authorisation) < at("state: Accepted"));
    assert!(at("state: InProgress") < at("CommitThenConfirm"));
    assert!(world.seen.contains("Insert, swipe or tap the card"));
    assert!(world.seen.contains("Zahlung erfolgt"));
    assert_eq!(
        world.seen.matches("Disconnect").count(),
        1,
        "closed when idle"
    );
}

#[test]
fn no_payment_byte_before_the_record_is_durable() {
    let mut session = Session::new(session_config(false));
    let mut terminal = shelf_sim::zvt_terminal::Terminal::new(TerminalConfig::default(), vec![]);
    let mut out = Vec::new();
    let pay = Input::Command(Command::Pay {
        intent: IntentId(1),
        amount: amount(500),
        currency: CURRENCY,
        asked_at: None,
    });
    session.handle(Mono(0), pay.clone(), &mut out);
    session.handle(Mono(0), Input::Connected, &mut out);
    terminal.connected(0);
    for _ in 0..50 {
        for effect in std::mem::take(&mut out) {
            if let Effect::Send(bytes) = effect {
                terminal.receive(0, &bytes);
            }
        }
        for action in terminal.take_actions() {
            let shelf_sim::zvt_terminal::Action::Send(bytes) = action else {
                continue;
            };
            session.handle(Mono(0), Input::Bytes(bytes), &mut out);
        }
    }
    assert!(
        !terminal.commands().contains(&(6, 1)),
        "sent without Persisted"
    );
    session.handle(
        Mono(0),
        Input::Persisted {
            intent: IntentId(2),
        },
        &mut out,
    );
    assert!(out.is_empty(), "took another's: {out:?}");
    session.handle(Mono(1), pay, &mut out);
    assert_eq!(out, [Effect::Rejected(Rejection::Busy)]);
    out.clear();
    session.handle(
        Mono(1),
        Input::Persisted {
            intent: IntentId(1),
        },
        &mut out,
    );
    assert!(
        matches!(&out[0], Effect::Send(bytes) if bytes.starts_with(&[6, 1])),
        "{out:?}"
    );
}

#[test]
fn declined_and_cancelled() {
    let (world, outcome) = pay(world(vec![PaymentScript::declined()]));
    assert!(
        matches!(outcome, Outcome::Declined { code: 5, .. }),
        "{outcome:?}"
    );
    assert!(world.sales.is_empty() && world.terminal.books().is_empty());
    let (world, outcome) = pay(self::world(vec![PaymentScript::cancelled()]));
    assert!(
        matches!(outcome, Outcome::Declined { code: 0x6C, .. }),
        "{outcome:?}"
    );
    assert!(world.sales.is_empty());
}

#[test]
fn a_slow_commit_makes_the_terminal_wait() {
    for (commit_takes_ms, waits) in [(500, 0), (1_500, 1), (8_000, 3)] {
        let mut world = world(vec![]);
        world.commit_takes_ms = commit_takes_ms;
        let (world, outcome) = pay(world);
        assert!(
            matches!(outcome, Outcome::Approved(_)),
            "{commit_takes_ms}: {outcome:?}"
        );
        assert_eq!(
            world.seen.matches("Send([132, 156, 0])").count(),
            waits,
            "{commit_takes_ms}"
        );
        assert_eq!(world.seen.matches("CommitThenConfirm").count(), 1);
        assert!(world.terminal.books()[0].acknowledged);
    }
}

#[test]
fn a_commit_slower_than_the_terminal_waits_is_taken_back_and_voided() {
    let mut world = world(vec![]);
    world.commit_takes_ms = 60_000;
    let (world, outcome) = pay(world);
    assert!(
        matches!(outcome, Outcome::ReversedAfterCommit(_)),
        "{outcome:?}"
    );
    assert_eq!(world.terminal.books()[0].state, BookedState::Reversed);
}

#[test]
fn a_failed_commit_makes_the_terminal_reverse() {
    for takes in [3, 1_500] {
        let mut world = world(vec![]);
        world.commits_fail = true;
        world.commit_takes_ms = takes;
        let (world, outcome) = pay(world);
        assert!(matches!(outcome, Outcome::Aborted { .. }), "{outcome:?}");
        assert_eq!(world.terminal.books()[0].state, BookedState::Reversed);
        assert!(world.seen.contains("Send([132, 255, 0])"));
    }
}

#[test]
fn a_resent_approval_is_confirmed_again_but_sold_once() {
    let script = PaymentScript {
        resends: 2,
        ..PaymentScript::default()
    };
    let mut config = session_config(true);
    config.commit_ms_before_wait = 60_000;
    let mut world = World::new(config, TerminalConfig::default(), vec![script]);
    // Longer than the terminal waits before it says the approval again.
    world.commit_takes_ms = 7_000;
    let (world, outcome) = pay(world);
    assert!(matches!(outcome, Outcome::Approved(_)), "{outcome:?}");
    assert_eq!(world.seen.matches("CommitThenConfirm").count(), 1);
    assert!(world.terminal.books()[0].acknowledged);
    assert_eq!(world.sales.len(), 1);
}

#[test]
fn pulled_before_and_after_the_acknowledgement() {
    let pulled = |pull, unacknowledged| {
        let script = PaymentScript {
            pull: Some(pull),
            ..PaymentScript::default()
        };
        let terminal = TerminalConfig {
            unacknowledged,
            ..TerminalConfig::default()
        };
        pay(World::new(session_config(false), terminal, vec![script])).1
    };
    let before = pulled(Pull::BeforeStatusAcknowledged, Unacknowledged::Reverses);
    assert!(
        matches!(before, Outcome::ReversedAfterCommit(_)),
        "{before:?}"
    );
    let declined = pulled(
        Pull::BeforeStatusAcknowledged,
        Unacknowledged::BecomesDeclined,
    );
    assert!(
        matches!(declined, Outcome::ReversedAfterCommit(_)),
        "{declined:?}"
    );
    let stands = pulled(Pull::BeforeStatusAcknowledged, Unacknowledged::Stands);
    assert!(matches!(stands, Outcome::Approved(_)), "{stands:?}");
    let after = pulled(Pull::AfterStatusAcknowledged, Unacknowledged::Reverses);
    assert!(matches!(after, Outcome::Approved(_)), "{after:?}");
}

#[test]
fn the_terminals_own_cut_split_writes_and_delays() {
    let cut = Some(Cut {
        direction: Direction::FromTerminal,
        after_bytes: 40,
    });
    for terminal in [
        TerminalConfig {
            cut,
            ..TerminalConfig::default()
        },
        TerminalConfig {
            splits_writes: true,
            ..TerminalConfig::default()
        },
        TerminalConfig {
            answer_delay_ms: 2_000,
            ..TerminalConfig::default()
        },
    ] {
        let (world, outcome) = pay(World::new(session_config(true), terminal, vec![]));
        assert!(
            matches!(
                outcome,
                Outcome::Approved(_) | Outcome::NotStarted(_) | Outcome::Aborted { .. }
            ),
            "{outcome:?}"
        );
        assert!(count(&world, (6, 1)) <= 1);
    }
    // Accepted later than T3: the answer is unknown, not "no".
    let late = PaymentScript {
        accepts_after_ms: 6_000,
        ..PaymentScript::default()
    };
    let (world, outcome) = pay(world(vec![late]));
    assert!(matches!(outcome, Outcome::Aborted { .. }), "{outcome:?}");
    assert_eq!(count(&world, (6, 1)), 1);
}

#[test]
fn a_bare_completion_asks_the_cashier() {
    let terminal = TerminalConfig {
        repeat: Repeat::Bare,
        unacknowledged: Unacknowledged::Stands,
        ..TerminalConfig::default()
    };
    let script = PaymentScript {
        pull: Some(Pull::BeforeStatusAcknowledged),
        ..PaymentScript::default()
    };
    let (mut world, outcome) = pay(World::new(session_config(false), terminal, vec![script]));
    let Outcome::Unknown {
        record,
        ask: Ask::Cashier,
        ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert!(record.progress.committed && record.progress.is_open());
    assert_eq!(world.session.held().map(|r| r.intent), Some(IntentId(1)));
    world.terminal.set_config(TerminalConfig::default());
    world.input(Input::Resync {
        intent: IntentId(9),
    });
    assert!(
        world.seen.ends_with("Rejected(NotHeld)\n"),
        "{}",
        world.seen
    );
    world.input(Input::Resync {
        intent: IntentId(1),
    });
    world.run();
    assert!(matches!(world.outcomes.last(), Some(Outcome::Approved(_))));
    world.input(Input::Settled {
        intent: IntentId(1),
    });
    assert!(world.session.held().is_none());
}

#[test]
fn the_cashier_gives_up() {
    let script = PaymentScript {
        thinks_ms: 60_000,
        ..PaymentScript::default()
    };
    let mut world = world(vec![script]);
    world.paid += 1;
    world.input(Input::Command(Command::Pay {
        intent: IntentId(1),
        amount: amount(1234),
        currency: CURRENCY,
        asked_at: None,
    }));
    world.run_until(10_000);
    world.input(Input::Command(Command::AbortPayment));
    world.run();
    let outcome = world.outcomes.last();
    assert!(
        matches!(
            outcome,
            Some(Outcome::Aborted {
                code: Some(0x6C),
                ..
            })
        ),
        "{outcome:?}"
    );
    assert_eq!(count(&world, (6, 0xB0)), 1);
    assert_eq!(world.check(), Ok(()));
}

#[test]
fn a_customer_slower_than_t4_is_aborted_not_forgotten() {
    let script = PaymentScript {
        thinks_ms: 400_000,
        ..PaymentScript::default()
    };
    let (world, outcome) = pay(world(vec![script]));
    assert!(matches!(outcome, Outcome::Aborted { .. }), "{outcome:?}");
    assert_eq!(count(&world, (6, 0xB0)), 1);
}

#[test]
fn any_input_in_any_order_never_panics_or_sends_twice() {
    let mut seed = 0x5EED_u64;
    let mut roll = |sides: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % sides
    };
    for _ in 0..2_000 {
        let mut session = Session::new(session_config(true));
        let mut sent = 0;
        let mut now = 0;
        for _ in 0..100 {
            now += roll(4_000);
            let intent = IntentId(1);
            let input = match roll(14) {
                0 => Input::Connected,
                1 => Input::Disconnected,
                2 => Input::Tick,
                3 if sent == 0 => Input::Command(Command::Pay {
                    intent,
                    amount: amount(1),
                    currency: CURRENCY,
                    asked_at: None,
                }),
                4 => Input::Persisted { intent },
                5 => Input::Committed { intent },
                6 => Input::CommitFailed { intent },
                7 => Input::Command(Command::AbortPayment),
                8 => Input::Resync { intent },
                n => {
                    const SAID: [&[u8]; 6] = [
                        &[0x80, 0, 0],
                        &[6, 0x0F, 0],
                        &[4, 0x0F, 9, 0x27, 0, 4, 0, 0, 0, 0, 0, 1],
                        &[4, 0xFF, 1, 0x0A],
                        &[6, 0x1E, 1, 0x6C],
                        &[0x84, 0x9C, 0],
                    ];
                    let n = usize::try_from(n + roll(3)).unwrap() % SAID.len();
                    Input::Bytes(SAID[n].to_vec())
                }
            };
            let mut out = Vec::new();
            session.handle(Mono(now), input, &mut out);
            sent += out
                .iter()
                .filter(|e| matches!(e, Effect::Send(b) if b.starts_with(&[6, 1])))
                .count();
        }
        assert!(sent <= 1, "one intent was sent {sent} times");
    }
}
