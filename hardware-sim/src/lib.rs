//! Every device of a shop as a simulator, and a shop to go with them.
//!
//! The simulators speak through what the kernel has for them (a pseudo-terminal, a TCP socket) and
//! share their byte tables with the codecs, so that the daemon runs unchanged in front of them.
//! Each can misbehave on demand, and each keeps its own record of what it showed or booked: tests
//! and the demo hold that record against the ledger. Nothing here is random by itself: seeds and
//! scripts come from outside.
//!
//! Rooms: [`scanner_pty`] (a line scanner), [`counter`] (scales and scanners of a counter that talk
//! back), [`uhid`] and [`usbip`] (devices that the kernel takes for real ones), [`wedge`] (keys as
//! reports), [`hid_reports`] (what HID POS scanners and keyboard wedges send, as streams), [`rfid`]
//! (fixed and serial readers with tags before them), [`zvt_terminal`] and [`ecr17_terminal`] (payment
//! terminals with their own books), [`line_server`] (what carries all of these on a port or a
//! pseudo-terminal), [`shop`] (items, stock and invoices to replay), [`chain`] (whole chains on virtual
//! time).

pub mod chain;
pub mod counter;
pub mod customer_display;
pub mod ecr17_terminal;
pub mod hid_reports;
pub mod line_server;
pub mod receipt_printer;
pub mod rfid;
pub mod scanner_pty;
pub mod shop;
pub mod terminal_cable;
pub mod uhid;
pub mod usbip;
pub mod wedge;
pub mod zvt_terminal;
