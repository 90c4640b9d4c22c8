//! One dropped file of a handheld RFID reader into the zones.
//!
//! Good rows flow, in pieces of a bounded size that are durable before the next; bad ones go to the inbox with
//! their line, the first of them one by one and the rest as a number. A file that is read again changes nothing.

use std::collections::BTreeMap;

use shelf_codecs::epc::EpcBytes;
use shelf_stock::time::Timestamp;
use shelf_till::source::file_drop::Verdict;

use super::sheet::{Sheet, SheetFault, SheetRow};
use crate::daemon::intake::{self, ShopView};
use crate::daemon::shop::Shop;

/// Different things that are taken at once.
const THINGS_MAX: usize = 20_000;
/// Rows of one file that lie in the inbox one by one.
const FAULTS_MAX: u64 = 50;

/// The last read of each thing of a zone: when, and how strong.
type Reads = BTreeMap<(String, EpcBytes), (Option<Timestamp>, Option<i16>)>;

struct Import<'a> {
    shop: &'a Shop,
    file: &'a str,
    reads: Reads,
    rows: u64,
    faults: u64,
}

/// Reads the file to its end. Returns when everything is durable.
pub(super) fn import(shop: &Shop, file: &str, bytes: &[u8]) -> Verdict {
    let view = ShopView::new(shop);
    let sheet = match Sheet::open(bytes, view.context().zone) {
        Ok(sheet) => sheet,
        Err(error) => {
            return Verdict::Quarantine {
                reason: error.to_string(),
            };
        }
    };
    let mut import = Import {
        shop,
        file,
        reads: Reads::new(),
        rows: 0,
        faults: 0,
    };
    for row in sheet {
        match row.and_then(|it| import.placed(it)) {
            Ok((zone, row)) => import.take(zone, &row),
            Err(fault) => import.fault(&fault),
        }
        if import.reads.len() >= THINGS_MAX && !import.flush() {
            return Verdict::Again;
        }
    }
    if !import.flush() {
        return Verdict::Again;
    }
    import.finish()
}

impl Import<'_> {
    /// The zone of a row.
    fn placed(&self, row: SheetRow) -> Result<(String, SheetRow), SheetFault> {
        let zone = self.shop.rfid.sweepable(row.location.as_deref());
        let Some(zone) = zone else {
            let what = match &row.location {
                Some(name) => format!("no area or exit of this PC is called `{name}`"),
                None => {
                    "the row names no zone: set `rfid.drop_zone`, or add a column `zone`".into()
                }
            };
            let (line, raw) = (row.line, row.epc.to_string());
            return Err(SheetFault { line, what, raw });
        };
        Ok((zone, row))
    }

    fn take(&mut self, zone: String, row: &SheetRow) {
        self.rows += 1;
        let known = self
            .reads
            .entry((zone, row.epc))
            .or_insert((row.at, row.rssi_dbm));
        if row.at > known.0 {
            *known = (row.at, row.rssi_dbm);
        }
    }

    fn fault(&mut self, fault: &SheetFault) {
        self.faults += 1;
        if self.faults > FAULTS_MAX {
            return;
        }
        let key = format!("{} line {}", self.file, fault.line);
        let reason = format!(
            "line {}: {}; correct the row and drop it anew",
            fault.line, fault.what
        );
        intake::keep(self.shop, "file_fault", &key, &reason, fault.raw.as_bytes());
    }

    /// Makes durable what was read so far; `false`: the ledger could not take it now.
    fn flush(&mut self) -> bool {
        let reads = std::mem::take(&mut self.reads);
        let zones: std::collections::BTreeSet<&String> = reads.keys().map(|it| &it.0).collect();
        for zone in zones {
            let own = reads.iter().filter(|it| it.0.0 == *zone);
            let own = own.map(|((_, epc), (at, rssi))| (*epc, at.map(Timestamp::as_millis), *rssi));
            if let Err(error) = self.shop.rfid.swept(zone, own) {
                tracing::error!(%error, file = self.file, "reads were not kept: the file is read again");
                return false;
            }
        }
        let (rows, faults) = (self.rows, self.faults);
        tracing::info!(file = self.file, rows, faults, "reads of a handheld reader");
        true
    }

    /// A file of nothing but bad rows is no list of tags.
    fn finish(self) -> Verdict {
        if self.rows == 0 && self.faults > 0 {
            let reason = format!(
                "none of its {} rows can be used: the first lie in the inbox",
                self.faults
            );
            return Verdict::Quarantine { reason };
        }
        if self.faults > FAULTS_MAX {
            let more = self.faults - FAULTS_MAX;
            let key = format!("{} more", self.file);
            let reason = format!("{more} more rows of this file can't be used: it lies in `done`");
            intake::keep(self.shop, "file_fault", &key, &reason, b"");
        }
        Verdict::Done
    }
}
