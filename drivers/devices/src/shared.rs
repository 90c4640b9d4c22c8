//! What a device's thread and the rest of the process share: where the device is now, whether to
//! stop, and its live status. Locks are held for copies only and survive a panicking driver.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::status::{DeviceState, DeviceStatus, Live};
use crate::wake::WakeFd;

/// Where a device is now, as the last look at sysfs told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Target {
    /// The node to open, or `None`.
    pub(crate) node: Option<PathBuf>,
    /// Why there is none, in words.
    pub(crate) missing: String,
    /// In another port than configured.
    pub(crate) moved: bool,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) name: Arc<str>,
    pub(crate) wake: Arc<WakeFd>,
    stop: AtomicBool,
    /// Nobody can take a scan now.
    disabled: AtomicBool,
    /// Rises when the target changed or trying again is worth it at once.
    generation: AtomicU64,
    target: Mutex<Target>,
    live: Mutex<Live>,
}

impl Shared {
    pub(crate) fn new(name: &str, wake: WakeFd) -> Self {
        Self {
            name: Arc::from(name),
            wake: Arc::new(wake),
            stop: AtomicBool::new(false),
            disabled: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            target: Mutex::default(),
            live: Mutex::default(),
        }
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.wake.wake();
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Whether it is to scan; kept over every reopening.
    pub(crate) fn enable(&self, wanted: bool) {
        if self.disabled.swap(!wanted, Ordering::SeqCst) == wanted {
            self.wake.wake();
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        !self.disabled.load(Ordering::SeqCst)
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    pub(crate) fn target(&self) -> Target {
        self.target
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Sets the target; `retry` makes a thread that is down try again at once even if nothing
    /// changed. A device that works is left in peace.
    pub(crate) fn aim(&self, target: Target, retry: bool) {
        let mut current = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        let retry = retry && self.live().state != DeviceState::Ready;
        if *current == target && !retry {
            return;
        }
        *current = target;
        self.generation.fetch_add(1, Ordering::SeqCst);
        drop(current);
        self.wake.wake();
    }

    pub(crate) fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> DeviceStatus {
        let target = self.target();
        let live = self.live();
        DeviceStatus {
            name: self.name.to_string(),
            node: target.node.map(|n| n.display().to_string()),
            moved: target.moved,
            state: live.state.clone(),
            last_data: live.last_data,
            notice: live.notice.clone(),
            is_disabled: live.is_disabled,
            counters: live.counters,
            journal: live.journal.entries().cloned().collect(),
        }
    }
}
