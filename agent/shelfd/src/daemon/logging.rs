//! Log lines: to the console or to the journal, with the same fields.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

use crate::config::{LogSettings, LogTarget};
use crate::platform;

/// The filter can't be understood, or logging was started already.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoggingError {
    /// The filter.
    #[error("`log.filter` is `{filter}`, which is no filter: try `info` or `shelfd=debug`")]
    Filter {
        /// What it says.
        filter: String,
        /// Why not.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// The journal.
    #[error("the journal can't be reached: set `log.target = \"console\"`")]
    Journal(#[source] std::io::Error),
}

/// Starts logging. Under systemd the journal gets structured fields; a console gets text without
/// colours unless a person looks at it.
pub(crate) fn start(settings: &LogSettings) -> Result<(), LoggingError> {
    let filter: Targets = settings
        .filter
        .parse()
        .map_err(|source| LoggingError::Filter {
            filter: settings.filter.clone(),
            source,
        })?;
    let under_systemd = platform::environment("JOURNAL_STREAM").is_some();
    let journal = match settings.target {
        LogTarget::Journald => true,
        LogTarget::Console => false,
        LogTarget::Auto => under_systemd,
    };
    let registry = tracing_subscriber::registry().with(filter);
    let started = if journal {
        let layer = tracing_journald::layer().map_err(LoggingError::Journal)?;
        registry.with(layer).try_init()
    } else {
        let ansi = std::io::stderr().is_terminal();
        let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(ansi);
        registry.with(layer).try_init()
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
    Ok(())
}
