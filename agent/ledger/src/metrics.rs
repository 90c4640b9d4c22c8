//! What the ledger counts about itself, for the watchdog, the status page and `/metrics`.
//!
//! Plain atomics that every thread may read at any time. Nothing here decides anything: an alarm
//! is raised by whoever reads it. Counters only grow within one opening.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Live counters and gauges of one opened ledger.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $(pub(crate) $name: AtomicU64,)*
        }

        /// The metrics at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct MetricsSnapshot {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Metrics {
            /// Reads all of them, each by itself.
            pub fn snapshot(&self) -> MetricsSnapshot {
                MetricsSnapshot { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

metrics! {
    /// Turns of the writer's loop: grows while work is waiting, or the writer is stuck.
    writer_ticks,
    /// Jobs accepted and not yet answered.
    jobs_waiting,
    /// Jobs answered after a commit.
    jobs_committed,
    /// Jobs undone because they returned an error.
    jobs_refused,
    /// Jobs undone because they panicked.
    jobs_panicked,
    /// Jobs turned away because the queue was full.
    jobs_turned_away,
    /// Transactions committed (with one sync each where they changed anything).
    commits,
    /// Times the disk was full; above zero is an alarm until space was made.
    disk_full,
    /// 1 once the ballast file was given up to keep sales going; an alarm.
    ballast_released,
    /// Times that a failed sync or commit made the writer close, reopen and verify the database.
    fatal_reopens,
    /// 1 while the database can't be reopened after such a failure; an alarm.
    writer_dead,
    /// Checkpoints done in idle moments.
    checkpoints,
    /// Bytes of the `-wal` file.
    wal_bytes,
    /// Frames in the WAL that have to be kept.
    wal_frames,
    /// Microseconds on the monotonic clock at which the oldest running read began; 0: none runs.
    oldest_read_started_us,
    /// Reads stopped because they ran longer than allowed.
    reads_stopped,
}

impl Metrics {
    pub(crate) fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }

    pub(crate) fn jobs_answered(&self, jobs: u64) {
        self.jobs_waiting.fetch_sub(jobs, Ordering::Relaxed);
    }

    pub(crate) fn set(gauge: &AtomicU64, to: u64) {
        gauge.store(to, Ordering::Relaxed);
    }
}
