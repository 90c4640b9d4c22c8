//! ECR17 ("Protocollo 17"), the protocol of Italian payment terminals, in both directions.
//!
//! Frames are `STX payload ETX LRC` with fixed-width ASCII fields; terminals differ in what the check byte
//! covers, so it is configuration ([`LrcMode`]) and a frame that fits another mode says so. Of the card only
//! the last four digits leave this module. There is deliberately no way to say a payment that isn't one:
//! health checks are [`Request::Status`].
//!
//! Source: the acquirer's public description as open implementations have it; no capture was at hand.

mod frame;
mod message;

#[cfg(test)]
mod tests;

pub use frame::{Decoder, FRAME_BYTES_MAX, Fault, FaultReason, Item, LrcMode, Payload};
pub use frame::{encode_ack, encode_nak, encode_progress};
pub use message::{
    Approval, CardKind, Closing, RegisterId, Request, Response, Stan, TerminalId, TerminalState,
};
