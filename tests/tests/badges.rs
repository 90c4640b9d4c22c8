//! Giving badges from the command line, against a running daemon: only with a manager's PIN where managers
//! have some, with words where it can't be done, and without leaving the PIN anywhere. The reader itself
//! is a kernel device and plays in the device lab; here it is configured and not plugged in.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]
#![allow(
    clippy::disallowed_methods,
    reason = "writes the managers' PINs and reads what was left behind"
)]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;
use shelf_tests::daemon::{Daemon, Setup, TillSetup, outcome};
use shelf_tests::patience::until_eq;
use shelf_tests::programs;

const PIN: &str = "90210733";
const WRONG: &str = "80110622";
const READER: &str = "[[device]]\nname = \"badges\"\nkind = \"badge_reader\"\nselect = \"serial:NOBODY\"\n\
    role = \"badge:till-1\"\n";

fn shop(more: &str) -> Daemon {
    let setup = Setup {
        tills: vec![TillSetup::basket("till-1", None)],
        more: more.into(),
        ..Setup::default()
    };
    let mut daemon = Daemon::prepare(&setup).unwrap();
    let pins = daemon.dir().join("pins");
    std::fs::write(&pins, format!("m1 {PIN}\n")).unwrap();
    std::fs::set_permissions(&pins, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = std::fs::read_to_string(daemon.config()).unwrap();
    let policy = format!("[policy]\nmanager_pin_file = \"{}\"\n", pins.display());
    std::fs::write(daemon.config(), text.replace("[policy]\n", &policy)).unwrap();
    daemon.restart().unwrap();
    daemon
}

/// `shelfd badge …` with a PIN on its standard input.
fn badge(daemon: &Daemon, words: &[&str], pin: &str) -> (i32, String) {
    let mut asked = Command::new(programs::shelfd().unwrap())
        .arg("badge")
        .args(words)
        .args(["--at", &daemon.http().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that asks for none has ended already.
    let _unread = writeln!(asked.stdin.take().unwrap(), "{pin}");
    let (code, said, error) = outcome(&asked.wait_with_output().unwrap());
    (code, format!("{said}{error}"))
}

#[test]
fn a_badge_is_given_only_with_a_managers_pin_and_the_pin_stays_nowhere() {
    let daemon = shop(READER);
    let (code, said) = badge(&daemon, &["list"], "");
    assert!(code == 0 && said.contains("nobody has a badge"), "{said}");
    let (code, said) = badge(&daemon, &["add", "m7"], "");
    assert!(
        code != 0 && said.contains("a manager's PIN is needed"),
        "{said}"
    );
    let (code, said) = badge(&daemon, &["add", "m7", "--pin"], WRONG);
    assert!(code != 0 && said.contains("no manager's PIN"), "{said}");
    std::thread::scope(|scope| {
        let adding = scope.spawn(|| badge(&daemon, &["add", "m7", "--pin"], PIN));
        let waiting = || -> anyhow::Result<Value> {
            Ok(daemon.get("/api/v1/badges")?["waiting_for"].clone())
        };
        until_eq("it waits for the badge", &"m7".into(), waiting).unwrap();
        let (code, said) = adding.join().unwrap();
        assert!(
            code != 0 && said.contains("no new badge was shown"),
            "{said}"
        );
        assert!(said.contains("devices watch"), "{said}");
    });
    // Four digits are quickly tried: after five wrong ones there is a pause, also for the right one.
    for _ in 0..5 {
        badge(&daemon, &["forget", "m7", "--pin"], WRONG);
    }
    let (code, said) = badge(&daemon, &["forget", "m7", "--pin"], PIN);
    assert!(code != 0 && said.contains("wait a minute"), "{said}");
    for pin in [PIN, WRONG] {
        let log = std::fs::read_to_string(daemon.log()).unwrap();
        assert!(!log.contains(pin), "{log}");
        let ledger = std::fs::read(daemon.database()).unwrap();
        assert!(!ledger.windows(pin.len()).any(|it| it == pin.as_bytes()));
    }
}

#[test]
fn a_pc_without_a_reader_says_what_to_configure() {
    let daemon = shop("");
    let (code, said) = badge(&daemon, &["add", "m7", "--pin"], PIN);
    let told = said.contains("has no badge reader") && said.contains("kind = \"badge_reader\"");
    assert!(code != 0 && told, "{said}");
}
