//! Bytes to meaning, for every device and barcode of a shop.
//!
//! This crate is pure: no clock, no randomness, no input or output, no `unsafe`. A decoder here is
//! given bytes as they come (in any pieces) and yields items and faults; it never fails, never
//! panics, holds a bounded amount, and finds its way back after rubbish. Each decoder has an
//! encoder twin beside it that shares its tables: the simulators speak what the drivers read.
//!
//! The rooms:
//! - [`barcode`]: what a scanned text *means*: article numbers, in-store labels, payment means to
//!   refuse. Start at [`barcode::interpret`].
//! - [`epc`]: what is written in RFID tags, and what it names.
//! - [`customer_display`]: the two lines that the customer reads.
//! - [`ecr17`]: frames of Italian payment terminals.
//! - [`epcis`]: what happened to EPCs, as events for trading partners.
//! - [`escpos`]: what a till prints, read beside its printer.
//! - [`gs1`]: element strings, the dictionary of application identifiers, Digital Links.
//! - [`llrp`]: messages and tag reports of fixed RFID readers.
//! - [`scale`]: weights at rest, or the words why there is none.
//! - [`scanner`]: how scanners deliver texts: serial lines, HID POS reports, keyboards.
//! - [`redact`]: masking of card numbers in text and in raw frames, for everyone who logs.
//! - [`uhf`]: frames of serial RFID readers, five families.
//! - [`zvt`]: frames of payment terminals.
#![forbid(unsafe_code)]

pub mod barcode;
pub mod customer_display;
pub mod ecr17;
pub mod epc;
pub mod epcis;
pub mod escpos;
pub mod gs1;
pub mod llrp;
pub mod redact;
pub mod scale;
pub mod scanner;
pub mod uhf;
pub mod zvt;
