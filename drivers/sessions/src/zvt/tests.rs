//! The verdict as a table, and arbitrary bytes into the machine. The whole dialogue against the
//! terminal, with the cable pulled at every byte, is tested in the simulator's crate.

use shelf_codecs::zvt::{Amount, Password, TerminalDate, TerminalTime};

use super::verdict::{Seen, Verdict, judge};
use super::*;
use crate::payment::{Progress, Terminal as _};

fn amount(minor: u64) -> Amount {
    Amount::new(minor).unwrap()
}

fn at(hour: u8) -> TerminalTime {
    TerminalTime {
        hour,
        minute: 0,
        second: 0,
    }
}

const DAY: TerminalDate = TerminalDate { month: 11, day: 30 };

/// An approved transaction of 12.34 at noon with this trace and receipt.
fn told(trace: u32, receipt: u16) -> Evidence {
    Evidence {
        result_code: Some(0),
        amount: Some(amount(1234)),
        currency: Some(978),
        trace: Some(trace),
        receipt: Some(receipt),
        date: Some(DAY),
        time: Some(at(12)),
        terminal_id: Some(12_345_678),
        ..Evidence::default()
    }
}

/// A payment of 12.34 at noon; before it the terminal had trace 1, receipt 1.
fn record() -> IntentRecord {
    IntentRecord {
        intent: IntentId(1),
        kind: ChargeKind::Pay,
        amount: amount(1234),
        currency: 978,
        asked_at: Some(ShopTime {
            date: DAY,
            time: at(12),
        }),
        progress: Progress {
            state: PaymentState::InProgress,
            ..Progress::CREATED
        },
        previous: Previous::Last(Box::new(told(1, 1))),
        terminal_id: Some(12_345_678),
        evidence: None,
    }
}

fn word(record: &IntentRecord, last: Evidence) -> &'static str {
    match judge(record, &Seen::Last(Box::new(last))) {
        Verdict::Approved(_) => "approved",
        Verdict::NotCharged => "not charged",
        Verdict::Unclear(why) => why,
    }
}

#[test]
fn a_payment_without_any_word_from_the_terminal() {
    let r = record();
    let reversal = Evidence {
        original_trace: Some(2),
        ..told(3, 3)
    };
    for (last, expected) in [
        (told(1, 1), "not charged"),
        (told(2, 2), "approved"),
        (reversal.clone(), "not charged"),
        (
            Evidence {
                original_trace: Some(1),
                ..reversal
            },
            "the terminal reversed another transaction",
        ),
        (
            Evidence {
                result_code: Some(0x6C),
                ..told(2, 2)
            },
            "not charged",
        ),
        (
            Evidence {
                result_code: None,
                ..told(2, 2)
            },
            "not charged",
        ),
        (
            Evidence {
                amount: Some(amount(1235)),
                ..told(2, 2)
            },
            "the terminal's last transaction has another amount",
        ),
        (
            Evidence {
                currency: Some(756),
                ..told(2, 2)
            },
            "the terminal's last transaction has another amount",
        ),
        (
            Evidence {
                terminal_id: Some(9),
                ..told(2, 2)
            },
            "another terminal answered",
        ),
        (
            Evidence {
                time: Some(at(9)),
                ..told(2, 2)
            },
            "the terminal's last transaction is from another time",
        ),
        (
            Evidence {
                trace: None,
                receipt: None,
                ..told(2, 2)
            },
            "the terminal's last transaction has no number",
        ),
    ] {
        assert_eq!(word(&r, last.clone()), expected, "{last:?}");
    }
}

#[test]
fn a_payment_the_terminal_had_approved() {
    let r = IntentRecord {
        evidence: Some(told(2, 2)),
        ..record()
    };
    let reversal = Evidence {
        original_trace: Some(2),
        ..told(3, 3)
    };
    for (last, expected) in [
        (told(2, 2), "approved"),
        (told(1, 1), "not charged"),
        (
            told(4, 4),
            "the terminal's last transaction has another number",
        ),
        (reversal.clone(), "not charged"),
        (
            Evidence {
                original_trace: Some(7),
                ..reversal
            },
            "the terminal reversed another transaction",
        ),
        (
            Evidence {
                result_code: Some(0x6C),
                ..told(2, 2)
            },
            "not charged",
        ),
        (
            Evidence {
                result_code: Some(0x6C),
                ..told(5, 5)
            },
            "the terminal's last transaction is another, declined one",
        ),
    ] {
        assert_eq!(word(&r, last.clone()), expected, "{last:?}");
    }
}

