//! The cable of a payment terminal pulled at moments over the whole dialogue, in both directions, over TCP
//! and over serial lines, for both kinds of terminal: afterwards the ledger and the terminal's own books
//! agree about every cent, or a person is asked; nobody pays twice and no sale is lost.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed test panics"
)]

use std::collections::BTreeMap;

use shelf_sim::zvt_terminal::{Cut, Direction};
use shelf_tests::daemon::Daemon;
use shelf_tests::paying::{KINDS, Terminal, Way, Words, agreed, begin, plug, sell_first, shop};

/// Moments of a pulled cable in each direction, for each kind of terminal.
const PULLS: u64 = 8;

/// Bytes to and from a terminal of each kind: after its first payment, and after its second.
fn bytes_of_payments() -> BTreeMap<&'static str, [(u64, u64); 2]> {
    let dir = tempfile::tempdir().unwrap();
    let mut tills = String::new();
    let mut terminals = Vec::new();
    for kind in KINDS {
        let (terminal, till) = plug(kind, dir.path(), None, &[]).unwrap();
        tills += &till;
        terminals.push((kind.0, terminal));
    }
    let daemon = shop(tills).unwrap();
    let bytes = |(name, terminal): (&'static str, Terminal)| {
        let of = |_| {
            sell_first(&daemon, &[name]).unwrap();
            terminal.bytes_in_out()
        };
        (name, [1, 2].map(of))
    };
    terminals.into_iter().map(bytes).collect()
}

struct Pulled {
    words: Words,
    way: Way,
    till: String,
    terminal: Terminal,
}

fn pulled(dir: &std::path::Path) -> (Daemon, Vec<Pulled>) {
    let bytes = bytes_of_payments();
    let mut tills = String::new();
    let mut all = Vec::new();
    for (kind, words, way) in KINDS {
        let [first, second] = bytes[kind];
        for (direction, word, before, bytes) in [
            (Direction::ToTerminal, "to", first.0, second.0 - first.0),
            (Direction::FromTerminal, "from", first.1, second.1 - first.1),
        ] {
            for pull in 0..PULLS {
                let after_bytes = before + 1 + bytes.saturating_sub(2) * pull / (PULLS - 1);
                let name = format!("{kind}-{word}-{after_bytes}");
                let cut = Cut {
                    direction,
                    after_bytes,
                };
                let (terminal, till) = plug((&name, words, way), dir, Some(cut), &[]).unwrap();
                tills += &till;
                all.push(Pulled {
                    words,
                    way,
                    till: name,
                    terminal,
                });
            }
        }
    }
    (shop(tills).unwrap(), all)
}

#[test]
fn a_cable_pulled_at_any_moment_costs_nobody_money() {
    let dir = tempfile::tempdir().unwrap();
    let (daemon, all) = pulled(dir.path());
    let names: Vec<&str> = all.iter().map(|it| it.till.as_str()).collect();
    sell_first(&daemon, &names).unwrap();
    for till in names {
        begin(&daemon, till).unwrap();
    }
    let mut ends: BTreeMap<(Words, Way), BTreeMap<&str, u32>> = BTreeMap::new();
    for it in &all {
        let end = agreed(&daemon, &it.till, &it.terminal).unwrap();
        let of_kind = ends.entry((it.words, it.way)).or_default();
        *of_kind.entry(end).or_default() += 1;
    }
    println!("{} pulls: {ends:?}", all.len());
    for (kind, ends) in &ends {
        assert!(
            ends.contains_key("paid") && ends.contains_key("not paid"),
            "{kind:?}: {ends:?}"
        );
    }
}
