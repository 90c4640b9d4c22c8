//! Devices as a shop's staff and its support see them: listed, watched, diagnosed, read again from their
//! journal, over the daemon's API and the command line, with a scanner on a real pseudo-terminal.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]
#![allow(
    clippy::disallowed_methods,
    reason = "the tests write the configuration and read the watch's output"
)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use shelf_sim::scanner_pty::PtyScanner;
use shelf_tests::daemon::{Daemon, Setup, TillSetup, outcome};
use shelf_tests::patience::{Look, USUAL, until};
use shelf_tests::process::Process;
use shelf_tests::programs;
use shelf_tests::wares::gtin13;

const CARD: &str = "4111111111111111";

fn setup() -> Setup {
    Setup {
        tills: vec![TillSetup::basket("till-1", None)],
        scanners: vec![("front".into(), "till:till-1".into())],
        more: "[[device]]\nname = \"gone\"\nkind = \"hid_scanner\"\nselect = \"serial:NOBODY\"\n\
               role = \"counting\"\n"
            .into(),
        ..Setup::default()
    }
}

fn shop() -> (Daemon, PtyScanner) {
    let mut daemon = Daemon::prepare(&setup()).unwrap();
    let scanner = daemon.plug("front").unwrap();
    daemon.restart().unwrap();
    let ready = |it: &Value| {
        it["devices"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["state"] == "ready")
    };
    daemon.status_until("the scanner is ready", ready).unwrap();
    (daemon, scanner)
}

/// A command that asks this daemon.
fn ask(daemon: &Daemon, words: &[&str]) -> (i32, String, String) {
    let at = daemon.http().to_string();
    let words: Vec<&str> = words.iter().copied().chain(["--at", &at]).collect();
    daemon.ask(&words).unwrap()
}

fn frames_until(daemon: &Daemon, count: usize) -> Value {
    until("frames in the journal", USUAL, || {
        let journal = daemon.get("/api/v1/devices/front/journal")?;
        let known = journal["frames"].as_array().map_or(0, Vec::len);
        Ok(match known >= count {
            true => Look::Done(journal),
            false => Look::NotYet(journal.to_string()),
        })
    })
    .unwrap()
}

#[test]
fn the_list_names_states_and_the_doctor_what_is_wrong() {
    let (daemon, mut scanner) = shop();
    scanner.scan(&gtin13(1)).unwrap();
    frames_until(&daemon, 1);
    let (code, listed, _) = ask(&daemon, &["devices"]);
    assert_eq!(code, 0);
    assert!(
        listed.contains("front") && listed.contains("ready"),
        "{listed}"
    );
    assert!(
        listed.contains("gone") && listed.contains("absent"),
        "{listed}"
    );
    let (code, said, error) = ask(&daemon, &["devices", "doctor"]);
    assert_eq!(code, 1, "{said}{error}");
    assert!(said.contains("WRONG gone: it is not there"), "{said}");
    let (code, json, _) = ask(&daemon, &["devices", "doctor", "--json"]);
    let found: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &found["daemon"]), (1, &json!(true)));
    let metrics = daemon.get("/api/v1/devices").unwrap();
    assert_eq!(metrics["devices"][0]["counters"]["frames"], 1);
}

#[test]
fn without_a_daemon_the_doctor_still_looks_and_says_that_it_knows_less() {
    let daemon = Daemon::prepare(&setup()).unwrap();
    // A port on which certainly nobody listens: one that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let text = std::fs::read_to_string(daemon.config()).unwrap();
    std::fs::write(
        daemon.config(),
        text.replace("127.0.0.1:0", &port.to_string()),
    )
    .unwrap();
    let mut command = Command::new(programs::shelfd().unwrap());
    command
        .args(["devices", "doctor", "--config"])
        .arg(daemon.config());
    let (code, said, error) = outcome(&command.output().unwrap());
    assert_eq!(code, 1, "{said}{error}");
    assert!(error.contains("the daemon does not answer"), "{error}");
    assert!(
        said.contains("WRONG gone") && said.contains("WRONG front"),
        "{said}"
    );
    let mut command = Command::new(programs::shelfd().unwrap());
    command
        .args(["devices", "list", "--json", "--config"])
        .arg(daemon.config());
    let (code, said, _) = outcome(&command.output().unwrap());
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &found["daemon"]), (0, &json!(false)));
}

#[test]
fn a_watch_shows_scans_states_and_no_card_number() {
    let (daemon, mut scanner) = shop();
    let mut command = Command::new(programs::shelfd().unwrap());
    command.args([
        "--json",
        "devices",
        "watch",
        "--at",
        &daemon.http().to_string(),
    ]);
    let log = daemon.dir().join("watch.log");
    let _watch = Process::start(&mut command, &log).unwrap();
    let seen = |wanted: &str| {
        until(wanted, USUAL, || {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            Ok(match text.contains(wanted) {
                true => Look::Done(text),
                false => Look::NotYet(text),
            })
        })
        .unwrap()
    };
    seen("\"state\":\"ready\"");
    scanner.scan(&gtin13(7)).unwrap();
    seen(&gtin13(7));
    scanner.scan(CARD).unwrap();
    scanner.scan(&gtin13(8)).unwrap();
    let text = seen(&gtin13(8));
    assert!(
        text.contains("1111"),
        "the masked card is a line, too: {text}"
    );
    assert!(!text.contains(CARD), "a card number was shown");
    drop(scanner);
    seen("\"what\":\"state\"");
    let lost = until("the scanner is gone", USUAL, || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let gone = text.contains("\"state\":\"absent\"") || text.contains("\"state\":\"lost\"");
        Ok(if gone {
            Look::Done(text)
        } else {
            Look::NotYet(text)
        })
    });
    lost.unwrap();
}

#[test]
fn a_saved_journal_is_read_again_elsewhere() {
    let (daemon, mut scanner) = shop();
    scanner.scan(&gtin13(3)).unwrap();
    scanner.scan(CARD).unwrap();
    frames_until(&daemon, 2);
    let (code, saved, _) = ask(&daemon, &["devices", "journal", "front", "--json"]);
    assert_eq!(code, 0);
    assert!(!saved.contains(CARD), "{saved}");
    let mut replay = Command::new(programs::shelfd().unwrap())
        .args(["devices", "replay", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    replay
        .stdin
        .take()
        .unwrap()
        .write_all(saved.as_bytes())
        .unwrap();
    let (code, said, error) = outcome(&replay.wait_with_output().unwrap());
    assert_eq!(code, 0, "{error}");
    assert!(said.contains(&format!("article 0{}", gtin13(3))), "{said}");
    let (code, _, error) = ask(&daemon, &["devices", "journal", "nobody"]);
    assert_eq!(code, 1);
    assert!(error.contains("no device `nobody`"), "{error}");
}
