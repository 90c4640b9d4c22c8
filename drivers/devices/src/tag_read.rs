//! A read of an RFID tag as every reader's driver tells it, whatever the reader speaks.

use shelf_codecs::epc::EpcBytes;

/// Most reads in one event; more of one received piece become several events.
pub const TAGS_PER_EVENT_MAX: usize = 256;

/// One read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagRead {
    /// The tag.
    pub epc: EpcBytes,
    /// On which antenna, from 1; 0 where the reader doesn't say.
    pub antenna: u16,
    /// How strong, in hundredths of a dBm; `None` where the reader doesn't say.
    pub rssi_centi_dbm: Option<i16>,
    /// How many sightings it stands for; at least 1.
    pub count: u16,
    /// When the tag was last seen, in milliseconds since 1970 by this PC's clock.
    pub at_ms: i64,
}
