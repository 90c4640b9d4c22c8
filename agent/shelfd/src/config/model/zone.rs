//! The keys of a zone that RFID readers watch, and of what is common to all zones.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shelf_stock::name::TillId;

use super::KeyDoc;

settings! {
    /// One zone that RFID readers watch.
    ZoneSettings ["zone"] {
        /// What people call it; `role = "zone:NAME"` of a reader names it.
        name: String = String::new(), "";
        /// What it is: `area` (goods lie or hang there), `till_pad` (what lies on it becomes a line of the
        /// till's basket) or `exit` (what passes it goes out).
        kind: ZoneKind = ZoneKind::Area, "";
        /// An area: where its goods are in the book: `floor` or `backroom`.
        location: String = "floor".into(), "";
        /// A pad: the till that sells what lies on it.
        till: Option<TillId> = None, "";
        /// An exit: the zone before it; only what was seen there passes.
        inside: Option<String> = None, "";
        /// Antennas that watch it, `READER:NUMBER`; absent: all antennas of the readers whose role names it
        /// and that no other zone claims.
        antennas: Vec<String> = Vec::new(), "";
        /// So many reads make an arrival, a line, or a passage: one alone may be a stray.
        reads_min: u16 = 2, "reads";
        /// Weaker reads are not heard; absent: all are.
        rssi_dbm_min: Option<i16> = None, "dBm";
        /// Its number as a place, `urn:epc:id:sgln:PREFIX.LOCATION.EXTENSION`, for EPCIS events.
        sgln: Option<String> = None, "";
    }
}

settings! {
    /// What is common to all RFID zones.
    RfidSettings ["rfid"] {
        /// The grain of time: at least as long as a reader needs for a round over its antennas.
        epoch_ms: u64 = 1_000, "ms";
        /// No tag counts as gone before it was unseen for so long.
        depart_s_min: u32 = 30, "s";
        /// A folder into which handheld readers' exports are put: CSV with a column of EPCs, or one EPC in each
        /// line. Read when whole, moved to `done` or `quarantine`.
        drop_dir: Option<PathBuf> = None, "";
        /// The zone of dropped reads that name none; absent: the only area there is.
        drop_zone: Option<String> = None, "";
        /// How long a sale by barcode lets a piece of its article pass an exit.
        exit_allowance_minutes: u32 = 30, "min";
    }
}

words! {
    /// What a zone is.
    ZoneKind {
        /// Goods lie or hang there.
        Area,
        /// What lies on it is to be sold.
        TillPad,
        /// What passes it goes out.
        Exit,
    }
}
