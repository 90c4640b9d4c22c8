//! The program as a person meets it: help that teaches, errors with a way out, exit codes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a test says what it expects by failing"
)]

use std::path::Path;
use std::process::{Command, Output};

fn hub(args: &[&str], directory: &Path) -> Output {
    let program = env!("CARGO_BIN_EXE_shelf-hub");
    Command::new(program)
        .args(args)
        .current_dir(directory)
        .output()
        .unwrap()
}

fn check(args: &[&str], directory: &Path, code: i32, expected: &[&str]) {
    let output = hub(args, directory);
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    for part in expected {
        assert!(said.contains(part), "{args:?} should say `{part}`: {said}");
    }
}

#[test]
fn help_teaches_and_wrong_input_has_a_way_out() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    std::fs::write(
        at.join("good.toml"),
        "tenant = \"acme\"\ndata_dir = \"data\"\n",
    )
    .unwrap();
    std::fs::write(
        at.join("typo.toml"),
        "tenant = \"acme\"\ndata_dri = \"data\"\n",
    )
    .unwrap();
    check(
        &["--help"],
        at,
        0,
        &["Examples:", "shelf-hub run --config hub.toml", "Exit codes"],
    );
    check(
        &["keys"],
        at,
        0,
        &["http.listen", "default: 127.0.0.1:8430"],
    );
    check(&["run"], at, 2, &["--config <FILE>"]);
    check(&["nonsense"], at, 2, &["unrecognized subcommand"]);
    check(
        &["run", "--config", "none.toml"],
        at,
        78,
        &["can't read `none.toml`", "hint:"],
    );
    check(
        &["run", "--config", "typo.toml"],
        at,
        78,
        &[
            "`typo.toml`, line 2: there is no key `data_dri`",
            "hint: did you mean `data_dir`?",
        ],
    );
}

#[test]
fn what_is_wrong_around_it_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    std::fs::write(
        at.join("good.toml"),
        "tenant = \"acme\"\ndata_dir = \"data\"\n",
    )
    .unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    check(
        &["run", "--config", "good.toml", "--listen", &address],
        at,
        75,
        &["another program"],
    );
    let nobody = format!("mqtt://{address}");
    drop(taken);
    check(
        &["check", "--config", "good.toml", "--broker", &nobody],
        at,
        0,
        &["ok    database", "warn  broker: nothing answers"],
    );
    check(
        &["check", "--json", "--config", "good.toml"],
        at,
        0,
        &["\"findings\"", "\"verdict\""],
    );
    std::fs::write(at.join("data/ledger.db"), "this is no database").unwrap();
    check(
        &["check", "--config", "good.toml"],
        at,
        1,
        &["FAIL  database"],
    );
    check(
        &["run", "--config", "good.toml"],
        at,
        78,
        &["is no ledger", "hint:"],
    );
}
