//! What the end-to-end tests share: programs to be killed, disks to be cut off, judges.
//!
//! Nothing here is part of the product. Tests live in `tests/`, one file per kind of violence.

pub mod browser;
pub mod card;
pub mod daemon;
pub mod dissector;
pub mod http;
pub mod hub;
pub mod ledger_lab;
pub mod listener;
pub mod mosquitto;
pub mod null_modem;
pub mod patience;
pub mod paying;
pub mod pos;
pub mod postgres;
pub mod printing_pos;
pub mod process;
pub mod programs;
pub mod simulated;
pub mod wares;
pub mod webdriver;
pub mod wire;