#[test]
fn what_was_not_learnt_cannot_settle_anything() {
    let r = IntentRecord {
        previous: Previous::NotLearnt,
        ..record()
    };
    assert_eq!(
        word(&r, told(2, 2)),
        "the terminal never told its transaction before this one"
    );
    let first = IntentRecord {
        previous: Previous::Nothing,
        ..record()
    };
    assert_eq!(word(&first, told(2, 2)), "approved");
    assert_eq!(judge(&first, &Seen::Nothing), Verdict::NotCharged);
    assert!(matches!(
        judge(&record(), &Seen::Nothing),
        Verdict::Unclear(_)
    ));
    assert!(matches!(judge(&record(), &Seen::Bare), Verdict::Unclear(_)));
}

#[test]
fn a_reversal_counts_only_for_the_receipt_and_amount_asked_for() {
    let r = IntentRecord {
        kind: ChargeKind::Reverse { receipt: 1 },
        asked_at: None,
        ..record()
    };
    let reversal = Evidence {
        original_trace: Some(1),
        ..told(2, 1)
    };
    assert_eq!(word(&r, reversal.clone()), "approved");
    assert_eq!(word(&r, told(1, 1)), "not charged");
    let other = "the terminal's last reversal is not the one asked for";
    assert_eq!(
        word(
            &r,
            Evidence {
                receipt: Some(9),
                ..reversal.clone()
            }
        ),
        other
    );
    assert_eq!(
        word(
            &r,
            Evidence {
                amount: Some(amount(1)),
                ..reversal
            }
        ),
        other
    );
    assert_eq!(
        word(&r, told(2, 2)),
        "the terminal's last transaction is not a reversal"
    );
}

#[test]
fn the_clock_may_be_a_little_off_even_at_the_turn_of_the_year() {
    let new_year = ShopTime {
        date: TerminalDate { month: 12, day: 31 },
        time: TerminalTime {
            hour: 23,
            minute: 55,
            second: 0,
        },
    };
    let r = IntentRecord {
        asked_at: Some(new_year),
        ..record()
    };
    let january = TerminalDate { month: 1, day: 1 };
    let last = Evidence {
        date: Some(january),
        time: Some(at(0)),
        ..told(2, 2)
    };
    assert_eq!(word(&r, last), "approved");
}

#[test]
fn records_that_are_open_after_a_restart() {
    for (state, confirmed, open) in [
        (PaymentState::Created, false, true),
        (PaymentState::Sent, false, true),
        (PaymentState::InProgress, false, true),
        (PaymentState::Approved, false, true),
        (PaymentState::Approved, true, false),
        (PaymentState::Unknown, false, true),
        (PaymentState::Declined, false, false),
        (PaymentState::Reversed, false, false),
    ] {
        let progress = Progress {
            state,
            confirmed,
            ..Progress::CREATED
        };
        assert_eq!(progress.is_open(), open, "{state:?} {confirmed}");
    }
}

#[test]
fn any_bytes_from_the_terminal() {
    let mut seed = 0x5EED_0004_u64;
    let mut roll = |sides: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % sides
    };
    let mut session = Session::new(Config::new(Password::new("123456").unwrap(), 978));
    let mut out = Vec::new();
    let mut now = Mono(0);
    let intent = IntentId(1);
    for _ in 0..200_000 {
        if !session.is_busy() {
            let (amount, currency) = (amount(1234), 978);
            session.handle(
                now,
                Input::Command(Command::Pay {
                    intent,
                    amount,
                    currency,
                    asked_at: None,
                }),
                &mut out,
            );
        }
        out.clear();
        session.handle(now, Input::Connected, &mut out);
        let bytes = (0..roll(12))
            .map(|_| match roll(4) {
                1 => 0x06,
                2 => 0x0F,
                3 => 0x80,
                _ => u8::try_from(roll(256)).unwrap(),
            })
            .collect();
        session.handle(now, Input::Bytes(bytes), &mut out);
        session.handle(now, Input::Persisted { intent }, &mut out);
        now = now.plus(roll(3_000));
        session.handle(now, Input::Tick, &mut out);
        assert!(out.len() < 64, "{out:?}");
    }
}
