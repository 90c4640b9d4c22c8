//! A tap in the serial cable between a till and its terminal, pulled at moments over the whole dialogue: the
//! two agree about every cent as without it, and what the tap takes for evidence adds up to what stands in
//! the terminal's books: nothing is invented, and nothing that was accepted is missed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed test panics"
)]

use std::collections::BTreeMap;

use shelf_sim::zvt_terminal::{Cut, Direction, TerminalConfig};
use shelf_tests::daemon::Daemon;
use shelf_tests::null_modem::NullModem;
use shelf_tests::patience::within_eq;
use shelf_tests::paying::{AGREED, Terminal, Way, Words, agreed, begin, plug, sell_first, shop};
use shelf_tests::wares::price_minor;

/// Moments of a pulled cable in each direction.
const PULLS: u64 = 6;

struct Tapped {
    till: String,
    tap: String,
    terminal: Terminal,
    cut: (Direction, u64),
    _cable: NullModem,
}

/// Amounts that the tap at a till took for evidence.
fn evidence(daemon: &Daemon, tap: &str) -> Vec<i64> {
    let mut seen = daemon.documents_of("evidence").unwrap();
    seen.retain(|it| it["till"] == tap);
    let amount = |it: &serde_json::Value| it["tenders"][0]["amount"].as_i64().unwrap();
    seen.iter().map(amount).collect()
}

fn tapped(dir: &std::path::Path) -> (Daemon, Vec<Tapped>) {
    let mut tills = String::new();
    let mut all = Vec::new();
    for (direction, word) in [
        (Direction::ToTerminal, "to"),
        (Direction::FromTerminal, "from"),
    ] {
        for pull in 0..PULLS {
            let name = format!("{word}-{pull}");
            let (till, tap) = (format!("till-{name}"), format!("tap-{name}"));
            let (terminal, _) = plug((&name, Words::Zvt, Way::Serial), dir, None, &[]).unwrap();
            let at = |it: &str| dir.join(format!("{name}-{it}"));
            let cable = NullModem::between(&at("till"), &at("tap")).unwrap();
            tills += &format!(
                "[[till]]\nname = \"{till}\"\nterminal = \"zvt+serial:path:{}\"\n[[till]]\n\
                 name = \"{tap}\"\nsales_source = \"api\"\ntap_from = \"path:{}\"\n\
                 tap_terminal = \"path:{}\"\n",
                at("till").display(),
                at("tap").display(),
                dir.join(&name).display(),
            );
            all.push(Tapped {
                till,
                tap,
                terminal,
                cut: (direction, pull),
                _cable: cable,
            });
        }
    }
    (shop(tills).unwrap(), all)
}

/// The terminal's cable is to be pulled at this moment of its next payment, which is like its first.
fn pull_later(it: &Tapped) {
    let Terminal::Zvt(terminal) = &it.terminal else {
        return;
    };
    let (to_terminal, from_terminal) = terminal.bytes_in_out();
    let (direction, pull) = it.cut;
    let bytes = match direction {
        Direction::ToTerminal => to_terminal,
        Direction::FromTerminal => from_terminal,
    };
    let cut = Cut {
        direction,
        after_bytes: bytes + 1 + bytes.saturating_sub(2) * pull / (PULLS - 1),
    };
    terminal.set_config(TerminalConfig {
        cut: Some(cut),
        ..TerminalConfig::default()
    });
}

#[test]
fn a_tap_hears_what_was_accepted_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (daemon, all) = tapped(dir.path());
    let tills: Vec<&str> = all.iter().map(|it| it.till.as_str()).collect();
    sell_first(&daemon, &tills).unwrap();
    for it in &all {
        let first = vec![price_minor(1)];
        within_eq(&it.tap, AGREED, &first, || Ok(evidence(&daemon, &it.tap))).unwrap();
        pull_later(it);
    }
    for till in tills {
        begin(&daemon, till).unwrap();
    }
    let mut ends: BTreeMap<&str, u32> = BTreeMap::new();
    for it in &all {
        let end = agreed(&daemon, &it.till, &it.terminal).unwrap();
        let books: i64 = it.terminal.standing().iter().sum();
        let heard = || Ok(evidence(&daemon, &it.tap).iter().sum::<i64>());
        within_eq(&it.tap, AGREED, &books, heard).unwrap();
        *ends.entry(end).or_default() += 1;
    }
    println!("{} pulls: {ends:?}", all.len());
}
