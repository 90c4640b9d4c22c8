//! The last frames of a device, for diagnosis: a ring of bounded entries. It holds whole frames and
//! never pieces of reads, because a card number torn in two escapes the masking.

use std::collections::VecDeque;

use crate::clock::Stamp;

/// Frames kept per device.
pub const JOURNAL_FRAMES_MAX: usize = 64;
/// Bytes kept of one frame.
pub const JOURNAL_FRAME_BYTES_MAX: usize = 256;

/// Which way a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the device.
    In,
    /// To the device.
    Out,
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// When.
    pub at: Stamp,
    /// Which way.
    pub direction: Direction,
    /// The bytes, masked, at most [`JOURNAL_FRAME_BYTES_MAX`].
    pub bytes: Vec<u8>,
    /// Length before cutting.
    pub length_bytes: usize,
}

/// The ring.
#[derive(Debug, Clone, Default)]
pub struct Journal(VecDeque<JournalEntry>);

impl Journal {
    /// Adds a frame (already masked), forgetting the oldest when full.
    pub fn add(&mut self, at: Stamp, direction: Direction, frame: &[u8]) {
        if self.0.len() >= JOURNAL_FRAMES_MAX {
            self.0.pop_front();
        }
        let bytes = frame[..frame.len().min(JOURNAL_FRAME_BYTES_MAX)].to_vec();
        self.0.push_back(JournalEntry {
            at,
            direction,
            bytes,
            length_bytes: frame.len(),
        });
    }

    /// Oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &JournalEntry> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_bounded_in_frames_and_bytes() {
        let mut journal = Journal::default();
        for i in 0..1000u64 {
            let at = Stamp {
                mono_us: i,
                wall_ms: 0,
            };
            journal.add(at, Direction::In, &vec![b'x'; 10_000]);
        }
        assert_eq!(journal.entries().count(), JOURNAL_FRAMES_MAX);
        assert_eq!(journal.entries().next_back_at(), 999);
        assert!(
            journal
                .entries()
                .all(|e| e.bytes.len() == 256 && e.length_bytes == 10_000)
        );
    }

    trait Last {
        fn next_back_at(self) -> u64;
    }
    impl<'a, I: Iterator<Item = &'a JournalEntry>> Last for I {
        fn next_back_at(self) -> u64 {
            self.last().map_or(0, |e| e.at.mono_us)
        }
    }
}
