//! The one place where the daemon touches clock, entropy and files.
//!
//! Everything else gets them as arguments, which is what makes the rest testable. Lints forbid
//! these calls elsewhere; nothing here decides anything.

#![allow(clippy::disallowed_methods, reason = "this module is their one home")]

pub(crate) mod files;
mod places;
mod sources;
pub(crate) mod tls;

pub(crate) use places::places;
pub(crate) use sources::{MachineClock, MachineEntropy};

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use shelf_stock::time::Timestamp;

/// What the wall clock says now. A clock before 1970 gives a negative time, never a failure.
pub(crate) fn wall_now() -> Timestamp {
    let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    };
    Timestamp::from_millis(millis)
}

/// A clock that never steps, since the start of the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MonoClock {
    start: Instant,
}

impl MonoClock {
    /// Starts at zero.
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Milliseconds since the start.
    pub(crate) fn millis(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Microseconds since the start, for measurements.
    pub(crate) fn micros(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// The instant at which this clock shows some milliseconds, for timers.
    pub(crate) fn at_millis(&self, millis: u64) -> Instant {
        self.start + std::time::Duration::from_millis(millis)
    }
}

/// Random bytes from the operating system.
///
/// Failure means that the system has no entropy source at all: nothing may run then, least of
/// all something that draws identities.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], EntropyError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| EntropyError {
        reason: error.to_string(),
    })?;
    Ok(bytes)
}

/// The operating system gives no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes ({reason}): identities can't be drawn")]
pub(crate) struct EntropyError {
    reason: String,
}

/// An environment variable that the service manager sets.
pub(crate) fn environment(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|it| !it.is_empty())
}

/// How long one request to the hub or to the local daemon may take, in seconds.
const REQUEST_SECONDS_MAX: u64 = 60;

/// A client for a stream of the local API that goes on until somebody ends it.
pub(crate) fn live_client() -> Result<reqwest::Client, reqwest::Error> {
    tls::provider();
    let builder = reqwest::Client::builder().no_proxy();
    builder.tls_certs_only([]).build()
}

/// A client for an address: the local API, or the hub's downloads. Only `https` needs the system's
/// certificate authorities, which a small machine may not have.
pub(crate) fn http_client(url: &str) -> Result<reqwest::Client, reqwest::Error> {
    tls::provider();
    let builder = reqwest::Client::builder()
        .timeout(std::time::Duration::from_secs(REQUEST_SECONDS_MAX))
        .no_proxy();
    let secure = url.starts_with("https:");
    let builder = if secure {
        builder
    } else {
        builder.tls_certs_only([])
    };
    builder.build()
}
