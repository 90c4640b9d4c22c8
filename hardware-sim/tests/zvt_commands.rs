//! Refunds, reversals, the day's end and the health check against the simulated terminal, and what
//! happens when it is not there or is something else.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test program"
)]

mod zvt_world;

use shelf_sessions::payment::Terminal as _;
use shelf_sessions::zvt::{
    ChargeKind, Command, Connection, Effect, Input, IntentId, Mono, Outcome, Session,
};
use shelf_sim::zvt_terminal::{
    BookedState, Direction, PaymentScript, Pull, Repeat, TerminalConfig,
};
use zvt_world::{Break, CURRENCY, Cable, Mutant, World, amount, session_config};

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
fn refund_and_reversal_by_receipt() {
    let mut world = world(vec![]);
    world.pay(1, 1234);
    world.input(Input::Command(Command::Refund {
        intent: IntentId(2),
        amount: amount(500),
        currency: CURRENCY,
        asked_at: None,
    }));
    world.run();
    assert!(
        matches!(world.outcomes.last(), Some(Outcome::Approved(r)) if r.kind == ChargeKind::Refund)
    );
    world.input(Input::Command(Command::Reverse {
        intent: IntentId(3),
        receipt: 42,
        amount: amount(1234),
        currency: CURRENCY,
    }));
    world.run();
    assert!(
        matches!(world.outcomes.last(), Some(Outcome::Approved(_))),
        "{:?}",
        world.outcomes
    );
    assert_eq!(world.terminal.books()[0].state, BookedState::Reversed);
    assert_eq!(world.terminal.books()[1].state, BookedState::Stands);
    // Our own reversal is no surprise later.
    world.pay(4, 100);
    assert!(world.voided.is_empty(), "{:?}", world.outcomes);
}

#[test]
fn a_terminal_that_reverses_another_payment_is_flagged() {
    let terminal = TerminalConfig {
        reverses_last_only: true,
        ..TerminalConfig::default()
    };
    let mut world = World::new(session_config(false), terminal, vec![]);
    world.pay(1, 1234);
    world.pay(2, 900);
    world.input(Input::Command(Command::Reverse {
        intent: IntentId(3),
        receipt: 42,
        amount: amount(1234),
        currency: CURRENCY,
    }));
    world.run();
    let Some(Outcome::ReversedOther { reversed, .. }) = world.outcomes.last() else {
        panic!("{:?}", world.outcomes)
    };
    assert_eq!(
        (reversed.receipt, reversed.amount),
        (Some(43), Some(amount(900)))
    );
    assert!(
        !world.sales.contains(&IntentId(3)),
        "a wrong reversal must not be booked as the right one"
    );
}

#[test]
fn a_reversal_on_the_terminal_itself_is_noticed_at_the_next_payment() {
    let mut world = world(vec![]);
    world.pay(1, 1234);
    let mut other = Session::new(session_config(false));
    std::mem::swap(&mut world.session, &mut other);
    world.input(Input::Command(Command::Reverse {
        intent: IntentId(8),
        receipt: 42,
        amount: amount(1234),
        currency: CURRENCY,
    }));
    world.run();
    world.session = other;
    world.pay(2, 1234);
    assert!(world.voided.contains(&IntentId(1)), "{}", world.seen);
}

#[test]
fn day_end_and_health_check_move_no_money() {
    let mut world = world(vec![]);
    world.pay(1, 1234);
    world.input(Input::Command(Command::EndOfDay));
    world.run();
    assert_eq!(
        world.outcomes.last(),
        Some(&Outcome::DayClosed {
            total: Some(amount(1234)),
            totals: None,
        })
    );
    let before = world.terminal.commands().len();
    world.input(Input::Command(Command::StatusEnquiry));
    world.run();
    assert_eq!(
        world.outcomes.last(),
        Some(&Outcome::TerminalStatus(Some(0)))
    );
    let asked: Vec<_> = world.terminal.commands()[before..]
        .iter()
        .filter(|c| c.0 != 0x80)
        .collect();
    assert_eq!(
        asked,
        [&(5, 1)],
        "a health check is a status enquiry and nothing else"
    );
}

#[test]
fn a_terminal_that_is_not_there() {
    let mut world = world(vec![]);
    let cable = Cable {
        direction: Direction::ToTerminal,
        after_bytes: 0,
        kind: Break::Silent,
        back_after_ms: None,
    };
    world.arm(Some(cable));
    let (mut world, outcome) = pay(world);
    assert!(matches!(outcome, Outcome::NotStarted(_)), "{outcome:?}");
    world.input(Input::Command(Command::StatusEnquiry));
    world.run();
    assert_eq!(world.outcomes.last(), Some(&Outcome::Failed { code: None }));
    assert_eq!(world.mutant, Mutant::None);
}

#[test]
fn an_open_connection_is_kept_where_configured() {
    let mut config = session_config(false);
    config.connection = Connection::Keep;
    let mut world = World::new(config, TerminalConfig::default(), vec![]);
    world.pay(1, 100);
    world.pay(2, 200);
    assert_eq!(count(&world, (6, 0)), 1, "registered once per connection");
    assert_eq!(world.sales.len(), 2);
    assert_eq!(world.check(), Ok(()));
}

#[test]
fn another_program_on_the_port() {
    let mut session = Session::new(session_config(false));
    let mut out = Vec::new();
    session.handle(Mono(0), Input::Command(Command::StatusEnquiry), &mut out);
    session.handle(Mono(0), Input::Connected, &mut out);
    out.clear();
    session.handle(
        Mono(0),
        Input::Bytes(b"\x00\x00\x00\x3E\"VER|APP".to_vec()),
        &mut out,
    );
    assert!(matches!(out[0], Effect::Fault(_)), "{out:?}");
    assert!(
        out.contains(&Effect::Outcome(Outcome::Failed { code: None })),
        "{out:?}"
    );
}

#[test]
fn an_unknown_payment_is_never_settled_by_a_later_one() {
    let bare = TerminalConfig {
        repeat: Repeat::Bare,
        ..TerminalConfig::default()
    };
    let lost = PaymentScript {
        pull: Some(Pull::BeforeStatusAcknowledged),
        ..PaymentScript::default()
    };
    let mut world = World::new(session_config(false), bare, vec![lost]);
    world.pay(1, 1234);
    assert!(world.unknown.contains(&IntentId(1)), "{}", world.seen);
    world.pay(2, 1234);
    let first = world.durable[&IntentId(1)].clone();
    assert!(
        first.progress.superseded,
        "durable before the next payment is sent: {first:?}"
    );
    // A restart, and a terminal that now tells its last transaction: the second, for the same price.
    world.terminal.set_config(TerminalConfig::default());
    world.session = Session::new(session_config(false));
    world.input(Input::Resume(Box::new(first)));
    assert!(world.session.held().is_none());
    let before = world.outcomes.len();
    world.pay(3, 1234);
    let later = &world.outcomes[before..];
    assert!(
        matches!(later, [Outcome::Approved(r)] if r.intent == IntentId(3)),
        "{later:?}"
    );
}
