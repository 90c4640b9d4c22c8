//! The cable is pulled at every byte of a payment, in both directions, by vendor, and comes back soon,
//! after two minutes or never: money taken and sales written agree, or the payment is listed as unknown.
//! Wrong programs must be caught by the same check.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test program"
)]

mod zvt_world;

use shelf_sessions::zvt::{Command, Input, IntentId};
use shelf_sim::zvt_terminal::{
    Busy, Direction, LastAfterReversal, PaymentScript, Repeat, TerminalConfig, Unacknowledged,
};
use zvt_world::{Break, CURRENCY, Cable, Mutant, World, amount, session_config};

const SOON_MS: u64 = 500;
const TWO_MINUTES_MS: u64 = 120_000;
const PRICE: u64 = 1234;

/// The terminal has sold before, for the same price.
fn world(prints: bool, terminal: &TerminalConfig) -> World {
    let scripts = vec![PaymentScript::default(); 3];
    let mut world = World::new(session_config(prints), terminal.clone(), scripts);
    world.pay(1, PRICE);
    assert_eq!(world.check(), Ok(()));
    assert_eq!(world.sales.len(), 1, "{}", world.seen);
    world
}

/// Bytes of one undisturbed payment, to and from the terminal.
fn dialogue_bytes(prints: bool, terminal: &TerminalConfig) -> (u64, u64) {
    let mut world = world(prints, terminal);
    world.arm(None);
    world.pay(2, PRICE);
    world.bytes
}

#[derive(Default, Debug)]
struct Tally {
    runs: usize,
    caught: usize,
    unknown: usize,
    /// Unknown although the cable came back at once.
    unknown_soon: usize,
    reversed: usize,
}

/// One payment with a broken cable, then, if the cable is back, another for the same price.
fn one(prints: bool, terminal: &TerminalConfig, cable: Cable, mutant: Mutant, tally: &mut Tally) {
    let mut world = world(prints, terminal);
    world.mutant = mutant;
    world.arm(Some(cable));
    world.pay(2, PRICE);
    let mut verdict = world.check();
    tally.runs += 1;
    tally.unknown += usize::from(!world.unknown.is_empty());
    tally.unknown_soon +=
        usize::from(!world.unknown.is_empty() && cable.back_after_ms == Some(SOON_MS));
    tally.reversed += world.voided.len();
    if verdict.is_ok() && cable.back_after_ms.is_some() {
        world.pay(3, PRICE);
        verdict = world.check();
    }
    match (mutant, verdict) {
        (_, Ok(())) => {}
        (Mutant::None, Err(wrong)) => {
            panic!(
                "{cable:?} {terminal:?}: {wrong}\n{:?}\n{}",
                world.terminal.books(),
                world.seen
            )
        }
        (_, Err(_)) => tally.caught += 1,
    }
}

fn everywhere(prints: bool, terminal: &TerminalConfig, mutant: Mutant) -> Tally {
    let (to, from) = dialogue_bytes(prints, terminal);
    assert!(
        to > 50 && from > 90,
        "the dialogue is too short to be one: {to}, {from}"
    );
    let mut tally = Tally::default();
    let positions = (0..=to)
        .map(|n| (Direction::ToTerminal, n))
        .chain((0..=from).map(|n| (Direction::FromTerminal, n)));
    for (direction, after_bytes) in positions {
        for kind in [Break::Noticed, Break::Silent, Break::ProcessDies] {
            for back_after_ms in [Some(SOON_MS), Some(TWO_MINUTES_MS), None] {
                let cable = Cable {
                    direction,
                    after_bytes,
                    kind,
                    back_after_ms,
                };
                one(prints, terminal, cable, mutant, &mut tally);
            }
        }
    }
    println!("prints {prints}, {terminal:?}, {mutant:?}: {tally:?}");
    tally
}

fn vendor(
    unacknowledged: Unacknowledged,
    last_after_reversal: LastAfterReversal,
    busy: Busy,
) -> TerminalConfig {
    TerminalConfig {
        unacknowledged,
        last_after_reversal,
        busy,
        ..TerminalConfig::default()
    }
}

#[test]
fn a_terminal_that_reverses() {
    let terminal = vendor(
        Unacknowledged::Reverses,
        LastAfterReversal::Reversal,
        Busy::Refuses,
    );
    let tally = everywhere(false, &terminal, Mutant::None);
    assert_eq!(
        tally.unknown_soon, 0,
        "a cable that is back at once leaves nothing unknown"
    );
    assert!(
        tally.reversed > 0,
        "no payment was ever taken back after the commit"
    );
}

#[test]
fn a_terminal_that_reverses_and_lets_us_print() {
    let terminal = vendor(
        Unacknowledged::Reverses,
        LastAfterReversal::Before,
        Busy::SaysSo,
    );
    let tally = everywhere(true, &terminal, Mutant::None);
    assert_eq!(tally.unknown_soon, 0);
    assert!(tally.reversed > 0);
}

#[test]
fn a_terminal_that_declines_what_was_not_acknowledged() {
    let terminal = vendor(
        Unacknowledged::BecomesDeclined,
        LastAfterReversal::Before,
        Busy::Refuses,
    );
    let tally = everywhere(true, &terminal, Mutant::None);
    assert_eq!(tally.unknown_soon, 0);
}

#[test]
fn a_terminal_that_keeps_the_money() {
    let terminal = vendor(
        Unacknowledged::Stands,
        LastAfterReversal::Reversal,
        Busy::SaysSo,
    );
    let tally = everywhere(false, &terminal, Mutant::None);
    assert_eq!(tally.unknown_soon, 0);
}

