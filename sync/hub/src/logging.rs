//! Log lines of the hub: to standard error, filtered by what `SHELF_HUB_LOG` says.
//!
//! Whoever runs the hub keeps its standard error (a journal, a container's log); the hub must never
//! write a log file of its own.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{ParseError, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

use crate::platform;

/// The variable that holds the filter: `info`, or targets with levels such as `shelf_hub=debug,info`.
const VARIABLE: &str = "SHELF_HUB_LOG";

/// The filter can't be understood.
#[derive(Debug, thiserror::Error)]
#[error("{VARIABLE} is `{filter}`, which is no filter")]
pub struct LoggingError {
    filter: String,
    #[source]
    source: ParseError,
}

/// Starts logging; a second start changes nothing.
pub fn start() -> Result<(), LoggingError> {
    let filter = match platform::environment(VARIABLE) {
        Some(filter) => {
            let parsed = filter.parse::<Targets>();
            parsed.map_err(|source| LoggingError { filter, source })?
        }
        None => Targets::new().with_default(LevelFilter::INFO),
    };
    let ansi = std::io::stderr().is_terminal();
    let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(ansi);
    if tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init()
        .is_err()
    {
        tracing::debug!("logging was started before");
    }
    Ok(())
}
