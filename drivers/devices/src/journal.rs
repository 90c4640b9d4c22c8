//! The last frames of a device, for diagnosis: a ring of bounded entries. It holds whole frames and
//! never pieces of reads, because a card number torn in two escapes the masking.

use std::collections::VecDeque;

use crate::clock::Stamp;

/// Frames kept per device.
pub const JOURNAL_FRAMES_MAX: usize = 64;
/// Characters kept of one frame.
pub const JOURNAL_FRAME_CHARS_MAX: usize = 256;

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
    /// The frame, masked, others than printable ASCII as `\xNN`, at most
    /// [`JOURNAL_FRAME_CHARS_MAX`].
    pub text: String,
    /// Length of the frame as it was on the wire, in bytes.
    pub length_bytes: u64,
    /// What the device sent since the frame before, masked and escaped in the same way; empty where it is not kept.
    pub raw: Vec<String>,
}

/// The ring.
#[derive(Debug, Clone, Default)]
pub struct Journal(VecDeque<JournalEntry>);

impl Journal {
    /// Adds a frame (already masked and escaped), forgetting the oldest when full.
    pub fn add(&mut self, at: Stamp, direction: Direction, text: &str, length_bytes: u64) {
        self.add_with_raw(at, direction, (text, length_bytes), Vec::new());
    }

    /// The same of a frame whose bytes are kept too.
    pub fn add_with_raw(
        &mut self,
        at: Stamp,
        direction: Direction,
        (text, length_bytes): (&str, u64),
        raw: Vec<String>,
    ) {
        if self.0.len() >= JOURNAL_FRAMES_MAX {
            self.0.pop_front();
        }
        let text = text.chars().take(JOURNAL_FRAME_CHARS_MAX).collect();
        self.0.push_back(JournalEntry {
            at,
            direction,
            text,
            length_bytes,
            raw,
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
    fn the_journal_is_bounded_in_frames_and_length() {
        let mut journal = Journal::default();
        let long = "x".repeat(10_000);
        for i in 0..1000u64 {
            let at = Stamp {
                mono_us: i,
                wall_ms: 0,
            };
            journal.add(at, Direction::In, &long, 10_000);
        }
        let kept: Vec<_> = journal.entries().collect();
        assert_eq!(kept.len(), JOURNAL_FRAMES_MAX);
        assert_eq!(kept[JOURNAL_FRAMES_MAX - 1].at.mono_us, 999);
        assert!(
            kept.iter()
                .all(|e| e.text.len() == 256 && e.length_bytes == 10_000)
        );
    }
}
