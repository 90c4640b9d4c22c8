//! The reference hub: keeps the logs of every store, folds their stock, hands out the catalogue.
//!
//! # What it does
//! PCs of stores send their documents over an MQTT 5 broker. The hub stores the authors' exact
//! bytes in SQLite or PostgreSQL, folds them into stock with the same code that runs on the PCs, **commits, and
//! only then acks**. What one PC wrote it relays to its siblings. It takes a catalogue over HTTP,
//! gives it a revision, and tells the stores where the file of that revision is. Everything it
//! knows can be read as JSON (`openapi.json`).
//!
//! # How to run it
//! ```toml
//! # hub.toml; `shelf-hub keys` lists everything else
//! tenant = "acme"
//! data_dir = "/var/lib/shelf-hub"
//! [broker]
//! url = "mqtt://127.0.0.1:1883"
//! ```
//! `shelf-hub run --config hub.toml`. It listens on loopback; another address needs
//! `http.token_file`, and TLS in front of it (a reverse proxy). Killing it at any moment loses
//! nothing that was acked: stores repeat what was not.
//!
//! # How it is built
//! - [`config`]: one TOML file, one definition per key.
//! - [`worker`]: the one thread that writes; many messages a transaction, effects after COMMIT.
//! - [`exchange`]: the sans-IO machines of `shelf_replica`, one per store, over a [`storage`]:
//!   SQLite with the tables that `shelf_ledger` gives both sides ([`database`]), or PostgreSQL.
//! - [`link`]: moves frames between broker and worker, and knows nothing else.
//! - [`api`], [`readers`], [`catalogue`], [`publisher`]: HTTP over read-only connections.
//! - [`orders`], [`channels`]: what channels ask of stores, what they are told, and which other
//!   store helps.
//! - [`presence`]: which PCs are here; [`restored`]: what a restored hub says to its stores.
//! - [`server`]: starts and stops all of it; [`check`]: looks without starting.
//! - [`replay`]: what safety stock would have done with a retailer's own sales.
//! - [`platform`]: the only door to clock, randomness and files.
//! - [`broker`] (feature): the demo's built-in broker.
//!
//! What it must never do: ack before COMMIT, change or re-encode an author's bytes, refuse
//! authentic documents, or hold truth anywhere but in the database.

#![forbid(unsafe_code)]

pub mod api;
pub mod ask;
pub mod bootstrap;
#[cfg(feature = "broker")]
pub mod broker;
pub mod catalogue;
pub mod channels;
pub mod check;
pub mod config;
pub mod database;
pub mod exchange;
pub mod forgetting;
pub mod link;
pub mod logging;
pub mod metrics;
pub mod news;
pub mod orders;
pub mod platform;
pub mod presence;
pub mod publisher;
pub mod readers;
pub mod replay;
pub mod restored;
pub mod seen;
pub mod server;
pub mod storage;
pub mod worker;
