//! What travels: the exact bytes of documents, the messages around them, and how a payload is
//! packed.
//!
//! Both ends of the wire and the ledger share this crate, so that there is one meaning of "the
//! author's bytes": a document is encoded once by its author, and those bytes are what is stored,
//! hashed, signed for, relayed and read again, by programs older and newer than the one that
//! wrote them. Nothing here reads a clock, draws a random number or touches the outside; decoding
//! never panics and never grows beyond the named limits. The normative text is docs/protocol.md;
//! the schema is `proto/shelf.proto`.
//!
//! Rooms: [`document`] (a document's bytes), [`sealed`] (bytes with place and digest), [`key`]
//! (signed heads), [`message`] (what is said), [`frame`] (how a payload is packed), [`columnar`]
//! (how many documents are), [`topic`] (where it is said).

#![forbid(unsafe_code)]

#[cfg(any(test, feature = "arbitrary"))]
pub mod arbitrary;
pub mod columnar;
pub mod document;
pub mod frame;
#[expect(
    unreachable_pub,
    clippy::doc_markdown,
    reason = "generated from proto/shelf.proto, where the comments are"
)]
#[path = "generated.rs"]
mod generated;
pub mod key;
pub mod message;
pub mod sealed;
pub mod topic;
