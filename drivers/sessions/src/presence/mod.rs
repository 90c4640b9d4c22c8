//! From reads to what they mean in a shop: where a tag is, what a count found, what left, what is sold.
//!
//! A read is an accident of radio: a tag that is there is missed for seconds, a tag that isn't is heard
//! through a wall. [`Presence`] turns reads into arrivals, moves and departures with a window that adapts
//! to how well each tag is read; [`CountSession`] compares a zone with what should be in it; [`ExitGate`]
//! tells what leaves unsold; [`TillPad`] makes an EPC a basket line once. All of them say what they
//! concluded, and move no stock: the set of EPCs and the quantity of an article are separate folds, for a
//! barcode sale doesn't say which EPC left. A miss must never become a loss by itself.
//!
//! Time is an argument, in milliseconds of one clock that the shell chooses; reads may come late.

mod census;
mod count;
mod engine;
mod gate;
mod place;
mod sold;
mod thing;
mod till_pad;
mod window;

#[cfg(test)]
mod tests;

pub use census::{Census, census};
pub use count::{COUNT_TAGS_MAX, CountConfig, CountResult, CountSession, GtinCount, Verdict};
pub use engine::{Change, Event, Presence, PresenceConfig, PresentTag, TAGS_MAX, Zone};
pub use gate::{ExitGate, GATE_TAGS_MAX, GateConfig, GateEvent, Passage};
pub use sold::{SOLD_THINGS_MAX, SoldFact, SoldThings};
pub use thing::{NoThing, Thing};
pub use till_pad::{PAD_TAGS_MAX, PadConfig, PadEvent, TillPad};

use shelf_codecs::epc::EpcBytes;

/// A zone of the shop, by its number in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(pub u16);

/// A reader, by its number in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderId(pub u16);

/// One sighting of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// The tag.
    pub epc: EpcBytes,
    /// Who read it.
    pub reader: ReaderId,
    /// On which antenna.
    pub antenna: u16,
    /// How strong, in hundredths of a dBm; `None`: the reader doesn't say.
    pub rssi_centi_dbm: Option<i16>,
    /// How many reads this stands for; at least 1.
    pub count: u16,
    /// When, in milliseconds.
    pub at_ms: u64,
}
