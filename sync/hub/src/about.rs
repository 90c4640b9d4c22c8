//! What the program says about itself: the keys of its configuration, and its words for shells.

use std::io::Write as _;
use std::process::ExitCode;

use shelf_hub::config::keys;

/// Lists every key of the configuration.
pub(crate) fn listed(json: bool) -> ExitCode {
    if json {
        let rows: Vec<_> = keys::KEYS
            .iter()
            .map(|it| {
                serde_json::json!({ "key": it.path, "type": it.kind.in_words(),
                    "default": it.default, "doc": it.doc })
            })
            .collect();
        println!("{}", serde_json::Value::from(rows));
    } else {
        for key in keys::KEYS {
            println!("{} ({})", key.path, key.kind.in_words());
            println!("    {}\n    default: {}", key.doc, key.default);
        }
    }
    ExitCode::SUCCESS
}

/// Prints what makes a shell complete the program's words.
pub(crate) fn completions(shell: clap_complete::Shell, command: &mut clap::Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, command, "shelf-hub", &mut script);
    match std::io::stdout().write_all(&script) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
