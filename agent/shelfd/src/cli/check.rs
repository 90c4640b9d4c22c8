//! `shelfd check`: looks for what is wrong before somebody has to guess.
//!
//! Works with and without a running daemon. Each check has a verdict and, where it fails, what to
//! do. A daemon that holds the ledger is asked for what it knows instead of being disturbed.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use shelf_ledger::{Depth, Ledger, OpenError, OpenOptions, RunningCheck};

use super::ask::AskArguments;
use super::{Failure, compare, run};
use crate::config::Config;
use crate::daemon::status::CLOCK_FLOOR_MS;
use crate::platform::{self, MachineClock, MachineEntropy, MonoClock};

/// What `check` takes.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The configuration; absent: where `run` looks.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the ledger lies; overrides `data_dir`.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Fold every document again and compare all balances. Takes a while on a large ledger.
    #[arg(long)]
    deep: bool,
    /// Have the running daemon compare all balances with the hub's now, and say what differs.
    #[arg(long, conflicts_with = "deep")]
    compare: bool,
    /// With --compare: fold the running daemon's documents again first. Nothing is recorded
    /// meanwhile: not while customers wait.
    #[arg(long, requires = "compare")]
    repair: bool,
    /// With --compare: the daemon's address; absent: what the configuration says.
    #[arg(long, value_name = "ADDRESS", requires = "compare")]
    at: Option<std::net::SocketAddr>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    id: &'static str,
    title: &'static str,
    fine: bool,
    detail: String,
    hint: String,
}

impl Finding {
    fn fine(id: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            id,
            title,
            fine: true,
            detail: detail.into(),
            hint: String::new(),
        }
    }

    fn wrong(
        id: &'static str,
        title: &'static str,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            id,
            title,
            fine: false,
            detail: detail.into(),
            hint: hint.into(),
        }
    }
}

/// Runs every check; exit code 1 if one found something.
pub(crate) fn run(arguments: &CheckArguments, json: bool) -> Result<(), Failure> {
    if arguments.compare {
        let ask = AskArguments {
            at: arguments.at,
            config: arguments.config.clone(),
        };
        return compare::run(&ask, arguments.repair, json);
    }
    let findings = findings(arguments)?;
    tell(&findings, json)?;
    let wrong = findings.iter().filter(|it| !it.fine).count();
    if wrong > 0 {
        return Err(Failure::new(format!(
            "{wrong} of {} checks found something",
            findings.len()
        )));
    }
    Ok(())
}

/// Every check that is possible: without a configuration nobody knows where the ledger is.
fn findings(arguments: &CheckArguments) -> Result<Vec<Finding>, Failure> {
    let title = "the configuration can be read";
    let (path, config) = match run::configuration(arguments.config.as_deref(), false) {
        Ok(read) => read,
        Err(failure) => {
            let hint = "`shelfd config keys` lists every key";
            let wrong = Finding::wrong("config", title, failure.to_string(), hint);
            return Ok(vec![wrong]);
        }
    };
    let data = match &arguments.data {
        Some(data) => data.clone(),
        None => run::data_folder(&config, false)?,
    };
    let mut findings = vec![
        Finding::fine("config", title, path.display().to_string()),
        clock(),
        ledger(&config, &data, arguments.deep),
    ];
    findings.extend(drop_folders(&config));
    Ok(findings)
}

/// The folders into which other systems and handheld readers drop files, where there are any.
fn drop_folders(config: &Config) -> Vec<Finding> {
    let sales = config.till.iter().filter_map(|it| it.drop_dir.as_deref());
    let sales = sales.map(|it| ("drop", "sales can be dropped", it));
    let tags = config.rfid.drop_dir.as_deref();
    let tags = tags.map(|it| ("rfid_drop", "reads of handheld readers can be dropped", it));
    let look = |(id, title, folder): (&'static str, &'static str, &Path)| {
        let shown = folder.display().to_string();
        match platform::files::can_be_moved_in(folder) {
            Ok(()) => Finding::fine(id, title, shown),
            Err(error) => {
                let hint = "make the folder, and let shelfd's user read, write and rename in it";
                Finding::wrong(id, title, format!("{shown}: {error}"), hint)
            }
        }
    };
    sales.chain(tags).map(look).collect()
}

fn tell(findings: &[Finding], json: bool) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string_pretty(findings).map_err(Failure::new)?;
        println!("{text}");
        return Ok(());
    }
    for it in findings {
        let verdict = if it.fine { "fine " } else { "WRONG" };
        println!("{verdict} {}: {}", it.title, it.detail);
        if !it.hint.is_empty() {
            println!("      {}", it.hint);
        }
    }
    Ok(())
}

fn clock() -> Finding {
    let now = platform::wall_now();
    let title = "the clock can be right";
    if now.as_millis() < CLOCK_FLOOR_MS {
        let hint = "sales go on, but their times are wrong: set the clock of this PC";
        return Finding::wrong("clock", title, "it shows a time before 2024", hint);
    }
    Finding::fine("clock", title, "it shows a time after 2024")
}

fn ledger(config: &Config, data: &Path, deep: bool) -> Finding {
    let title = "the ledger is whole";
    let database = shelf_ledger::Paths::new(data).database();
    if !database.exists() {
        return Finding::fine("ledger", title, format!("none yet in {}", data.display()));
    }
    let Some(store) = config.store.clone().or_else(|| "this-store".parse().ok()) else {
        return Finding::wrong("ledger", title, "no store", "set `store`");
    };
    let clock = std::sync::Arc::new(MachineClock(MonoClock::start()));
    let mut options = OpenOptions::new(data, store, clock, std::sync::Arc::new(MachineEntropy));
    options.wal_bytes = 0;
    options.ballast_bytes = 0;
    let ledger = match Ledger::open(options) {
        Ok((ledger, _)) => ledger,
        Err(OpenError::Locked { .. }) => {
            let detail = "a running shelfd has it open and checks it itself: see `shelfd status`";
            return Finding::fine("ledger", title, detail);
        }
        Err(error) => return Finding::wrong("ledger", title, error.to_string(), ""),
    };
    let depth = if deep { Depth::Deep } else { Depth::Quick };
    let found = ledger.start_check(depth).map(RunningCheck::wait);
    match found {
        Ok(Some(Ok(report))) if report.is_sound() => {
            let detail = match depth {
                Depth::Deep => format!("{} documents and every balance", report.documents),
                Depth::Quick => "its structure; --deep looks at every document".to_owned(),
            };
            Finding::fine("ledger", title, detail)
        }
        Ok(Some(Ok(report))) => {
            let hint = "stop the daemon, keep a copy of the folder, then restore the newest backup";
            Finding::wrong("ledger", title, report.findings.join("; "), hint)
        }
        Ok(Some(Err(error))) => Finding::wrong("ledger", title, error.to_string(), ""),
        Ok(None) => Finding::wrong("ledger", title, "the check panicked", "report this"),
        Err(error) => Finding::wrong("ledger", title, error.to_string(), ""),
    }
}
