//! The till: baskets and payments of our own till page, and the sales that other systems report.
//!
//! Two ways of selling end in the same documents of `shelf-stock`. [`basket`] is the machine
//! behind the till page: event-sourced, so that a basket survives the death of the process line by
//! line. [`source`] turns what an existing POS says (an API call, a CSV or a POSLog file) into
//! drafts, or into faults for the inbox where it says something strange. [`evidence`] keeps the
//! rule that exactly one source per till moves stock.
//!
//! Nothing here reads a clock, draws a random number, opens a file or talks to a device: time and
//! fresh ids are arguments, codes arrive already resolved, and what must happen comes out as
//! ordered effects. The crate never decides about tax, change or receipts: it captures stock.

#![forbid(unsafe_code)]

pub mod basket;
pub mod evidence;
pub mod source;
