//! How a command fails: a message, its causes, the next step, and an exit code with a meaning.

use std::error::Error;
use std::process::ExitCode;

/// `sysexits.h` EX_TEMPFAIL: try again later.
pub(crate) const TEMPORARY: u8 = 75;
/// `sysexits.h` EX_CONFIG: systemd must not restart us before somebody mends the configuration.
pub(crate) const CONFIGURATION: u8 = 78;

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    error: Box<dyn Error + Send + Sync>,
    hint: Option<String>,
}

impl Failure {
    /// An ordinary failure.
    pub(crate) fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            code: 1,
            error: error.into(),
            hint: None,
        }
    }

    /// The configuration can't be used.
    pub(crate) fn configuration(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            code: CONFIGURATION,
            error: error.into(),
            hint: None,
        }
    }

    /// It may work later.
    pub(crate) fn temporary(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            code: TEMPORARY,
            error: error.into(),
            hint: None,
        }
    }

    /// With what to do about it.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into()).filter(|it| !it.is_empty());
        self
    }

    /// Prints it and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("error: {}", self.error);
        let mut cause = self.error.source();
        while let Some(error) = cause {
            eprintln!("  because {error}");
            cause = error.source();
        }
        if let Some(hint) = &self.hint {
            eprintln!("\nhint: {hint}");
        }
        ExitCode::from(self.code)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}
