//! `shelfd run`: the daemon in the foreground, as systemd wants it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
use crate::config::{self, Config};
use crate::daemon;
use crate::platform::places;

/// What `run` takes.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// The configuration; absent: /etc/shelfd/shelfd.toml as a service or as root, else the
    /// user's own.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the ledger lies; overrides `data_dir`.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Use the system's folders although this is not root.
    #[arg(long)]
    system: bool,
}

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(arguments: RunArguments) -> Result<(), Failure> {
    let (_, mut config) = configuration(arguments.config.as_deref(), arguments.system)?;
    if let Some(data) = arguments.data {
        config.data_dir = Some(data);
    }
    let data = data_folder(&config, arguments.system)?;
    daemon::logging::start(&config.log).map_err(Failure::configuration)?;
    daemon::run_until_stopped(config, data)
}

/// `shelfd new-identity`: the next start makes new keys; what was written stays as another PC's.
pub(crate) fn new_identity(arguments: RunArguments) -> Result<(), Failure> {
    let (_, mut config) = configuration(arguments.config.as_deref(), arguments.system)?;
    if let Some(data) = arguments.data {
        config.data_dir = Some(data);
    }
    let data = data_folder(&config, arguments.system)?;
    shelf_ledger::forget_identity(&data)
        .map_err(|error| Failure::new(error).hint("stop shelfd on this PC first"))?;
    println!(
        "{}: the next start makes new keys. Have them enrolled, and tell the hub's operator which \
         PC was the clone.",
        data.display()
    );
    Ok(())
}

/// Reads the configuration that `run` would read. A user without any gets the defaults: one PC
/// that works alone.
pub(crate) fn configuration(
    file: Option<&Path>,
    system: bool,
) -> Result<(PathBuf, Config), Failure> {
    let usual = places(system).map(|it| it.config.join("shelfd.toml"));
    let Some(path) = file.map(Path::to_owned).or(usual) else {
        return Err(Failure::configuration("this user has no home folder")
            .hint("name the configuration with --config FILE"));
    };
    if file.is_none() && !path.exists() && !system {
        return Ok((path, Config::default()));
    }
    let config = config::load(&path).map_err(|error| {
        Failure::configuration(error).hint("`shelfd config keys` lists every key")
    })?;
    Ok((path, config))
}

/// Where this PC's data lies.
pub(crate) fn data_folder(config: &Config, system: bool) -> Result<PathBuf, Failure> {
    let usual = || places(system).map(|it| it.data);
    config.data_dir.clone().or_else(usual).ok_or_else(|| {
        Failure::configuration("this user has no home folder").hint("set `data_dir`")
    })
}
