//! A store's documents as files that a new PC downloads at once.
//!
//! A [part](part) is a stretch of one log: frames with their length before them, each exactly the
//! payload (`LogBatch`) that the hub would relay, with its author's signature. A part never changes
//! and its number is never given again: when a log has grown, its last part gets a successor. The
//! [list](list) of a store names its parts with their hashes. [`maker`] makes both through the
//! readers, off the writer's thread, one part at one moment of the database. Files are a copy: they
//! may be deleted at any time and are made again. Nothing here decides what is true; a PC checks the
//! hash of a part and each signature in it, and what files lack the exchange brings.

pub mod list;
pub mod maker;
pub mod part;

/// Documents that a part has at most; all but the last part of a log have about so many.
pub const PART_DOCUMENTS_MAX: u64 = 10_000;
/// A part that has reached so many bytes ends with the frame that reached them.
pub const PART_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Parts of one store; what is beyond them comes by the exchange.
pub const PARTS_MAX: usize = 4_096;
/// So many documents must a log have grown by before its last part is made anew.
pub const GROWTH_DOCUMENTS_MIN: u64 = 1_000;
/// Parts that one request waits for; the list then says that it is not complete.
pub const PARTS_MADE_MAX: usize = 8;
/// Parts with a successor that stay, so that downloads that are under way can end.
pub const RETIRED_PARTS_MAX: usize = 16;
