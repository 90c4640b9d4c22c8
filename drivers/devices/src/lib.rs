//! The device layer: everything between a cable and a decoded scan. It finds devices in sysfs,
//! recognises them again after a re-plug ([`identity`]), binds them to roles ([`binding`]), runs one
//! supervised OS thread for each ([`supervisor`]) and delivers scans, faults and states through one
//! bounded queue that pushes back and never drops ([`delivery`]). No async runtime: the daemon
//! bridges the queue. It must never interpret what a code means, and never take the daemon down.
//!
//! # The way of a scan
//! kernel → [`transport::Transport::read`] → [`dialogue::Dialogue`] (pure: a
//! [`decoder::Decoder`] of `shelf-codecs`, or a session of `shelf-sessions`) →
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
//! # Kinds of devices
//! A kind of device is a [`driver::Driver`]: it opens a [`transport::Transport`] and makes a
//! [`dialogue::Dialogue`]; what only talks is a [`decoder::Decoder`] in [`dialogue::Passive`].
//! A session of `shelf-sessions` has its own ([`scale`], [`ssi_scanner`], [`counter_scanner`]).
//! Lines come over [`serial`] ports and [`tcp`] ([`line_opener`]); whole reports over
//! hidapi ([`hid`], [`hid_scanner`]); keys over evdev ([`keyboard`], [`keyboard_scanner`]); cards over libusb
//! ([`ccid`], [`usb`]). Serial ports, sockets and keyboards wait in `poll` and cost nothing while idle;
//! hidapi and libusb lend no descriptor and cost one wake-up per second. A device that a POS reads too
//! is shared or relayed ([`relay`]). What is wrong with the whole is said in words by [`doctor`].

pub mod backoff;
pub mod binding;
pub mod ccid;
pub mod clock;
pub mod config;
pub mod counter_scanner;
pub mod decoder;
pub mod delivery;
mod device;
pub mod dialogue;
pub mod doctor;
pub mod driver;
pub mod event;
mod habit;
pub mod hid;
pub mod hid_scanner;
pub mod hotplug;
pub mod identity;
pub mod journal;
pub mod keyboard;
pub mod keyboard_scanner;
pub mod line_opener;
pub mod line_scanner;
pub mod llrp_reader;
pub mod netlink;
mod oem_scanner;
mod opening;
pub mod port;
pub mod raw;
pub mod relay;
pub mod replay;
mod reporter;
pub mod rescue;
mod reviver;
pub mod scale;
pub mod selector;
pub mod serial;
mod shared;
pub mod ssi_scanner;
pub mod status;
mod steps;
pub mod supervisor;
pub mod surroundings;
pub mod sysfs;
pub mod tag_read;
pub mod tcp;
pub mod transport;
pub mod uevent;
pub mod uhf_reader;
pub mod usb;
pub mod wake;
pub mod weighing;
