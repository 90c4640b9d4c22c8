//! (being written)

pub mod scanner_pty;
pub mod zvt_terminal;
