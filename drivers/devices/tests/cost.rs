//! What a device's thread costs: nothing while its device is silent, and little while it talks nonsense.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "it reads the kernel's account of its own threads, and tells the figures"
)]

mod rig;

use std::time::{Duration, Instant};

use rig::{Rig, config, status, until_counted, until_ready};
use shelf_codecs::scale::Protocol;
use shelf_devices::config::{DeviceConfig, DeviceKind};
use shelf_devices::scale::ScaleConfig;
use shelf_devices::ssi_scanner::SsiScannerConfig;
use shelf_sim::scanner_pty::{Framing, PtyScanner};

const NONSENSE_BYTES: usize = 2 * 1024 * 1024;
/// A line of 115,200 bauds: the fastest that such devices have.
const LINE_BYTES_PER_S: u64 = 11_520;

/// CPU time of the threads of this name so far, in nanoseconds.
fn cpu_ns(thread: &str) -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let of_name = tasks.filter_map(|task| {
        let path = task.ok()?.path();
        let name = std::fs::read_to_string(path.join("comm")).ok()?;
        let account = std::fs::read_to_string(path.join("schedstat")).ok()?;
        (name.trim() == thread).then_some(account)
    });
    of_name
        .filter_map(|it| it.split_whitespace().next()?.parse::<u64>().ok())
        .sum()
}

fn kinds() -> [(&'static str, DeviceKind); 3] {
    [
        ("line", DeviceKind::LineScanner(Default::default())),
        ("ssi", DeviceKind::SsiScanner(SsiScannerConfig::default())),
        (
            "scale",
            DeviceKind::Scale(ScaleConfig::new(Protocol::Toledo8217)),
        ),
    ]
}

fn device(name: &str, scanner: &PtyScanner, kind: DeviceKind) -> DeviceConfig {
    DeviceConfig {
        kind,
        ..config(name, scanner.path())
    }
}

/// Any byte, the same in every run.
fn nonsense(bytes: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let mut byte = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..bytes).map(|_| byte()).collect()
}

#[test]
fn silence_costs_nothing_and_nonsense_little() {
    for (name, kind) in kinds() {
        let rig = Rig::new();
        let mut scanner = rig.scanner(name, Framing::default());
        let (supervisor, events) = rig.start(vec![device(name, &scanner, kind)]);
        until_ready(&events);
        let thread = format!("dev {name}");
        let reader = std::thread::spawn(move || {
            let mut told = 0_u64;
            while events.recv().is_some() {
                told += 1;
            }
            told
        });
        let (before, reads) = (cpu_ns(&thread), status(&supervisor, name).counters.reads);
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(1) {
            std::thread::park_timeout(Duration::from_millis(100));
        }
        let idle_ns = cpu_ns(&thread) - before;
        let wakes = status(&supervisor, name).counters.reads - reads;
        assert!(
            wakes == 0 && idle_ns < 2_000_000,
            "{name}: {wakes} wake-ups, {idle_ns} ns idle"
        );

        let before = cpu_ns(&thread);
        scanner.send_raw(&nonsense(NONSENSE_BYTES), &[]).unwrap();
        until_counted(&supervisor, name, |c| c.bytes_in == NONSENSE_BYTES as u64);
        let busy_ns = cpu_ns(&thread) - before;
        let per_byte = busy_ns / NONSENSE_BYTES as u64;
        let share_ppm = per_byte * LINE_BYTES_PER_S / 1_000;
        let counters = status(&supervisor, name).counters;
        supervisor.stop();
        let told = reader.join().unwrap();
        supervisor.join();
        eprintln!(
            "{name}: idle {idle_ns} ns/s, {wakes} wake-ups; nonsense {per_byte} ns/byte in {} reads, {share_ppm} ppm of a \
             core at 115200 baud; {} faults counted, {told} events told",
            counters.reads, counters.faults
        );
        assert!(per_byte < 10_000, "{name}: {per_byte} ns a byte");
        assert!(
            counters.faults == 0 || told < counters.faults.max(200),
            "{name}"
        );
    }
}
