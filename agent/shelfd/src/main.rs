//! `shelfd`: the daemon of a shop's PC and its command line.
//!
//! This crate only composes: it reads the configuration, opens the ledger, starts the devices,
//! the tills, the replication and the pages, and stops them in the right order. What a sale is,
//! what the wire carries and how a terminal is spoken to live in crates of their own, which know
//! neither clock nor file. The exit codes are 0 (done), 1 (failed), 2 (usage), 75 (try again
//! later) and 78 (configuration).

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks"
)]

mod api;
mod cli;
mod config;
mod daemon;
#[cfg(feature = "demo")]
mod demo;
mod pages;
mod platform;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
