//! Counters of the hub, shared by its threads and shown at `/metrics`.
//!
//! One table names them all; values are atomics, so that counting never waits. Nothing here may
//! carry an item, a customer or a secret.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:literal, $shown:literal;)*) => {
        /// The values. Read them with `Ordering::Relaxed`.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $($(#[doc = $doc])+ pub $name: AtomicU64,)*
        }

        impl Metrics {
            /// All of them in Prometheus' text format.
            #[must_use]
            pub fn render(&self) -> String {
                let mut text = String::new();
                $(
                    let help = concat!($($doc),+);
                    let value = self.$name.load(Ordering::Relaxed);
                    // Writing to a string can't fail.
                    let _ = writeln!(
                        text,
                        "# HELP {0}{help}\n# TYPE {0} {1}\n{0} {value}", $shown, $kind
                    );
                )*
                text
            }
        }
    };
}

metrics! {
    /// Whether the hub is connected to its broker.
    broker_connected: "gauge", "shelf_hub_broker_connected";
    /// Connections to the broker that were made.
    broker_connections: "counter", "shelf_hub_broker_connections_total";
    /// Frames taken from the broker.
    frames: "counter", "shelf_hub_frames_total";
    /// Frames sent to the broker.
    frames_sent: "counter", "shelf_hub_frames_sent_total";
    /// Frames that could not be sent and that the exchange repeats.
    frames_unsent: "counter", "shelf_hub_frames_unsent_total";
    /// Frames waiting for the writer.
    frames_waiting: "gauge", "shelf_hub_frames_waiting";
    /// Times that the link had to wait because the writer's queue was full.
    queue_full: "counter", "shelf_hub_queue_full_total";
    /// Documents stored.
    documents: "counter", "shelf_hub_documents_total";
    /// Transactions committed.
    commits: "counter", "shelf_hub_commits_total";
    /// Transactions that failed and were repeated.
    commit_failures: "counter", "shelf_hub_commit_failures_total";
    /// Microseconds spent in transactions, commit included.
    commit_us: "counter", "shelf_hub_commit_microseconds_total";
    /// News of levels that found no room and are found by the next sweep.
    news_dropped: "counter", "shelf_hub_news_dropped_total";
    /// Levels that a channel confirmed.
    levels_pushed: "counter", "shelf_hub_channel_levels_pushed_total";
    /// Batches of levels that a channel did not take.
    push_failures: "counter", "shelf_hub_channel_push_failures_total";
    /// Levels that wait to be pushed.
    levels_waiting: "gauge", "shelf_hub_channel_levels_waiting";
    /// How long the oldest of them waits, in milliseconds.
    levels_oldest_ms: "gauge", "shelf_hub_channel_oldest_level_milliseconds";
    /// Units that other stores took over.
    legs: "counter", "shelf_hub_order_legs_total";
    /// The catalogue's revision that stores can fetch.
    catalogue_revision: "gauge", "shelf_hub_catalogue_revision";
}

impl Metrics {
    /// Counts.
    pub fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }

    /// Sets a gauge.
    pub fn set(gauge: &AtomicU64, value: u64) {
        gauge.store(value, Ordering::Relaxed);
    }

    /// Whether the hub is connected to its broker.
    #[must_use]
    pub fn broker_connected(&self) -> bool {
        self.broker_connected.load(Ordering::Relaxed) != 0
    }
}
