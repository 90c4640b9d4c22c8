//! ZVT, the protocol of card terminals in German-speaking countries (specification PA00P015 13.08 and
//! PA00P016), between bytes and typed packets, in both directions.
//!
//! One table serves the cash register (ECR) and the terminal simulator, so neither can drift. What a
//! terminal may send of a cardholder is reduced *here*, before any other code sees it: the last four
//! digits of the card number remain, tracks, expiry, chip and wallet data are skipped by length, text
//! is masked. This module must never keep more than that, never offer a way to send a card number or a
//! track, never panic on any input and never hold more than [`BUFFER_BYTES_MAX`].

mod apdu;
mod bcd;
mod bmp;
mod mask;
mod packet;
mod parse;
mod serial;
mod status;
mod tcp;
mod text;
mod tlv;
mod totals;

pub use apdu::{APDU_DATA_BYTES_MAX, Apdu, Fault};
pub use bcd::Amount;
pub use mask::{MASKED_BYTES_MAX, MaskedBytes, MaskedFrame, mask_digit_runs};
pub use packet::{
    Completion, IntermediateStatus, Packet, Password, Registration, TextBlock, config_byte, result,
};
pub use serial::{Acknowledgement, SerialDecoder, SerialItem, encode_serial};
pub use status::{CardTail, StatusInformation, TerminalDate, TerminalTime};
pub use tcp::{BUFFER_BYTES_MAX, Item, TcpDecoder};
pub use totals::{DayTotals, Scheme, SchemeTotal};

#[cfg(test)]
mod tests;
