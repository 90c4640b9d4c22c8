//! (being written)

pub mod scanner_pty;
