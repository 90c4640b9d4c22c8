//! Waiting for a condition with a deadline, never for a guessed time.
//!
//! The condition is looked at every few milliseconds, later more seldom; what it last said goes into the failure, so
//! that a timeout explains itself.

#![allow(
    clippy::disallowed_methods,
    reason = "looks at a condition of another process until a deadline"
)]

use std::fmt::Debug;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Between two looks at first, and at most: who waits long asks more seldom, so that a hundred
/// questions a second are not the load under test.
const LOOK_EVERY: Duration = Duration::from_millis(8);
const LOOK_EVERY_MAX: Duration = Duration::from_millis(80);
/// What a busy machine may need for anything that is not about time.
pub const USUAL: Duration = Duration::from_secs(30);

/// What a look found.
pub enum Look<T> {
    /// It is so.
    Done(T),
    /// Not yet, and what was seen instead.
    NotYet(String),
}

/// Looks until it is so. Errors of a look count as "not yet": the peer may be starting.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Look<T>>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    let mut pause = LOOK_EVERY;
    loop {
        let seen = match look() {
            Ok(Look::Done(done)) => return Ok(done),
            Ok(Look::NotYet(seen)) => seen,
            Err(error) => format!("{error:#}"),
        };
        if Instant::now() > deadline {
            bail!("{what}: not within {limit:?}; last seen: {seen}");
        }
        std::thread::sleep(pause);
        pause = (pause * 21 / 20).min(LOOK_EVERY_MAX);
    }
}

/// Looks until a value is the expected one.
pub fn until_eq<T: PartialEq + Debug>(
    what: &str,
    expected: &T,
    value: impl FnMut() -> Result<T>,
) -> Result<()> {
    within_eq(what, USUAL, expected, value)
}

/// The same, where the usual time isn't enough: somebody waits between two attempts.
pub fn within_eq<T: PartialEq + Debug>(
    what: &str,
    limit: Duration,
    expected: &T,
    mut value: impl FnMut() -> Result<T>,
) -> Result<()> {
    until(what, limit, || {
        let value = value()?;
        Ok(match value == *expected {
            true => Look::Done(()),
            false => Look::NotYet(format!("{value:?} instead of {expected:?}")),
        })
    })
}

/// How long something took, in milliseconds.
pub fn millis_of<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let start = Instant::now();
    let done = work();
    (
        done,
        u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
    )
}

/// Waits this long: only where the moment itself is what is tested, such as when to kill.
pub fn pass(time: Duration) {
    std::thread::sleep(time);
}

/// A clock for rates and budgets.
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}
