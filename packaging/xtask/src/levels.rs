//! Which way crates may depend on each other, and which outside crate may live where.
//!
//! The rules are DESIGN's section 4 as data; the test reads the resolved graph from
//! `cargo tree` (normal dependencies as each crate is built for itself), so that neither a manifest
//! nor a transitive path can break them unseen.

#![cfg(test)]

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// 0 pure, 1 sans-IO machines, 2 one outside thing each, 3 composition.
const LEVELS: &[(&str, u8)] = &[
    ("shelf-stock", 0),
    ("shelf-wire", 0),
    ("shelf-codecs", 0),
    ("shelf-replica", 1),
    ("shelf-sessions", 1),
    ("shelf-till", 1),
    ("shelf-ledger", 2),
    ("shelf-devices", 2),
    ("shelf-link", 2),
    ("shelf-hub", 3),
    ("shelfd", 3),
    ("shelf-sim", 3),
    ("shelf-tests", 3),
    ("xtask", 3),
];

/// What reaches the outside world; levels 0 and 1 reach none of it, by any path.
const IO_CRATES: &[&str] = &[
    "tokio",
    "mio",
    "rustix",
    "nix",
    "socket2",
    "rusqlite",
    "libsqlite3-sys",
    "serialport",
    "hidapi",
    "evdev",
    "rusb",
    "rumqttc",
    "rumqttd",
    "reqwest",
    "hyper",
    "axum",
    "getrandom",
    "directories",
    "tracing-subscriber",
    "rustls",
];

/// An outside crate and the only crates of ours that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("rusqlite", &["shelf-ledger", "shelf-hub"]),
    ("serialport", &["shelf-devices"]),
    ("hidapi", &["shelf-devices"]),
    ("evdev", &["shelf-devices"]),
    ("rusb", &["shelf-devices"]),
    ("rumqttc", &["shelf-link"]),
    ("rumqttd", &["shelf-hub"]),
    ("reqwest", &["shelfd", "shelf-hub", "shelf-tests"]),
    ("directories", &["shelfd"]),
    (
        "getrandom",
        &["shelfd", "shelf-hub", "shelf-sim", "shelf-tests"],
    ),
];

/// TLS comes from one provider; nothing links a system library for it.
const BANNED: &[&str] = &[
    "openssl-sys",
    "aws-lc-sys",
    "aws-lc-rs",
    "native-tls",
    "libudev-sys",
];

/// Packages that a crate of ours reaches by normal dependencies, as it is built for itself: the
/// features that only its tests switch on don't count.
fn reached(name: &str, depth: Option<u8>) -> BTreeSet<String> {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["tree", "--locked", "--package", name, "--edges", "normal"])
        .args([
            "--target",
            "x86_64-unknown-linux-gnu",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(crate::root());
    if let Some(depth) = depth {
        command.args(["--depth", &depth.to_string()]);
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text
        .lines()
        .filter_map(|it| it.split(' ').next())
        .map(str::to_owned);
    names.filter(|it| !it.is_empty() && it != name).collect()
}

fn level(name: &str) -> Option<u8> {
    LEVELS
        .iter()
        .find(|(it, _)| *it == name)
        .map(|(_, level)| *level)
}

fn direct(name: &str) -> BTreeSet<String> {
    reached(name, Some(1))
}

#[test]
fn crate_levels_point_one_way() {
    for (name, own) in LEVELS {
        for dependency in direct(name) {
            let Some(other) = level(&dependency) else {
                continue;
            };
            let fine = other < *own || (other == *own && (*own == 0 || *own >= 2));
            assert!(
                fine,
                "{name} (level {own}) depends on {dependency} (level {other})"
            );
        }
    }
}

#[test]
fn pure_and_sans_io_crates_reach_no_io() {
    for (name, _) in LEVELS.iter().filter(|(_, level)| *level <= 1) {
        let reached = reached(name, None);
        let leaks: Vec<_> = IO_CRATES
            .iter()
            .filter(|it| reached.contains(**it))
            .collect();
        assert!(leaks.is_empty(), "{name} reaches {leaks:?}");
    }
}

#[test]
fn every_outside_crate_stays_at_home() {
    for (name, _) in LEVELS {
        let named = direct(name);
        for (outside, homes) in HOMES.iter().filter(|(outside, _)| named.contains(*outside)) {
            assert!(
                homes.contains(name),
                "{name} names {outside}; only {homes:?} may"
            );
        }
    }
}

#[test]
fn the_fixed_crates_are_really_used_and_the_banned_ones_are_not() {
    let reached = reached("shelfd", None);
    for banned in BANNED {
        assert!(!reached.contains(*banned), "shelfd reaches {banned}");
    }
    for used in [
        "tokio",
        "serialport",
        "hidapi",
        "rusb",
        "rusqlite",
        "reqwest",
        "serde",
        "rumqttc",
        "tracing",
        "directories",
    ] {
        assert!(reached.contains(used), "shelfd does not use {used}");
    }
}

#[test]
fn the_simulator_never_depends_on_the_daemon() {
    assert!(!reached("shelf-sim", None).contains("shelfd"));
}

#[test]
fn every_member_has_a_level() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--no-deps"])
        .current_dir(crate::root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let members: BTreeSet<&str> = packages
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    let known: BTreeSet<&str> = LEVELS.iter().map(|(name, _)| *name).collect();
    assert_eq!(members, known);
}
