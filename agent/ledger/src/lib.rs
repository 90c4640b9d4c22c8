//! The offline-first ledger of one PC: documents, what is folded from them, and the shop's state,
//! in one SQLite database with one writer.
//!
//! This crate is where a fact becomes durable. Everything that changes goes through [`Writer`]
//! (one thread, group commit, answer after COMMIT); everything that asks goes through
//! [`Readers`]. The tables are shared with the hub ([`tables`]). The rules of stock live in
//! `shelf_stock`, those of replication in `shelf_replica`; here are only rows, durability, and
//! what to do when a disk is full, slow, damaged or lying. It must never answer before the commit,
//! never overwrite a database that it doesn't understand, and never read a clock by itself.

#![forbid(unsafe_code)]

mod backup;
pub mod check;
mod checkpointer;
mod compaction;
mod connection;
mod deep;
pub mod environment;
mod failure;
mod files;
pub mod hosting;
pub mod in_memory;
mod metrics;
mod open;
mod own;
mod read;
mod readers;
mod rebuild;
mod replica;
mod schema;
mod shop;
pub mod tables;
mod touched;
mod tx;
mod writer;

pub use backup::{BackupError, BackupReport, forget_identity, restore};
pub use compaction::{CloseError, Closed};
pub use connection::Durability;
pub use deep::{Depth, RunningCheck};
pub use files::Paths;
pub use metrics::{Metrics, MetricsSnapshot};
pub use open::{Ledger, OpenError, OpenOptions, OpenReport};
pub use read::{Counts, DOCUMENTS_MAX, Read, Stock, UnknownCode, Unsynced};
pub use readers::{READ_US_MAX, READERS_MAX, ReadError, Readers};
pub use rebuild::rebuild;
pub use replica::ReplicaStore;
pub use schema::{APPLICATION_ID, SCHEMA_VERSION};
pub use shop::baskets::BasketEvent;
pub use shop::inbox::{INBOX_RAW_BYTES_MAX, InboxEntry, InboxNote};
pub use shop::payments::PaymentIntent;
pub use tx::{RecordError, Recorded, Tx};
pub use writer::{ExecuteError, GROUP_JOBS_MAX, GROUP_US_MAX, Pending, QUEUE_JOBS_MAX, Writer};
