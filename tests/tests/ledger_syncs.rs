//! What a commit costs the disk, counted and not timed: one sync, of a file that doesn't grow.
//!
//! A shim is compiled with the machine's C compiler and preloaded into the child. Two runs of
//! different length are compared, so that what opening and leaving cost falls out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    reason = "reads the child's files from outside"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Frames of one WAL page.
const FRAME_BYTES: usize = 24 + 4096;

fn shim(dir: &Path) -> PathBuf {
    let library = dir.join("sync_shim.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sync_shim.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([library.as_os_str(), source.as_ref()])
        .arg("-ldl")
        .status()
        .unwrap();
    assert!(
        built.success(),
        "cc failed: a C compiler is needed to build SQLite as well"
    );
    library
}

struct Cost {
    wal_syncs: u64,
    other_syncs: u64,
    wal_bytes: u64,
    frames: u64,
    commits: u64,
}

/// Sells `sales` times on one thread, one commit each, and counts.
fn cost(shim: &Path, sales: u64) -> Cost {
    let dir = tempfile::tempdir().unwrap();
    let counts = dir.path().join("counts");
    std::fs::write(&counts, [0; 16]).unwrap();
    let ledger = dir.path().join("ledger");
    let run = Command::new(env!("CARGO_BIN_EXE_ledger_child"))
        .arg(&ledger)
        .args(["1", &sales.to_string()])
        .env("LD_PRELOAD", shim)
        .env("SYNC_COUNTS", &counts)
        .output()
        .unwrap();
    assert!(
        run.status.success(),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let out = String::from_utf8(run.stdout).unwrap();
    let last: Vec<&str> = out.lines().last().unwrap().split(' ').collect();
    let ["wal", wal_bytes, "commits", commits] = last[..] else {
        panic!("{out}");
    };
    let counted = std::fs::read(&counts).unwrap();
    let number = |at: usize| u64::from_ne_bytes(counted[at..at + 8].try_into().unwrap());
    Cost {
        wal_syncs: number(0),
        other_syncs: number(8),
        wal_bytes: wal_bytes.parse().unwrap(),
        frames: frames(&ledger.join("ledger.db-wal")),
        commits: commits.parse().unwrap(),
    }
}

/// Frames of the WAL's present cycle.
fn frames(wal: &Path) -> u64 {
    let wal = std::fs::read(wal).unwrap();
    let salt = &wal[16..24];
    let frames = wal[32..].chunks_exact(FRAME_BYTES);
    frames.take_while(|it| &it[8..16] == salt).count() as u64
}

#[test]
fn a_commit_is_exactly_one_sync_of_a_file_that_does_not_grow() {
    let dir = tempfile::tempdir().unwrap();
    let shim = shim(dir.path());
    let (short, long) = (cost(&shim, 100), cost(&shim, 250));
    let commits = long.commits - short.commits;
    assert_eq!(commits, 150);
    assert_eq!(
        long.wal_syncs - short.wal_syncs,
        commits,
        "one sync per commit"
    );
    assert_eq!(
        long.other_syncs, short.other_syncs,
        "no sync of any other file"
    );
    assert_eq!(
        short.wal_bytes,
        8 << 20,
        "the WAL stays as it was laid down"
    );
    assert_eq!(long.wal_bytes, short.wal_bytes);
    let frames = (long.frames - short.frames) as f64 / commits as f64;
    println!("{frames:.2} frames per commit");
    assert!(
        frames < 7.0,
        "{frames:.2} pages written per commit of a one-line sale with receipt"
    );
}
