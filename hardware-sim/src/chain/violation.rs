//! A rule that did not hold, in words.

use std::fmt;

use serde::Serialize;

/// An invariant that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Violation {
    /// Which invariant, by its name in the design (`I5`), or a word for one of the simulator's own.
    pub invariant: String,
    /// What was seen.
    pub what: String,
    /// At which step; 0 until the run says it.
    pub step: u64,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (step {})", self.invariant, self.what, self.step)
    }
}

impl Violation {
    /// Of an invariant.
    pub fn of(invariant: &str, what: impl Into<String>) -> Self {
        Self {
            invariant: invariant.to_owned(),
            what: what.into(),
            step: 0,
        }
    }

    /// A storage refused what it must do.
    pub fn storage(error: impl std::error::Error) -> Self {
        Self::of("storage", error.to_string())
    }
}

/// Fails with the invariant's name unless the condition holds.
pub(super) fn hold(
    condition: bool,
    invariant: &str,
    what: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if condition {
        return Ok(());
    }
    Err(Violation::of(invariant, what()))
}
