//! The device layer: everything between a cable and a decoded scan. It finds devices in sysfs,
//! recognises them again after a re-plug ([`identity`]), binds them to roles ([`binding`]), runs one
//! supervised OS thread for each ([`supervisor`]) and delivers scans, faults and states through one
//! bounded queue that pushes back and never drops ([`delivery`]). No async runtime: the daemon
//! bridges the queue. It must never interpret what a code means, and never take the daemon down.
//!
//! # The way of a scan
//! kernel → [`transport::Transport::read`] → [`decoder::Decoder`] (pure, from `shelf-codecs`) →
//! [`event::DeviceEvent`] with an exactly-once [`event::EventSeq`] → the device's buffer → the queue
//! → [`delivery::EventReceiver`]. An answer (a beep after the commit) goes back through
//! [`supervisor::Supervisor::command`].
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use shelf_devices::{clock::Clock, config::DeviceConfig, driver::Command, event::Payload};
//! # use shelf_devices::{supervisor::Supervisor, surroundings::Surroundings};
//! # fn wire(clock: Arc<dyn Clock>, incarnation: u64, seed: u64, configs: Vec<DeviceConfig>)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! let here = Surroundings::of_this_machine(clock, incarnation, seed);
//! let (supervisor, events) = Supervisor::start(&here, configs)?;
//! // On a thread of its own; elsewhere `supervisor.stop()` ends the loop after the last event.
//! while let Some(event) = events.recv() {
//!     if let Payload::Scan(_) = event.payload {
//!         // Commit it under (event.device, event.seq), show it, and only then:
//!         let _beep_missed = supervisor.command(&event.device, Command::Accepted);
//!     }
//! }
//! supervisor.join();
//! # Ok(())
//! # }
//! ```
//!
//! # How other kinds of devices slot in
//! A kind of device is a [`driver::Driver`]: it opens a [`transport::Transport`] and makes a
//! [`decoder::Decoder`]. *hidapi* (HID POS, scales): a transport whose `read` returns one report at a
//! time, waiting at most 1 s per call and looking at the wake handle between calls, because hidraw
//! through hidapi lends no descriptor to poll; that is the one idle wake-up per second that a HID
//! device may cost. *evdev* (keyboard wedge): `open` grabs every event node of the unit (EBUSY is
//! [`transport::OpenError::Busy`]) after waiting until no key is down; `read` polls the nodes with
//! the wake handle and hands out the raw `input_event` records. *rusb* (IBM OEM): like hidapi, with
//! interrupt transfers of bounded length. *TCP* (payment terminals, LLRP readers): a socket polled
//! like a serial port. Discovery gains one more `class/…` walk in [`sysfs`] for `hidraw` and `input`;
//! identity, binding, back-off, delivery and supervision stay as they are.

pub mod backoff;
pub mod binding;
pub mod clock;
pub mod config;
pub mod decoder;
pub mod delivery;
mod device;
pub mod driver;
pub mod event;
pub mod hotplug;
pub mod identity;
pub mod journal;
pub mod line_scanner;
pub mod netlink;
mod reporter;
pub mod selector;
pub mod serial;
mod shared;
pub mod status;
pub mod supervisor;
pub mod surroundings;
pub mod sysfs;
pub mod transport;
pub mod uevent;
pub mod wake;
