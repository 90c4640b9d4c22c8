//! Devices in trouble, as the page and the command line tell it, with words and a next step: held by another
//! process, absent, silent, talking nonsense, unplugged in the middle of a scan, replaced by a twin. The
//! daemon waits for each without turning in a circle: its CPU time is measured meanwhile.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed test panics"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "reads the daemon's CPU time from /proc"
)]

use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use shelf_sim::scanner_pty::{Framing, PtyScanner, ScanFault};
use shelf_tests::daemon::{Daemon, Setup, TillSetup, rows};
use shelf_tests::http;
use shelf_tests::patience::{pass, until_eq, within_eq};
use shelf_tests::process::Process;
use shelf_tests::programs;
use shelf_tests::simulated::Simulated;
use shelf_tests::wares::gtin13;

const TILL: &str = "till-1";
/// A device that could not be opened is tried again after 30 seconds at the latest; twice that on a busy PC.
const TRIED_AGAIN: Duration = Duration::from_secs(60);
/// How long the daemon's CPU time is measured.
const MEASURED: Duration = Duration::from_secs(10);
/// Most CPU time of all its threads in that time, in milliseconds, in a build without optimisation: 2 % of a
/// core while devices are in trouble and say nothing. A thread that turns in a circle takes 10,000.
const QUIET_MS_MAX: u64 = 200;
/// The same while a scale talks nonsense as fast as a line of 9600 baud carries it: 10 %.
const NONSENSE_MS_MAX: u64 = 1_000;
/// Bytes in a second at 9600 baud.
const LINE_BYTES_PER_S: u64 = 960;
/// What a clock tick of `/proc` is, in milliseconds (`USER_HZ` is 100 on Linux).
const TICK_MS: u64 = 10;

/// CPU time of a process so far, in milliseconds: fields 14 and 15 of `/proc/PID/stat`.
fn cpu_ms(daemon: &mut Daemon) -> u64 {
    let pid = daemon.process().unwrap().id();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let behind_name = stat.rsplit_once(") ").unwrap().1;
    let fields: Vec<&str> = behind_name.split(' ').collect();
    let ticks: u64 = fields[11..=12]
        .iter()
        .map(|it| it.parse::<u64>().unwrap())
        .sum();
    ticks * TICK_MS
}

/// What the daemon used while this happened.
fn measured(daemon: &mut Daemon, what: &str, most_ms: u64, work: impl FnOnce()) {
    let before = cpu_ms(daemon);
    work();
    let used = cpu_ms(daemon) - before;
    println!("{what}: {used} ms of CPU time in {MEASURED:?}");
    assert!(used <= most_ms, "{what}: {used} ms, at most {most_ms} ms");
}

fn device(name: &str, lines: &str, role: &str) -> String {
    format!("[[device]]\nname = \"{name}\"\n{lines}\nrole = \"{role}\"\n")
}

/// The state of a device, as the API says it.
fn is(daemon: &Daemon, name: &str, state: &str) {
    let found = |it: &Value| {
        let devices = it["devices"].as_array().unwrap();
        devices
            .iter()
            .any(|it| it["name"] == name && it["state"] == state)
    };
    let what = format!("{name} is {state}");
    daemon.status_until(&what, found).unwrap();
}

/// Both the page and the command line say this of a device.
fn told(daemon: &Daemon, name: &str, page_words: &[&str], list_words: &str, doctor_words: &str) {
    let page = http::get(daemon.http(), "/devices").unwrap().text();
    let mark = format!("data-device=\"{name}\"");
    let article = page.split_once(&mark).unwrap().1;
    let article = article.split("</article>").next().unwrap();
    for words in page_words {
        assert!(article.contains(words), "{name}: `{words}` in {article}");
    }
    let at = daemon.http().to_string();
    let (_, listed, _) = daemon.ask(&["devices", "--at", &at]).unwrap();
    let line = listed.lines().find(|it| it.starts_with(name)).unwrap();
    assert!(line.contains(list_words), "{line}");
    let (code, said, _) = daemon.ask(&["devices", "doctor", "--at", &at]).unwrap();
    if doctor_words.is_empty() {
        assert!(!said.contains(&format!(" {name}:")), "{said}");
    } else {
        assert!(code == 1 && said.contains(doctor_words), "{code}: {said}");
    }
}

struct Bench {
    daemon: Daemon,
    front: PtyScanner,
    _held: PtyScanner,
    holder: Process,
    scale: Simulated,
    _dir: tempfile::TempDir,
}

fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let place = |name: &str| format!("select = \"path:{}\"", dir.path().join(name).display());
    let held = PtyScanner::plug(dir.path().join("held"), Framing::default()).unwrap();
    let mut command = Command::new(programs::installed("flock").unwrap());
    command.args(["--no-fork", "--exclusive"]).arg(held.path());
    command.args(["sh", "-c", "echo holds it; exec sleep 600"]);
    let mut holder = Process::start(&mut command, &dir.path().join("holder.log")).unwrap();
    holder.word_after("holds ").unwrap();
    let link = dir.path().join("scale");
    let words = [
        "scale",
        "--protocol",
        "st-gs",
        "--link",
        link.to_str().unwrap(),
    ];
    let scale = Simulated::start(&words, &dir.path().join("scale.log")).unwrap();
    let scale_lines = format!("kind = \"scale\"\nprotocol = \"st-gs\"\n{}", place("scale"));
    let mut more = device("held", &place("held"), "counting");
    more += &device("absent", &place("absent"), "receiving");
    more += &device("babbler", &scale_lines, &format!("scale:{TILL}"));
    let setup = Setup {
        tills: vec![TillSetup::basket(TILL, None)],
        scanners: vec![("front".into(), format!("till:{TILL}"))],
        more,
        ..Setup::default()
    };
    let mut daemon = Daemon::prepare(&setup).unwrap();
    let front = daemon.plug("front").unwrap();
    daemon.restart().unwrap();
    daemon.stock_up(9, 100).unwrap();
    Bench {
        daemon,
        front,
        _held: held,
        holder,
        scale,
        _dir: dir,
    }
}

#[test]
fn trouble_is_told_on_page_and_command_line_and_costs_no_cpu() {
    let mut bench = bench();
    let daemon = &mut bench.daemon;
    for (name, state) in [
        ("front", "ready"),
        ("held", "busy"),
        ("absent", "absent"),
        ("babbler", "ready"),
    ] {
        is(daemon, name, state);
    }
    told(
        daemon,
        "held",
        &["held by another program", "Close the other program"],
        "held by another program",
        "another program holds",
    );
    told(
        daemon,
        "absent",
        &["not plugged in", "Check its cable and power"],
        "absent",
        "WRONG absent: it is not there",
    );
    // Silence is what a scanner says most of the time; the page tells since when.
    told(daemon, "front", &["ready", "never"], "ready", "");
    bench.scale.order("fault silence").unwrap();
    measured(daemon, "held, absent, silent", QUIET_MS_MAX, || {
        pass(MEASURED);
    });
    let babble = format!("fault babble {}", LINE_BYTES_PER_S / 10);
    bench.scale.order("fault speak").unwrap();
    measured(daemon, "nonsense", NONSENSE_MS_MAX, || {
        for _ in 0..10 * MEASURED.as_secs() {
            bench.scale.order(&babble).unwrap();
            pass(Duration::from_millis(100));
        }
    });
    let faults = "babbler: ";
    told(daemon, "babbler", &["ready", "damaged"], "ready", faults);
    // Whoever held it lets go, and it works without anybody's help.
    bench.holder.kill9();
    within_eq("held is ready", TRIED_AGAIN, &true, || {
        let board = daemon.get("/api/v1/devices")?;
        let devices = board["devices"].as_array().cloned().unwrap_or_default();
        let held = devices.iter().find(|it| it["name"] == "held");
        Ok(held.is_some_and(|it| it["state"] == "ready"))
    })
    .unwrap();
}

#[test]
fn a_scan_that_is_cut_off_is_none_and_a_twin_goes_on() {
    let mut bench = bench();
    let daemon = &mut bench.daemon;
    is(daemon, "front", "ready");
    bench.front.scan(&gtin13(1)).unwrap();
    daemon
        .till_until(TILL, "a row", |it| rows(it) == 1)
        .unwrap();
    for cut in [1, 6, 12] {
        let torn = ScanFault::Torn(cut);
        bench.front.scan_with_fault(&gtin13(2), &torn).unwrap();
        bench.front.hang_up();
        is(daemon, "front", "absent");
        told(
            daemon,
            "front",
            &["not plugged in", "Check its cable and power"],
            "absent",
            "WRONG front: it is not there",
        );
        // Another unit of the same kind in its place.
        bench.front.replug().unwrap();
        is(daemon, "front", "ready");
    }
    measured(daemon, "after three cables", QUIET_MS_MAX, || {
        pass(MEASURED);
    });
    bench.front.scan(&gtin13(3)).unwrap();
    let scanned = |it: &Value| {
        let lines = it["basket"]["lines"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let codes = lines
            .iter()
            .map(|it| it["code"].as_str().unwrap_or_default().to_owned());
        codes.collect::<Vec<_>>()
    };
    let expected = [1, 3].map(|it| format!("0{}", gtin13(it))).to_vec();
    until_eq("no scan invented, none lost", &expected, || {
        Ok(scanned(&daemon.till(TILL)?))
    })
    .unwrap();
    let board = daemon.get("/api/v1/devices").unwrap();
    let front = board["devices"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "front");
    let counters = &front.unwrap()["counters"];
    assert_eq!(
        (&counters["frames"], &counters["reopens"]),
        (&2.into(), &3.into()),
        "{counters}"
    );
}
