//! The clock and the entropy of this machine, as the ledger and the device layer want them.

use std::io;

use shelf_devices::clock::Stamp;
use shelf_stock::time::Timestamp;

use super::{MonoClock, wall_now};

/// This machine's clock. All copies share one start, so that their monotonic times compare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MachineClock(pub(crate) MonoClock);

impl shelf_ledger::environment::Clock for MachineClock {
    fn wall(&self) -> Timestamp {
        wall_now()
    }

    fn mono_us(&self) -> u64 {
        self.0.micros()
    }
}

impl shelf_devices::clock::Clock for MachineClock {
    fn now(&self) -> Stamp {
        Stamp {
            mono_us: self.0.micros(),
            wall_ms: wall_now().as_millis(),
        }
    }
}

/// This machine's entropy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MachineEntropy;

impl shelf_ledger::environment::Entropy for MachineEntropy {
    #[allow(clippy::disallowed_methods, reason = "the platform module is its home")]
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(|error| io::Error::other(error.to_string()))
    }
}
