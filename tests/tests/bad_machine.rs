//! A PC that is not as it should be: wrong configuration, damaged or newer ledger, taken port, full
//! disk, a clock in the year 2000. Each gets an exit code and words that say what to do; nothing
//! on disk is changed by a refusal.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]
#![allow(
    clippy::disallowed_methods,
    reason = "damages files and compiles a clock"
)]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use shelf_sim::scanner_pty::PtyScanner;
use shelf_sim::zvt_terminal::{PaymentScript, TerminalConfig, TerminalHandle};
use shelf_tests::daemon::{Daemon, Setup, TillSetup, outcome, rows};
use shelf_tests::programs::INSTALL;
use shelf_tests::wares::{gtin13, item};

const TILL: &str = "till-1";
/// The small disk, and what is kept back on it, in MiB.
const DISK_MIB: u32 = 24;
const BALLAST_MIB: u32 = 6;
/// `sysexits.h`
const TEMPORARY: i32 = 75;
const CONFIGURATION: i32 = 78;

fn setup(terminal: Option<&TerminalHandle>) -> Setup {
    Setup {
        pc: "PC 1".into(),
        tills: vec![TillSetup::basket(TILL, terminal.map(TerminalHandle::addr))],
        scanners: vec![("scanner".into(), format!("till:{TILL}"))],
        ..Setup::default()
    }
}

fn quick_terminal() -> TerminalHandle {
    let quick = PaymentScript {
        thinks_ms: 0,
        ..PaymentScript::default()
    };
    TerminalHandle::start(0, TerminalConfig::default(), vec![quick; 2_000]).unwrap()
}

/// `shelfd run` to its end: exit code and errors.
fn refused(daemon: &Daemon) -> (i32, String) {
    let (code, _, errors) = outcome(&daemon.command().unwrap().output().unwrap());
    (code, errors)
}

fn sell(daemon: &Daemon, scanner: &mut PtyScanner, ware: u32) {
    let before = daemon.till(TILL).unwrap()["last_sale"]["place"].clone();
    scanner.scan(&gtin13(ware)).unwrap();
    daemon
        .till_until(TILL, "the scan", |it| rows(it) == 1)
        .unwrap();
    daemon.act(TILL, "pay_card", &[]).unwrap();
    let sold = |it: &Value| it["basket"].is_null() && it["last_sale"]["place"] != before;
    daemon.till_until(TILL, "the sale", sold).unwrap();
}

#[test]
fn a_typing_error_is_named_with_file_line_and_the_likely_key() {
    let daemon = Daemon::prepare(&setup(None)).unwrap();
    let text = fs::read_to_string(daemon.config()).unwrap();
    fs::write(daemon.config(), text.replace("listen", "lisen")).unwrap();
    let line = 1 + text
        .lines()
        .position(|it| it.starts_with("listen"))
        .unwrap();
    let (code, errors) = refused(&daemon);
    assert_eq!(code, CONFIGURATION, "{errors}");
    let expected = format!(
        "error: {}, line {line}: `lisen` is no key here; did you mean `listen`?",
        daemon.config().display()
    );
    assert!(errors.starts_with(&expected), "{errors}");
    assert!(
        errors.contains("hint: `shelfd config keys` lists every key"),
        "{errors}"
    );
    assert!(
        !daemon.data().exists(),
        "a refusal made {}",
        daemon.data().display()
    );
    let checked = daemon
        .ask(&["config", "check", daemon.config().to_str().unwrap()])
        .unwrap();
    assert_eq!(checked.0, CONFIGURATION, "{checked:?}");
}

#[test]
fn a_taken_port_is_worth_another_try() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let daemon = Daemon::prepare(&setup(None)).unwrap();
    let text = fs::read_to_string(daemon.config()).unwrap();
    fs::write(
        daemon.config(),
        text.replace("127.0.0.1:0", &address.to_string()),
    )
    .unwrap();
    let (code, errors) = refused(&daemon);
    assert_eq!(code, TEMPORARY, "{errors}");
    assert!(
        errors.contains(&format!("error: the pages can't listen on {address}")),
        "{errors}"
    );
    assert!(
        errors.contains(&format!("another program listens on {address}")),
        "{errors}"
    );
}

#[test]
fn a_second_daemon_on_the_same_ledger_is_refused() {
    let daemon = Daemon::start(&setup(None)).unwrap();
    let (code, errors) = refused(&daemon);
    assert_eq!(code, TEMPORARY, "{errors}");
    assert!(
        errors.contains("the ledger is in use by another process"),
        "{errors}"
    );
    daemon.status().unwrap();
}

/// Stops a daemon with a ledger, changes bytes of the database, and gives what `run` says.
fn damaged(change: impl FnOnce(&mut Vec<u8>)) -> (i32, String) {
    let mut daemon = Daemon::start(&setup(None)).unwrap();
    daemon.stock_up(9, 10).unwrap();
    daemon.stop().unwrap();
    let mut bytes = fs::read(daemon.database()).unwrap();
    change(&mut bytes);
    fs::write(daemon.database(), &bytes).unwrap();
    let (code, errors) = refused(&daemon);
    assert_eq!(
        fs::read(daemon.database()).unwrap(),
        bytes,
        "a refusal changed the file"
    );
    assert!(
        errors.contains(daemon.database().to_str().unwrap()),
        "{errors}"
    );
    (code, errors)
}

#[test]
fn a_ledger_that_is_none_or_damaged_is_refused_and_left_alone() {
    let (code, errors) = damaged(|it| it[..16].copy_from_slice(b"not a database!!"));
    assert_eq!(code, 1, "{errors}");
    assert!(
        errors.contains("is no ledger") && errors.contains("restore a backup"),
        "{errors}"
    );

    let (code, errors) = damaged(|it| it[100..400].fill(0xA5));
    assert_eq!(code, 1, "{errors}");
    assert!(errors.contains("is damaged: "), "{errors}");
    assert!(errors.contains("restore the newest backup"), "{errors}");
}

