//! `shelfd devices list`

use shelf_devices::doctor::Picture;

use super::super::ask::{AskArguments, asked, print};
use super::super::{Failure, run};
use crate::config::devices::configured;
use crate::daemon::devices::{DeviceBoard, UnboundDevice, at_rest, unbound};
use crate::daemon::status::DeviceStatus;

pub(super) fn run(arguments: &AskArguments, json: bool) -> Result<(), Failure> {
    let Some(answer) = asked(arguments, "/api/v1/devices")? else {
        return without_daemon(arguments, json);
    };
    if json {
        return print(&answer);
    }
    let board: DeviceBoard = serde_json::from_value(answer).map_err(Failure::new)?;
    if board.devices.is_empty() {
        println!("no device is configured");
    }
    for it in &board.devices {
        println!("{}", line(it));
    }
    offer(&board.unbound);
    let wrong = board
        .findings
        .iter()
        .filter(|it| it.severity != "note")
        .count();
    if wrong > 0 {
        println!("\n{wrong} findings: `shelfd devices doctor`");
    }
    Ok(())
}

fn line(it: &DeviceStatus) -> String {
    let moved = if it.moved { " (moved)" } else { "" };
    let paused = if it.paused {
        " (does not scan now: nobody can take a scan)"
    } else {
        ""
    };
    format!(
        "{:<22} {:<16} {:<16} {:<24} {:>7} frames {:>4} faults  {}{moved}{paused}",
        it.name, it.kind, it.role, it.detail, it.counters.frames, it.counters.faults, it.place,
    )
}

/// What is plugged in without a role, with what to paste.
fn offer(unbound: &[UnboundDevice]) {
    for it in unbound {
        println!(
            "\n{} at {}\nto use it, paste and restart:\n",
            it.hint, it.node
        );
        for line in it.config.lines() {
            println!("    {line}");
        }
    }
}

/// What this PC has, seen without a daemon.
fn without_daemon(arguments: &AskArguments, json: bool) -> Result<(), Failure> {
    let (_, config) = run::configuration(arguments.config.as_deref(), false)?;
    let configs = configured(&config).map_err(Failure::configuration)?;
    let picture: Picture = at_rest(&configs);
    let mut tills = config.till.iter().filter_map(|it| it.name.as_ref());
    let found = unbound(
        &picture,
        tills.next().map(shelf_stock::name::TillId::as_str),
    );
    if json {
        return print(&serde_json::json!({ "daemon": false, "unbound": found }));
    }
    eprintln!("the daemon does not answer: this is what is plugged in");
    for (config, status) in &picture.devices {
        let place = status.node.as_deref().unwrap_or("not plugged in");
        println!(
            "{:<22} {:<16} {place}",
            config.name,
            config.role.to_string()
        );
    }
    offer(&found);
    Ok(())
}
