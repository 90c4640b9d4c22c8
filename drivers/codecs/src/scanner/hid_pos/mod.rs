//! USB HID POS scanners (usage page 0x8C): whole codes in reports, with their symbology.
//!
//! Where a code, its length and its symbology stand in a report differs per maker, so it is read
//! from the device's report descriptor ([`descriptor`]); makers whose descriptor says nothing are
//! known by vendor id ([`Layout::resolve`]). [`HidPosDecoder`] puts long codes together and keeps
//! the scanner's answers to commands apart from scans. It must never take a reply for a scan, nor
//! emit the first part of a code whose rest is missing.
//!
//! Source: USB-IF HID Point of Sale Usage Tables 1.02, and captures of several makers' devices.

mod decoder;
pub mod descriptor;
mod layout;

#[cfg(test)]
mod tests;

pub use decoder::{HidItem, HidPosDecoder, PART_GAP_MS_MAX, encode};
pub use layout::{Layout, SAMPLE_DESCRIPTOR, opening_feature_report};
