//! The command line: what it takes, what it prints, how it ends.
//!
//! Commands that ask a running daemon (`status`, `stock`, `devices`) call its local API, so that
//! they show exactly what the pages show. Data goes to standard output, everything else to
//! standard error.

mod ask;
mod badge;
mod check;
mod compare;
mod devices;
mod exit;
mod run;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

pub(crate) use exit::Failure;

/// Keeps a shop's stock right on every PC: scanners and tills in front, an offline-first ledger
/// behind, and a hub that learns of every movement as soon as there is a network.
#[derive(Debug, Parser)]
#[command(name = "shelfd", version, max_term_width = 100)]
#[command(after_help = "\
Start here:
  shelfd demo                 a whole store with simulated hardware on this machine
  shelfd config keys          every key of the configuration, with its default
  shelfd run --config FILE    this PC, for real

Exit codes: 0 done, 1 failed, 2 usage, 75 try again later, 78 configuration.")]
struct Arguments {
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run this PC's daemon until it is stopped.
    Run(run::RunArguments),
    /// Run a whole store with simulated scanners, terminal, broker and hub on this machine.
    #[cfg(feature = "demo")]
    Demo(crate::demo::DemoArguments),
    /// Ask the running daemon how things are.
    Status(ask::AskArguments),
    /// Ask the running daemon what is in stock.
    Stock(ask::StockArguments),
    /// The devices: which there are, what they say, what is wrong with them.
    Devices(devices::DevicesArguments),
    /// Staff badges: give one by showing it to a reader, list them, take them away.
    Badge {
        #[command(subcommand)]
        command: badge::BadgeCommand,
    },
    /// Give this PC new keys, after its disk was copied to another PC that runs too.
    NewIdentity(run::RunArguments),
    /// Look for what is wrong: configuration, ledger, disk, clock, port.
    Check(check::CheckArguments),
    /// Print what makes a shell complete this program's words: `shelfd completions bash`.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// The configuration: every key, or a check of a file.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Every key with its type, default, unit and meaning.
    Keys,
    /// Read a configuration and say what is wrong with it.
    Check {
        /// The file; absent: where `run` looks.
        file: Option<PathBuf>,
    },
}

/// Parses the arguments, runs the command and turns its outcome into an exit code.
pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let json = arguments.json;
    let outcome = match arguments.command {
        Command::Run(it) => run::run(it),
        #[cfg(feature = "demo")]
        Command::Demo(it) => crate::demo::run(it, json),
        Command::Status(it) => ask::status(&it, json),
        Command::Stock(it) => ask::stock(&it, json),
        Command::Devices(it) => devices::run(it, json),
        Command::Badge { command } => badge::run(&command, json),
        Command::NewIdentity(it) => run::new_identity(it),
        Command::Check(it) => check::run(&it, json),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "shelfd", &mut script);
            std::io::stdout().write_all(&script).map_err(Failure::new)
        }
        Command::Config {
            command: ConfigCommand::Keys,
        } => {
            print_keys(json);
            Ok(())
        }
        Command::Config {
            command: ConfigCommand::Check { file },
        } => run::configuration(file.as_deref(), false)
            .map(|(path, _)| println!("{}: fine", path.display())),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn print_keys(json: bool) {
    let keys: Vec<_> = crate::config::keys().collect();
    if json {
        println!(
            "{}",
            serde_json::to_string_pretty(&keys).unwrap_or_default()
        );
        return;
    }
    for key in keys {
        let table = if key.table.is_empty() {
            String::new()
        } else {
            format!("{}.", key.table)
        };
        let unit = if key.unit.is_empty() {
            String::new()
        } else {
            format!(" {}", key.unit)
        };
        println!(
            "{table}{} ({}; default {}{unit})\n   {}",
            key.name, key.kind, key.default, key.doc
        );
    }
}
