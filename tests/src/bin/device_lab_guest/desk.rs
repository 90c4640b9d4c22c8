//! The device layer as a daemon starts it, with what the scenarios ask of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use shelf_devices::clock::{Clock, Stamp};
use shelf_devices::config::{DeviceConfig, DeviceKind, Role, Share};
use shelf_devices::decoder::Fault;
use shelf_devices::delivery::EventReceiver;
use shelf_devices::event::{DeviceEvent, Payload};
use shelf_devices::status::{DeviceState, DeviceStatus};
use shelf_devices::supervisor::Supervisor;
use shelf_devices::surroundings::Surroundings;
use shelf_devices::weighing::Weighing;
use shelf_tests::patience::Look;

/// Longest wait for anything that must happen; emulated, everything is slow.
const PATIENCE: Duration = Duration::from_secs(25);

struct MachineClock(Instant);

impl Clock for MachineClock {
    fn now(&self) -> Stamp {
        Stamp {
            mono_us: u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX),
            wall_ms: 1_700_000_000_000,
        }
    }
}

/// A configured device.
pub(crate) fn device(
    name: &str,
    selector: &str,
    kind: DeviceKind,
    share: Share,
) -> Result<DeviceConfig> {
    Ok(DeviceConfig {
        name: name.to_owned(),
        selector: selector.parse()?,
        kind,
        role: Role::Till("1".to_owned()),
        share,
    })
}

/// The running device layer.
pub(crate) struct Desk {
    pub(crate) supervisor: Supervisor,
    events: EventReceiver,
}

impl Desk {
    pub(crate) fn open(configs: Vec<DeviceConfig>) -> Result<Self> {
        let clock = Arc::new(MachineClock(Instant::now()));
        let here = Surroundings::of_this_machine(clock, 7, 1);
        let (supervisor, events) = Supervisor::start(&here, configs)?;
        Ok(Self { supervisor, events })
    }

    pub(crate) fn next(&self) -> Result<DeviceEvent> {
        let status = || self.supervisor.status();
        self.events
            .recv_timeout(PATIENCE)
            .with_context(|| format!("no event in time; {:?}", status()))
    }

    /// The next event, if one comes in time.
    pub(crate) fn within(&self, limit: Duration) -> Option<DeviceEvent> {
        self.events.recv_timeout(limit).ok()
    }

    /// Takes events until a state comes; what else came must be nothing.
    fn until_state(&self, wanted: impl Fn(&DeviceState) -> bool) -> Result<()> {
        loop {
            match self.next()?.payload {
                Payload::State(state) if wanted(&state) => return Ok(()),
                Payload::State(_) => {}
                other => bail!("{other:?} while waiting for a state"),
            }
        }
    }

    pub(crate) fn until_ready(&self) -> Result<()> {
        self.until_state(|it| *it == DeviceState::Ready)
    }

    pub(crate) fn until_busy(&self) -> Result<()> {
        self.until_state(|it| *it == DeviceState::Busy)
    }

    /// Waits until the device is noticed to be gone.
    pub(crate) fn until_gone(&self) -> Result<()> {
        self.until_state(|it| matches!(it, DeviceState::Lost(_) | DeviceState::Absent(_)))
    }

    /// The text of the next scan; a fault fails.
    pub(crate) fn scan(&self) -> Result<String> {
        loop {
            match self.next()?.payload {
                Payload::Scan(scan) => return Ok(String::from_utf8_lossy(&scan.bytes).into_owned()),
                Payload::State(_) => {}
                other => bail!("{other:?} instead of a scan"),
            }
        }
    }

    /// The next scan must be this one.
    pub(crate) fn must_scan(&self, code: &str) -> Result<()> {
        let scanned = self.scan()?;
        if scanned != code {
            bail!("scanned {scanned:?} instead of {code:?}");
        }
        Ok(())
    }

    /// How the next weighing ended.
    pub(crate) fn weighed(&self) -> Result<Weighing> {
        loop {
            match self.next()?.payload {
                Payload::Weight(weighing) => return Ok(weighing),
                Payload::State(_) => {}
                other => bail!("{other:?} instead of a weighing"),
            }
        }
    }

    /// The number of the next badge.
    pub(crate) fn badge(&self) -> Result<Vec<u8>> {
        loop {
            match self.next()?.payload {
                Payload::Badge(uid) => return Ok(uid),
                Payload::State(_) => {}
                other => bail!("{other:?} instead of a badge"),
            }
        }
    }

    pub(crate) fn status(&self) -> Result<DeviceStatus> {
        self.supervisor
            .status()
            .into_iter()
            .next()
            .context("a device")
    }

    /// Stops everything; what is left undelivered is returned.
    pub(crate) fn close(self) -> Vec<DeviceEvent> {
        self.supervisor.stop();
        let mut rest = Vec::new();
        while let Some(event) = self.events.recv() {
            rest.push(event);
        }
        self.supervisor.join();
        rest
    }
}

impl Desk {
    /// The fault that an unplugged device leaves, or `None` if it is gone without one.
    pub(crate) fn fault_or_gone(&self) -> Result<Option<Fault>> {
        loop {
            match self.next()?.payload {
                Payload::Fault(fault) => return Ok(Some(fault)),
                Payload::State(DeviceState::Absent(_)) => return Ok(None),
                Payload::State(_) => {}
                other => bail!("{other:?} of a device that was unplugged"),
            }
        }
    }
}

/// Looks until it is so.
pub(crate) fn until(mut so: impl FnMut() -> Result<bool>) -> Result<()> {
    shelf_tests::patience::until("a condition", PATIENCE, || {
        Ok(match so()? {
            true => Look::Done(()),
            false => Look::NotYet("not so".to_owned()),
        })
    })
}

/// Lets what is on its way arrive, where nothing tells that it has.
pub(crate) fn settle() {
    shelf_tests::patience::pass(Duration::from_millis(500));
}
