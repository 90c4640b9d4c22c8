//! Resetting the USB unit behind a device that hangs, where that harms nobody else: a unit with a second
//! serial port, or with another device of ours that works, is never reset, because what hangs there is not
//! the unit, and because a payment may be under way on the other port. When is decided in [`crate::rescue`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::identity::NodeClass;
use crate::rescue::{RESETS_IN_A_ROW_MAX, Rescue};
use crate::shared::Shared;
use crate::status::DeviceState;
use crate::surroundings::Surroundings;
use crate::sysfs::Sysfs;
use crate::usb::{ResetError, bus_and_address};

/// One device's way to be reset.
pub(crate) struct Reviver {
    pub(crate) rescue: Rescue,
    /// All devices, this one included.
    pub(crate) others: Vec<Arc<Shared>>,
    sysfs: Sysfs,
    reset: fn(&Path) -> Result<(), ResetError>,
}

impl Reviver {
    pub(crate) fn new(surroundings: &Surroundings) -> Self {
        Self {
            rescue: Rescue::default(),
            others: Vec::new(),
            sysfs: surroundings.sysfs.clone(),
            reset: surroundings.reset_usb,
        }
    }

    /// Whether the device at this node would be reset now.
    pub(crate) fn can_reset(&self, node: &Path, now_us: u64) -> bool {
        self.rescue.is_due(now_us) && self.unit(node).is_some_and(|it| self.is_ours(&it, node))
    }

    /// Resets the unit behind the device at this node, if it is time and it may be; what became of it, in
    /// words.
    pub(crate) fn revive(&mut self, node: &Path, now_us: u64, shared: &Shared) -> Option<String> {
        let unit = self.unit(node)?;
        if self.rescue.has_given_up() {
            return Some(format!(
                "it was reset over USB {RESETS_IN_A_ROW_MAX} times in vain: plug it out and in, and if it comes \
                 back, change cable, hub or adapter"
            ));
        }
        if !self.rescue.is_due(now_us) {
            return None;
        }
        if !self.is_ours(&unit, node) {
            let why =
                "it is not reset over USB, because something else on the same unit may be at work";
            return Some(why.to_owned());
        }
        let number = self.rescue.reset(now_us);
        shared.live().counters.resets += 1;
        Some(match (self.reset)(&unit) {
            Ok(()) => {
                tracing::warn!(device = %shared.name, unit = %unit.display(), number, "reset over USB");
                format!(
                    "it was reset over USB ({number} of at most {RESETS_IN_A_ROW_MAX} in a row)"
                )
            }
            Err(error) => chain(&error),
        })
    }

    /// The node of the USB unit.
    fn unit(&self, node: &Path) -> Option<PathBuf> {
        let node = self.sysfs.resolved(node);
        match bus_and_address(&node) {
            Some(_) => Some(node),
            None => self.sysfs.usb_node(&node),
        }
    }

    /// Whether nothing else on the unit can be at work.
    fn is_ours(&self, unit: &Path, node: &Path) -> bool {
        let node = self.sysfs.resolved(node);
        let on_unit = |it: &Path| *it != node && self.unit(it).as_deref() == Some(unit);
        let at_work = |it: &Arc<Shared>| {
            let other = it.target().node;
            it.live().state == DeviceState::Ready && other.is_some_and(|it| on_unit(&it))
        };
        let ports = self.sysfs.scan().unwrap_or_default();
        let second_port = ports
            .iter()
            .any(|it| it.class == NodeClass::Serial && on_unit(&it.node));
        !second_port && !self.others.iter().any(at_work)
    }
}

fn chain(error: &ResetError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
