//! (being written)

pub mod scanner_pty;
pub mod shop;
pub mod zvt_terminal;
