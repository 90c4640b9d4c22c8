//! ESC/POS, the language of receipt printers: what a till prints, read beside the printer.
//!
//! A tee forwards every byte untouched and gives us a copy. From it come text lines, codes, cuts and drawer
//! kicks: evidence for reconciliation, never a movement of stock, because many receipts carry no code or
//! quantity and some are one big image ([`ReceiptKind::ImageOnly`]). Long data (images, fonts) is skipped by
//! its stated length and never held. Card numbers are masked before a line leaves this module.
//!
//! Source: Epson's public ESC/POS reference; lengths of rarely used commands are from the same tables as
//! published by others, and an unknown command is skipped as its two bytes.

mod code_page;
mod commands;
mod lengths;
mod mask;
mod receipt;
mod status;
mod tee;

#[cfg(test)]
mod tests;

pub use code_page::{CodePage, REPLACEMENT};
pub use commands::{PrintJob, kick, request_status, set_status_back, test_print};
pub use mask::mask_line;
pub use receipt::{RECEIPT_IDLE_MS, RECEIPT_LINES_MAX, Receipt, ReceiptCollector, ReceiptKind};
pub use status::{PrinterStatus, StatusDecoder, StatusItem, StatusPart, encode_reply};
pub use tee::{Dialect, LINE_CHARACTERS_MAX, TeeDecoder, TeeItem};
