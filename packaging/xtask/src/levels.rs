//! Which way crates may depend on each other, and which outside crate may live where.
//!
//! The rules are DESIGN's section 4 as data; the test reads the resolved graph from
//! `cargo metadata` (normal dependencies, all features), so that neither a manifest nor a
//! transitive path can break them unseen.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
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

struct Graph {
    /// Name of each package by its id.
    names: BTreeMap<String, String>,
    /// Normal dependencies by id.
    edges: BTreeMap<String, Vec<String>>,
}

fn graph() -> Graph {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--all-features",
        ])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(crate::root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    let names = packages
        .iter()
        .map(|it| (text(&it["id"]), text(&it["name"])))
        .collect();
    let mut edges = BTreeMap::new();
    for node in metadata["resolve"]["nodes"].as_array().unwrap() {
        let normal = |dep: &&Value| {
            dep["dep_kinds"]
                .as_array()
                .unwrap()
                .iter()
                .any(|kind| kind["kind"].is_null())
        };
        let deps = node["deps"].as_array().unwrap().iter().filter(normal);
        edges.insert(text(&node["id"]), deps.map(|it| text(&it["pkg"])).collect());
    }
    Graph { names, edges }
}

impl Graph {
    fn id(&self, name: &str) -> &str {
        let mut found = self.names.iter().filter(|(_, it)| it.as_str() == name);
        found
            .next()
            .unwrap_or_else(|| panic!("no package {name}"))
            .0
    }

    fn direct(&self, name: &str) -> BTreeSet<&str> {
        self.edges[self.id(name)]
            .iter()
            .map(|it| self.names[it].as_str())
            .collect()
    }

    fn reached(&self, name: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::from([self.id(name)]);
        let mut open = vec![self.id(name)];
        while let Some(id) = open.pop() {
            open.extend(
                self.edges[id]
                    .iter()
                    .map(String::as_str)
                    .filter(|it| seen.insert(it)),
            );
        }
        seen.into_iter().map(|it| self.names[it].as_str()).collect()
    }
}

fn level(name: &str) -> Option<u8> {
    LEVELS
        .iter()
        .find(|(it, _)| *it == name)
        .map(|(_, level)| *level)
}

#[test]
fn crate_levels_point_one_way() {
    let graph = graph();
    for (name, own) in LEVELS {
        for dependency in graph.direct(name) {
            let Some(other) = level(dependency) else {
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
    let graph = graph();
    for (name, _) in LEVELS.iter().filter(|(_, level)| *level <= 1) {
        let reached = graph.reached(name);
        let leaks: Vec<_> = IO_CRATES
            .iter()
            .filter(|it| reached.contains(**it))
            .collect();
        assert!(leaks.is_empty(), "{name} reaches {leaks:?}");
    }
}

#[test]
fn every_outside_crate_stays_at_home() {
    let graph = graph();
    for (outside, homes) in HOMES {
        for (name, _) in LEVELS {
            let named = graph.direct(name).contains(outside);
            assert!(
                !named || homes.contains(name),
                "{name} names {outside}; only {homes:?} may"
            );
        }
    }
    let all: BTreeSet<&str> = graph.names.values().map(String::as_str).collect();
    let reached = graph.reached("shelfd");
    for banned in BANNED {
        assert!(!reached.contains(banned), "shelfd reaches {banned}");
    }
    assert!(all.contains("rusqlite") && all.contains("serialport") && all.contains("rumqttc"));
}

#[test]
fn the_simulator_never_depends_on_the_daemon() {
    assert!(!graph().reached("shelf-sim").contains("shelfd"));
}

#[test]
fn every_member_has_a_level() {
    let members: BTreeSet<String> = graph()
        .names
        .into_values()
        .filter(|it| it.starts_with("shelf") || it == "xtask")
        .collect();
    let known: BTreeSet<String> = LEVELS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(members, known);
}
