//! After a thousand payments, a third with whole card numbers, no card number is anywhere behind the
//! decoder: not in effects, records, bytes sent or debug output.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test program"
)]

mod zvt_world;

use shelf_sim::zvt_terminal::{PaymentScript, TerminalConfig};
use zvt_world::{World, session_config};

const PAYMENTS: u64 = 1_000;

/// A card number of 16 or 19 digits that follows from `n`.
fn card_number(n: u64) -> String {
    let digits: String = (0..19_u64)
        .map(|i| {
            let mixed = (n + 1)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .rotate_left(7 * u32::try_from(i).unwrap());
            char::from(b'0' + u8::try_from((mixed ^ i) % 10).unwrap())
        })
        .collect();
    let length = if n.is_multiple_of(2) { 16 } else { 19 };
    format!("4{}", &digits[..length - 1])
}

/// Whether more of the number than its last four digits is in `text`.
fn holds(text: &str, number: &str) -> bool {
    (0..=number.len() - 6).any(|at| text.contains(&number[at..at + 6]))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

#[test]
fn no_card_number_anywhere() {
    let scripts = (0..PAYMENTS).map(|n| PaymentScript {
        unmasked_pan: n.is_multiple_of(3).then(|| card_number(n)),
        ..PaymentScript::default()
    });
    let mut world = World::new(
        session_config(true),
        TerminalConfig::default(),
        scripts.collect(),
    );
    let (mut sent_in_nibbles, mut sent_in_text, mut tails) = (0, 0, 0);
    for n in 0..PAYMENTS {
        world.seen.clear();
        world.from_terminal.clear();
        world.pay(u128::from(n), 100 + n);
        if !n.is_multiple_of(3) {
            continue;
        }
        let number = card_number(n);
        // The control: the terminal did send the number, and the search finds it.
        sent_in_nibbles += usize::from(holds(&hex(&world.from_terminal), &number));
        sent_in_text += usize::from(holds(
            &String::from_utf8_lossy(&world.from_terminal),
            &number,
        ));
        let record = format!("{:?}", world.durable);
        let session = format!("{:?}", world.session);
        let sent: String = world
            .seen
            .lines()
            .filter_map(|l| l.strip_prefix("Send([")?.strip_suffix("])"))
            .flat_map(|list| {
                list.split(", ")
                    .map(|b| format!("{:02X}", b.parse::<u8>().unwrap()))
            })
            .collect();
        for (what, text) in [
            ("effects", &world.seen),
            ("records", &record),
            ("session", &session),
            ("sent", &sent),
        ] {
            assert!(!holds(text, &number), "payment {n}: {what} hold {number}");
        }
        let tail = &number[number.len() - 4..];
        tails += usize::from(record.contains(&format!("…{tail}")));
        world.durable.clear();
    }
    assert_eq!(world.sales.len(), usize::try_from(PAYMENTS).unwrap());
    assert_eq!((sent_in_nibbles, sent_in_text, tails), (334, 334, 334));
}