#[test]
fn a_ledger_of_a_newer_program_is_refused_and_left_alone() {
    // The user version stands big-endian at byte 60 of the file.
    let (code, errors) = damaged(|it| it[60..64].copy_from_slice(&99_u32.to_be_bytes()));
    assert_ne!(code, 0);
    assert!(
        errors.contains("has schema version 99; this shelfd knows versions up to"),
        "{errors}"
    );
    assert!(errors.contains("Start the newer shelfd again"), "{errors}");
}

/// A disk of its own that can be filled without filling the machine's.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={DISK_MIB}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "none"])
            .arg(dir.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&mounted.stderr);
        assert!(
            mounted.status.success(),
            "a small disk needs root: {errors}; {INSTALL}"
        );
        Self(dir)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes every byte that is left.
    fn fill(&self) {
        let mut file = fs::File::create(self.path().join("filler")).unwrap();
        let block = vec![0xFF; 4096];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
    }

    fn empty(&self) {
        fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A disk that stays busy is taken away as soon as its last user ends.
        let _status = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[test]
fn on_a_full_disk_selling_goes_on_from_the_reserve_and_the_page_is_red() {
    let disk = Disk::mount();
    let terminal = quick_terminal();
    let mut setup = setup(Some(&terminal));
    setup.data = Some(disk.path().join("data"));
    setup.ballast_mib = BALLAST_MIB;
    let mut daemon = Daemon::prepare(&setup).unwrap();
    let mut scanner = daemon.plug("scanner").unwrap();
    daemon.restart().unwrap();
    daemon.stock_up(9, 2_000).unwrap();
    let reserve = fs::metadata(disk.path().join("data/ballast"))
        .unwrap()
        .len();
    assert_eq!(reserve, u64::from(BALLAST_MIB) << 20);
    disk.fill();
    let mut sold = 0;
    let mut status = daemon.status().unwrap();
    while status["ledger"]["ballast_released"] != true {
        sell(&daemon, &mut scanner, 2);
        sold += 1;
        assert!(sold < 1_000, "the reserve is not needed: {status}");
        status = daemon.status().unwrap();
    }
    println!("{sold} sales until the reserve was given up");
    assert_eq!(status["verdict"]["level"], "red");
    assert_eq!(status["verdict"]["cause"]["cause"], "disk_full", "{status}");
    for _ in 0..10 {
        sell(&daemon, &mut scanner, 2);
        sold += 1;
    }
    assert_eq!(daemon.documents_of("sale").unwrap().len(), sold);
    assert_eq!(terminal.acknowledged().len(), sold);
    daemon.kill9();
    disk.empty();
    daemon.restart().unwrap();
    assert_eq!(daemon.documents_of("sale").unwrap().len(), sold);
    let sold = i64::try_from(sold).unwrap();
    assert_eq!(daemon.on_hand(&item(2)).unwrap(), (2_000 - sold) * 1_000);
}

/// The library that sets a program's calendar to the year 2000.
fn year_2000(dir: &Path) -> PathBuf {
    let library = dir.join("clock_shim.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clock_shim.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([library.as_os_str(), source.as_ref()])
        .arg("-ldl")
        .status()
        .unwrap();
    assert!(built.success(), "cc failed; {INSTALL}");
    library
}

#[test]
fn a_clock_in_the_year_2000_is_red_sells_on_and_loses_nothing() {
    let terminal = quick_terminal();
    let mut daemon = Daemon::prepare(&setup(Some(&terminal))).unwrap();
    let mut scanner = daemon.plug("scanner").unwrap();
    daemon.restart().unwrap();
    daemon.stock_up(9, 100).unwrap();
    sell(&daemon, &mut scanner, 2);
    daemon.stop().unwrap();

    let shim = year_2000(daemon.dir());
    daemon.environment("LD_PRELOAD", shim.to_str());
    daemon.restart().unwrap();
    let status = daemon.status().unwrap();
    assert_eq!(status["verdict"]["level"], "red", "{status}");
    assert_eq!(status["verdict"]["cause"]["cause"], "clock", "{status}");
    assert!(
        status["as_of"].as_i64().unwrap() < 946_684_800_000 + 86_400_000,
        "{status}"
    );
    sell(&daemon, &mut scanner, 2);
    daemon.stop().unwrap();

    daemon.environment("LD_PRELOAD", None);
    daemon.restart().unwrap();
    sell(&daemon, &mut scanner, 2);
    let sales = daemon.documents_of("sale").unwrap();
    assert_eq!(sales.len(), 3);
    let order: Vec<&Value> = sales.iter().map(|it| &it["hlc"]).collect();
    println!("{order:?}");
    let config = daemon.config();
    let words = [
        "check",
        "--deep",
        "--config",
        config.to_str().unwrap(),
        "--data",
    ];
    daemon.stop().unwrap();
    let data = daemon.data().to_str().unwrap().to_owned();
    let (code, said, errors) = daemon.ask(&[&words[..], &[&data]].concat()).unwrap();
    assert_eq!(code, 0, "{said} {errors}");
    let mut command = Command::new(shelf_tests::programs::shelfd().unwrap());
    command.args(words).arg(&data).env("LD_PRELOAD", &shim);
    let (code, said, errors) = outcome(&command.output().unwrap());
    assert_eq!(code, 1, "{said} {errors}");
    assert!(said.contains("it shows a time before 2024"), "{said}");
}
