//! What happens beside a plain payment, at both kinds of terminal over TCP and over serial lines: money paid
//! out and given back, a cashier who breaks off, a sale that can't be written, a PC without power. Each
//! time the ledger and the terminal's own books agree in the end, or a person is told what to look at.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use std::process::Command;

use serde_json::{Value, json};
use shelf_sim::zvt_terminal::{BookedState, PaymentScript, TerminalConfig, TerminalHandle};
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::patience::{Look, until, within_eq};
use shelf_tests::paying::{
    AGREED, KINDS, Terminal, Words, agreed, begin, errand, plug, sales_of, sell_first, shop, taken,
};
use shelf_tests::wares::{gtin13, item, price_minor};
use shelf_tests::{http, programs};

type Tills = Vec<(&'static str, Words, Terminal)>;

/// A shop with one till for each kind of terminal; each took money once, and its next customers take so long.
fn all_kinds(dir: &tempfile::TempDir, thinks_ms: impl Fn(Words) -> Vec<u64>) -> (Daemon, Tills) {
    let mut tills = String::new();
    let mut terminals = Vec::new();
    for (name, words, way) in KINDS {
        let thinks_ms = [vec![0], thinks_ms(words)].concat();
        let (terminal, till) = plug((name, words, way), dir.path(), None, &thinks_ms).unwrap();
        tills += &till;
        terminals.push((name, words, terminal));
    }
    let daemon = shop(tills).unwrap();
    sell_first(&daemon, &KINDS.map(|it| it.0)).unwrap();
    (daemon, terminals)
}

/// Waits until the till's payment is so, and gives its id.
fn payment_is(daemon: &Daemon, till: &str, state: &str) -> String {
    let newest = |it: &Value| it["basket"]["payments"].as_array()?.last().cloned();
    let is = |it: &Value| newest(it).is_some_and(|it| it["state"] == state);
    let view = daemon.till_until(till, state, is).unwrap();
    newest(&view).unwrap()["intent"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn idle(daemon: &Daemon, till: &str) {
    let idle = |it: &Value| it["terminal"]["busy"] == false;
    within_eq(till, AGREED, &true, || Ok(idle(&daemon.till(till)?))).unwrap();
}

/// The ledger's sum and the terminal's sum of this till are the same, now.
fn same_books(daemon: &Daemon, till: &str, terminal: &Terminal) -> i64 {
    let (ledger, books) = (taken(daemon, till).unwrap(), terminal.standing());
    assert_eq!(ledger, books.iter().sum::<i64>(), "{till}: {books:?}");
    ledger
}

#[test]
fn a_return_is_paid_out_where_the_terminal_can_and_refused_where_it_cannot() {
    let dir = tempfile::tempdir().unwrap();
    let (daemon, tills) = all_kinds(&dir, |_| Vec::new());
    for (till, words, terminal) in &tills {
        daemon.act(till, "mode", &[("mode", "return")]).unwrap();
        daemon.act(till, "scan", &[("code", &gtin13(1))]).unwrap();
        daemon.act(till, "pay_card", &[]).unwrap();
        if *words == Words::Ecr17 {
            payment_is(&daemon, till, "aborted");
            assert_eq!(same_books(&daemon, till, terminal), price_minor(1));
            continue;
        }
        let gone = |it: &Value| it["basket"].is_null() && it["terminal"]["busy"] == false;
        daemon.till_until(till, "the return", gone).unwrap();
        assert_eq!(terminal.standing(), [price_minor(1), -price_minor(1)]);
        assert_eq!(same_books(&daemon, till, terminal), 0);
        let told = errand(&daemon, till, "end_of_day", "its day is closed").unwrap();
        assert_eq!(told["day"]["total"], 0, "{told}");
    }
}

#[test]
fn a_cashier_breaks_a_payment_off() {
    let dir = tempfile::tempdir().unwrap();
    // An ECR17 terminal can't be told to stop: its customer pays after all.
    let (daemon, tills) = all_kinds(&dir, |words| match words {
        Words::Zvt => vec![100_000],
        Words::Ecr17 => vec![6_000],
    });
    for (till, ..) in &tills {
        begin(&daemon, till).unwrap();
    }
    for (till, _, terminal) in &tills {
        within_eq(till, AGREED, &2, || Ok(terminal.asked())).unwrap();
        let intent = payment_is(&daemon, till, "started");
        daemon.act(till, "cancel", &[("intent", &intent)]).unwrap();
    }
    for (till, words, terminal) in &tills {
        match words {
            Words::Zvt => {
                payment_is(&daemon, till, "aborted");
                idle(&daemon, till);
                assert_eq!(same_books(&daemon, till, terminal), price_minor(1));
                daemon.act(till, "pay_card", &[]).unwrap();
            }
            Words::Ecr17 => {}
        }
        let sold = || Ok(sales_of(&daemon, till)?.len());
        within_eq(till, AGREED, &2, sold).unwrap();
        idle(&daemon, till);
        assert_eq!(same_books(&daemon, till, terminal), 2 * price_minor(1));
    }
}

#[test]
fn a_part_that_was_paid_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let (daemon, tills) = all_kinds(&dir, |_| Vec::new());
    for (till, _, terminal) in &tills {
        daemon.act(till, "scan", &[("code", &gtin13(1))]).unwrap();
        daemon.act(till, "pay_card", &[("amount", "0.40")]).unwrap();
        let intent = payment_is(&daemon, till, "approved");
        idle(&daemon, till);
        assert_eq!(terminal.standing(), [price_minor(1), 40]);
        daemon.act(till, "reverse", &[("intent", &intent)]).unwrap();
        payment_is(&daemon, till, "reversed");
        idle(&daemon, till);
        assert_eq!(same_books(&daemon, till, terminal), price_minor(1));
        daemon.act(till, "pay_card", &[]).unwrap();
        let sold = || Ok(sales_of(&daemon, till)?.len());
        within_eq(till, AGREED, &2, sold).unwrap();
        assert_eq!(same_books(&daemon, till, terminal), 2 * price_minor(1));
    }
}

#[test]
fn a_terminal_that_reverses_another_payment_is_found_out() {
    let config = TerminalConfig {
        reverses_last_only: true,
        ..TerminalConfig::default()
    };
    let quick = PaymentScript {
        thinks_ms: 0,
        ..PaymentScript::default()
    };
    let terminal = TerminalHandle::start(0, config, vec![quick; 9]).unwrap();
    let till = "till-1";
    let tills = format!(
        "[[till]]\nname = \"{till}\"\nterminal = \"zvt://{}\"\n",
        terminal.addr()
    );
    let daemon = shop(tills).unwrap();
    daemon.act(till, "scan", &[("code", &gtin13(1))]).unwrap();
    daemon.act(till, "pay_card", &[("amount", "0.40")]).unwrap();
    let first = payment_is(&daemon, till, "approved");
    idle(&daemon, till);
    daemon.act(till, "pay_card", &[("amount", "0.30")]).unwrap();
    let paid_twice = |it: &Value| {
        let payments = it["basket"]["payments"].as_array();
        payments.is_some_and(|it| it.len() == 2 && it[1]["state"] == "approved")
    };
    daemon
        .till_until(till, "the second part", paid_twice)
        .unwrap();
    idle(&daemon, till);
    daemon.act(till, "reverse", &[("intent", &first)]).unwrap();
    let told = until("people are told", AGREED, || {
        let inbox = daemon.inbox()?;
        Ok(match inbox.first() {
            Some(entry) => Look::Done(entry.clone()),
            None => Look::NotYet(daemon.till(till)?.to_string()),
        })
    })
    .unwrap();
    let words = told.to_string();
    assert!(words.contains("reversed another payment"), "{words}");
    let states: Vec<BookedState> = terminal.books().iter().map(|it| it.state).collect();
    assert_eq!(states, [BookedState::Stands, BookedState::Reversed]);
    assert!(sales_of(&daemon, till).unwrap().is_empty());
    // The cashier is told, too, and in words.
    let told = |it: &Value| it["alerts"][0]["alert"] == "approved_in_doubt";
    daemon.till_until(till, "an alert", told).unwrap();
    let page = http::get(daemon.http(), &format!("/till/{till}")).unwrap();
    let words = "read its slip before you go on";
    assert!(page.text().contains(words), "{}", page.text());
}

/// Runs SQL on the ledger of a daemon that is at work.
fn sql(daemon: &Daemon, sql: &str) {
    let output = Command::new(programs::installed("sqlite3").unwrap())
        .arg("-cmd")
        .arg(".timeout 10000")
        .arg(daemon.database())
        .arg(sql)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_sale_that_cannot_be_written_is_not_lost_and_not_paid_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut daemon, tills) = all_kinds(&dir, |_| Vec::new());
    sql(
        &daemon,
        "CREATE TRIGGER broken BEFORE INSERT ON document BEGIN SELECT RAISE(ABORT, 'broken'); END;",
    );
    for (till, ..) in &tills {
        begin(&daemon, till).unwrap();
    }
    for (till, _, terminal) in &tills {
        let told = |it: &Value| it["alerts"].to_string().contains("commit_failed");
        daemon.till_until(till, "an alert", told).unwrap();
        assert_eq!(terminal.asked(), 2);
    }
    for (till, words, terminal) in &tills {
        // Nobody acknowledges what is not written: such a terminal takes the money back by itself.
        let once = [price_minor(1)];
        match words {
            Words::Zvt => within_eq(till, AGREED, &once.to_vec(), || Ok(terminal.standing())),
            Words::Ecr17 => Ok(()),
        }
        .unwrap();
        assert_eq!(sales_of(&daemon, till).unwrap().len(), 1);
    }
    sql(&daemon, "DROP TRIGGER broken;");
    daemon.restart().unwrap();
    for (till, words, terminal) in &tills {
        let end = agreed(&daemon, till, terminal).unwrap();
        let expected = match words {
            Words::Zvt => "not paid",
            Words::Ecr17 => "paid",
        };
        assert_eq!(end, expected, "{till}");
    }
}

#[test]
fn a_sale_that_could_not_be_written_is_recorded_once_when_somebody_asks_again() {
    let till = "cash";
    let setup = Setup {
        more: format!("[[till]]\nname = \"{till}\"\nfiscal = \"declared\"\n"),
        ..Setup::default()
    };
    let daemon = Daemon::start(&setup).unwrap();
    daemon.stock_up(3, 100).unwrap();
    sql(
        &daemon,
        "CREATE TRIGGER broken BEFORE INSERT ON document BEGIN SELECT RAISE(ABORT, 'broken'); END;",
    );
    daemon.act(till, "scan", &[("code", &gtin13(1))]).unwrap();
    daemon.act(till, "pay_cash", &[]).unwrap();
    let failed = |it: &Value| it["alerts"][0]["alert"] == "commit_failed";
    let view = daemon.till_until(till, "an alert", failed).unwrap();
    let basket = view["alerts"][0]["basket"].as_str().unwrap().to_owned();
    let page = http::get(daemon.http(), "/till/cash?lang=en").unwrap();
    assert!(page.text().contains("Record it again"), "{}", page.text());

    // Nothing has changed yet: it is refused again, and said again.
    let again = [("basket", basket.as_str())];
    daemon.act(till, "record_again", &again).unwrap();
    daemon.till_until(till, "the alert again", failed).unwrap();
    assert!(sales_of(&daemon, till).unwrap().is_empty());

    sql(&daemon, "DROP TRIGGER broken;");
    daemon.act(till, "record_again", &again).unwrap();
    let quiet = |it: &Value| it["alerts"] == json!([]) && it["closing"] == json!([]);
    daemon.till_until(till, "the sale", quiet).unwrap();
    daemon.act(till, "record_again", &again).unwrap();
    assert_eq!(sales_of(&daemon, till).unwrap().len(), 1);
    assert_eq!(daemon.on_hand(&item(1)).unwrap(), 99_000);
}

#[test]
fn a_pc_without_power_finds_its_payment_and_prints_its_receipt_again() {
    let dir = tempfile::tempdir().unwrap();
    let (mut daemon, tills) = all_kinds(&dir, |_| vec![1_500]);
    for (till, ..) in &tills {
        begin(&daemon, till).unwrap();
    }
    for (till, _, terminal) in &tills {
        within_eq(till, AGREED, &2, || Ok(terminal.asked())).unwrap();
    }
    daemon.kill9();
    daemon.restart().unwrap();
    for (till, words, terminal) in &tills {
        let end = agreed(&daemon, till, terminal).unwrap();
        assert_ne!(
            end,
            "people decide",
            "{till}: {}",
            daemon.till(till).unwrap()
        );
        if end == "not paid" {
            // The rows are still there.
            let view = daemon.till(till).unwrap();
            assert_eq!(
                view["basket"]["lines"].as_array().map(Vec::len),
                Some(1),
                "{view}"
            );
            daemon.act(till, "pay_card", &[]).unwrap();
            let sold = || Ok(sales_of(&daemon, till)?.len());
            within_eq(till, AGREED, &2, sold).unwrap();
        }
        idle(&daemon, till);
        assert_eq!(same_books(&daemon, till, terminal), 2 * price_minor(1));
        if *words == Words::Zvt {
            let words = "its last receipt is printed again";
            errand(&daemon, till, "repeat_receipt", words).unwrap();
        }
        let told = errand(&daemon, till, "end_of_day", "its day is closed").unwrap();
        assert_eq!(told["day"]["total"], json!(2 * price_minor(1)), "{told}");
    }
}
