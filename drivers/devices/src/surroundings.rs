//! What the device layer is given from outside: time, randomness, where to look, and the sizes of its
//! buffers. Everything a test wants to be different is here.

use std::path::Path;
use std::sync::Arc;

use crate::clock::Clock;
use crate::delivery::{QUEUE_EVENTS_MAX, SPILL_BYTES_MAX};
use crate::netlink::Group;
use crate::sysfs::Sysfs;
use crate::usb::{self, ResetError};

/// What the device layer needs from its surroundings.
#[derive(Clone)]
pub struct Surroundings {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Drawn anew at every start; part of every event's identity.
    pub incarnation: u64,
    /// Decides the jitter of waiting times.
    pub seed: u64,
    /// Where sysfs and the nodes are.
    pub sysfs: Sysfs,
    /// Whose announcements of plugging to listen to; `None` looks every few seconds instead.
    pub listen_to: Option<Group>,
    /// Length of the queue to the daemon, in events.
    pub queue_events_max: usize,
    /// Buffer of each device in front of that queue, in bytes.
    pub spill_bytes_max: usize,
    /// Resets the USB unit at this node, when a device hangs.
    pub reset_usb: fn(&Path) -> Result<(), ResetError>,
}

impl Surroundings {
    /// This machine, with the default limits.
    #[must_use]
    pub fn of_this_machine(clock: Arc<dyn Clock>, incarnation: u64, seed: u64) -> Self {
        Self {
            clock,
            incarnation,
            seed,
            sysfs: Sysfs::default(),
            listen_to: Some(Group::detect(Path::new("/run/udev/control"))),
            queue_events_max: QUEUE_EVENTS_MAX,
            spill_bytes_max: SPILL_BYTES_MAX,
            reset_usb: usb::reset,
        }
    }
}
