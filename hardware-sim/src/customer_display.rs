//! A customer display that speaks CD5220 and remembers what it shows.

use shelf_codecs::customer_display::{DisplayDecoder, DisplayItem, DisplayLine};

use crate::line_server::{LineAction, LineDevice};

/// The display's core; serve it with [`crate::line_server::LineServer`].
#[derive(Debug, Default)]
pub struct CustomerDisplay {
    decoder: DisplayDecoder,
    upper: String,
    lower: String,
    /// Bytes that say nothing to it.
    unknown: u64,
}

impl CustomerDisplay {
    /// What it shows: the upper and the lower line.
    #[must_use]
    pub fn shows(&self) -> (&str, &str) {
        (&self.upper, &self.lower)
    }

    /// Bytes that said nothing to it.
    #[must_use]
    pub fn unknown(&self) -> u64 {
        self.unknown
    }
}

impl LineDevice for CustomerDisplay {
    fn connected(&mut self, _now_us: u64) {
        self.decoder = DisplayDecoder::new();
    }

    fn disconnected(&mut self, _now_us: u64) {}

    fn received(&mut self, _now_us: u64, bytes: &[u8]) {
        self.decoder.push(bytes);
        for item in self.decoder.by_ref() {
            match item {
                DisplayItem::Initialised | DisplayItem::Cleared => {
                    self.upper.clear();
                    self.lower.clear();
                }
                DisplayItem::Shown(DisplayLine::Upper, text) => self.upper = text,
                DisplayItem::Shown(DisplayLine::Lower, text) => self.lower = text,
                DisplayItem::Unknown(_) => self.unknown += 1,
            }
        }
    }

    fn advance(&mut self, _now_us: u64) {}

    fn take_actions(&mut self) -> Vec<LineAction> {
        Vec::new()
    }

    fn due_us(&self) -> Option<u64> {
        None
    }
}