#[test]
fn a_terminal_that_does_not_tell_its_last_transaction() {
    let terminal = TerminalConfig {
        repeat: Repeat::Bare,
        ..TerminalConfig::default()
    };
    let tally = everywhere(false, &terminal, Mutant::None);
    assert!(
        tally.unknown_soon > 0,
        "nothing could have told, and nobody was asked"
    );
}

#[test]
fn a_terminal_that_tells_a_wrong_amount() {
    let terminal = TerminalConfig {
        repeat: Repeat::WrongAmount,
        ..TerminalConfig::default()
    };
    everywhere(false, &terminal, Mutant::None);
}

#[test]
fn wrong_programs_are_caught() {
    let keeps = vendor(
        Unacknowledged::Stands,
        LastAfterReversal::Reversal,
        Busy::Refuses,
    );
    let reverses = TerminalConfig::default();
    for (terminal, mutant) in [
        (&keeps, Mutant::SendsAgain),
        (&reverses, Mutant::SendsAgain),
        (&reverses, Mutant::ForgetsCommit),
        (&reverses, Mutant::IgnoresReversal),
    ] {
        let tally = everywhere(false, terminal, mutant);
        assert!(tally.caught > 0, "{mutant:?} was not caught: {tally:?}");
    }
}

/// Every fifth position of a payment whose commit is slow or fails.
#[test]
fn a_slow_or_failing_commit_with_a_broken_cable() {
    let terminal = TerminalConfig::default();
    for (commit_takes_ms, commits_fail) in [(1_700, false), (3, true), (1_700, true)] {
        for after_bytes in (0..150).step_by(3) {
            for direction in [Direction::ToTerminal, Direction::FromTerminal] {
                for kind in [Break::Noticed, Break::Silent, Break::ProcessDies] {
                    let back_after_ms = Some(SOON_MS);
                    let cable = Cable {
                        direction,
                        after_bytes,
                        kind,
                        back_after_ms,
                    };
                    let mut world = world(false, &terminal);
                    world.commit_takes_ms = commit_takes_ms;
                    world.commits_fail = commits_fail;
                    world.arm(Some(cable));
                    world.pay(2, PRICE);
                    let case = format!("{cable:?} {commit_takes_ms} {commits_fail}");
                    assert_eq!(world.check(), Ok(()), "{case}\n{}", world.seen);
                    assert!(!world.commits_fail || world.sales.len() == 1, "{case}");
                }
            }
        }
    }
}

/// A reversal: the payment is taken back in the terminal's books exactly if ours say so.
#[test]
fn a_reversal_with_a_broken_cable() {
    let terminal = TerminalConfig::default();
    let mut reversed = 0;
    for after_bytes in 0..140 {
        for direction in [Direction::ToTerminal, Direction::FromTerminal] {
            for kind in [Break::Noticed, Break::Silent, Break::ProcessDies] {
                for back_after_ms in [Some(SOON_MS), None] {
                    let cable = Cable {
                        direction,
                        after_bytes,
                        kind,
                        back_after_ms,
                    };
                    let mut world = world(false, &terminal);
                    world.arm(Some(cable));
                    world.input(Input::Command(Command::Reverse {
                        intent: IntentId(2),
                        receipt: 42,
                        amount: amount(PRICE),
                        currency: CURRENCY,
                    }));
                    world.run();
                    let taken_back = world.terminal.standing().count() == 0;
                    let ours = world.sales.contains(&IntentId(2));
                    let open = world.durable[&IntentId(2)].progress.is_open();
                    let seen = &world.seen;
                    assert!(
                        taken_back == ours || open,
                        "{cable:?} {taken_back} {ours}\n{seen}"
                    );
                    assert!(
                        !ours || taken_back,
                        "{cable:?}: booked what never happened\n{seen}"
                    );
                    reversed += usize::from(ours);
                }
            }
        }
    }
    assert!(
        reversed > 100,
        "the reversal hardly ever happened: {reversed}"
    );
}

/// After the day's end the terminal's last transaction has no number; it is still known by its time.
#[test]
fn the_first_payment_of_a_day_with_a_broken_cable() {
    let terminal = TerminalConfig::default();
    for after_bytes in 0..150 {
        for direction in [Direction::ToTerminal, Direction::FromTerminal] {
            let (kind, back_after_ms) = (Break::Noticed, Some(SOON_MS));
            let cable = Cable {
                direction,
                after_bytes,
                kind,
                back_after_ms,
            };
            let mut world = world(false, &terminal);
            world.input(Input::Command(Command::EndOfDay));
            world.run();
            world.arm(Some(cable));
            world.pay(2, PRICE);
            assert_eq!(world.check(), Ok(()), "{cable:?}");
            assert!(world.unknown.is_empty(), "{cable:?}\n{}", world.seen);
        }
    }
}

/// A shell that cannot write record and sale in one transaction, killed in between: what it resumes with
/// is what the ledger says, and that is enough.
#[test]
fn a_process_that_dies_between_record_and_sale() {
    let mut torn = 0;
    for unacknowledged in [Unacknowledged::Reverses, Unacknowledged::Stands] {
        let terminal = vendor(unacknowledged, LastAfterReversal::Reversal, Busy::Refuses);
        for after_bytes in 0..150 {
            let (direction, kind) = (Direction::FromTerminal, Break::ProcessDies);
            let back_after_ms = Some(SOON_MS);
            let cable = Cable {
                direction,
                after_bytes,
                kind,
                back_after_ms,
            };
            let mut world = world(false, &terminal);
            world.sale_after_record = true;
            world.arm(Some(cable));
            world.pay(2, PRICE);
            assert_eq!(world.check(), Ok(()), "{cable:?} {}", world.seen);
            assert!(world.unknown.is_empty(), "{cable:?}");
            torn += usize::from(world.seen.matches("CommitThenConfirm").count() > 2);
        }
    }
    assert!(torn > 0, "the process never died between record and sale");
}
