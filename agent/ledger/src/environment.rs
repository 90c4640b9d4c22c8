//! What the ledger needs from outside and never takes by itself: time and randomness.
//!
//! The daemon's platform module implements these over the kernel; tests and the simulator over a
//! seed. The ledger itself must never read a clock or draw a random number in any other way.

use std::io;

use shelf_stock::time::Timestamp;

/// A clock. Must be cheap: it is read several times for each commit.
pub trait Clock: Send + Sync {
    /// What the wall clock says; may be wrong, may jump.
    fn wall(&self) -> Timestamp;
    /// Microseconds since some fixed moment; never goes back.
    fn mono_us(&self) -> u64;
}

/// A source of randomness fit for keys.
pub trait Entropy: Send + Sync {
    /// Fills the bytes, or says why the kernel didn't.
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()>;
}
