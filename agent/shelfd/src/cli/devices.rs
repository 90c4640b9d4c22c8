//! `shelfd devices`: what is there, what it says, what is wrong with it.
//!
//! A running daemon is asked over its API, so that these commands say what the page says. Without one,
//! what is plugged in is read from sysfs; no device is ever opened here, because opening would take it
//! away from the daemon or the POS that reads it.

mod doctor;
mod journal;
mod list;
mod replay;
mod tried;
mod watch;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Failure;
use super::ask::AskArguments;

/// What `devices` takes.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DevicesArguments {
    #[command(flatten)]
    ask: AskArguments,
    #[command(subcommand)]
    command: Option<DevicesCommand>,
}

#[derive(Debug, Subcommand)]
enum DevicesCommand {
    /// The configured devices, and what is plugged in without a role with the lines to paste.
    List(AskArguments),
    /// What devices say, as they say it: scans, faults, states. Card numbers are masked.
    Watch(WatchArguments),
    /// What is wrong, in words, and what to do. Works without a daemon too. Exit code 1: something is.
    Doctor(AskArguments),
    /// The last frames of one device, masked; with --json as a file for `replay`.
    Journal(JournalArguments),
    /// Try something that a person hears or sees: a beep, a weight, a printed line. Never a payment.
    Test(TestArguments),
    /// Read a journal that was saved with `journal --json`, and say what each frame means.
    Replay {
        /// The file; `-`: standard input.
        file: PathBuf,
    },
}

/// What `devices watch` takes.
#[derive(Debug, Args)]
pub(super) struct WatchArguments {
    /// Only this device; absent: all.
    device: Option<String>,
    #[command(flatten)]
    ask: AskArguments,
}

/// What `devices test` takes.
#[derive(Debug, Args)]
pub(super) struct TestArguments {
    /// The device's name; for `print`, `show` and `open-drawer` the till's.
    name: String,
    /// What to try: beep_good, beep_bad, weigh or read at a device; print, show or open-drawer at
    /// a till's printer and customer display.
    what: String,
    /// Open the drawer without a sale; that is recorded.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    ask: AskArguments,
}

/// What `devices journal` takes.
#[derive(Debug, Args)]
pub(super) struct JournalArguments {
    /// The device's name.
    device: String,
    #[command(flatten)]
    ask: AskArguments,
}

/// `shelfd devices …`
pub(crate) fn run(arguments: DevicesArguments, json: bool) -> Result<(), Failure> {
    match arguments.command {
        None => list::run(&arguments.ask, json),
        Some(DevicesCommand::List(it)) => list::run(&it, json),
        Some(DevicesCommand::Watch(it)) => watch::run(&it, json),
        Some(DevicesCommand::Doctor(it)) => doctor::run(&it, json),
        Some(DevicesCommand::Journal(it)) => journal::run(&it, json),
        Some(DevicesCommand::Test(it)) => tried::run(&it, json),
        Some(DevicesCommand::Replay { file }) => replay::run(&file, json),
    }
}
