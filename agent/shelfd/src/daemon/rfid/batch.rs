//! Reads of handheld readers: batches with a number each, taken once.
//!
//! A sled that lost its connection sends a batch again; the ledger remembers the numbers, with a hash of what
//! was in them. A handheld reader sees what it is pointed at and then looks elsewhere, so its reads say that a
//! thing is in a zone, and its silence says nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shelf_codecs::epc::{EpcBytes, Identity, Tag, split_protocol_control};
use shelf_ledger::tables::TableError;
use shelf_ledger::{ExecuteError, Tx, Writer};
use shelf_sessions::presence::Read;
use shelf_stock::identity::Digest;
use shelf_till::source::hash;

use super::Room;
use super::plan::{HANDHELD, ZonePlan};
use crate::config::ZoneKind;
use crate::platform;

/// Reads of one batch.
pub(crate) const BATCH_READS_MAX: usize = 20_000;
/// Bytes of a batch's number.
const NUMBER_BYTES_MAX: usize = 80;
/// Batches that are remembered; older ones are forgotten at a start.
const BATCHES_MAX: usize = 5_000;
/// Where the numbers of batches are kept.
const KEY: &str = "rfid.batch/";

/// A batch as it comes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    /// Its number, unique for the sender.
    batch: String,
    /// In which zone it was read.
    zone: String,
    reads: Vec<OneRead>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OneRead {
    /// Hexadecimal digits, a tag URI or a pure URI of SGTIN.
    epc: String,
    /// When, in milliseconds since 1970; absent: now.
    #[serde(default)]
    at: Option<i64>,
    /// How strong.
    #[serde(default)]
    rssi_dbm: Option<i16>,
}

/// What became of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BatchTaken {
    /// Its number.
    pub(crate) batch: String,
    /// Whether it was known already; then nothing was done.
    pub(crate) again: bool,
    /// How many different things it names.
    pub(crate) things: usize,
}

/// Why a batch was not taken.
#[derive(Debug)]
pub(crate) enum BatchRefusal {
    /// A field can't be used.
    Field {
        /// Which.
        name: &'static str,
        /// Why.
        why: String,
    },
    /// The same number with another content.
    Conflict,
    /// The ledger could not take it now: send it again.
    Ledger(ExecuteError<TableError>),
}

fn field(name: &'static str, why: impl Into<String>) -> BatchRefusal {
    let why = why.into();
    BatchRefusal::Field { name, why }
}

impl Room {
    /// Takes a batch. Waits for the disk.
    pub(crate) fn take_batch(&self, body: &[u8]) -> Result<BatchTaken, BatchRefusal> {
        let batch: Batch =
            serde_json::from_slice(body).map_err(|error| field("the body", error.to_string()))?;
        let number = batch.batch.trim();
        if number.is_empty() || number.len() > NUMBER_BYTES_MAX {
            return Err(field("batch", format!("1 to {NUMBER_BYTES_MAX} bytes")));
        }
        if batch.reads.len() > BATCH_READS_MAX {
            let why = format!("more than {BATCH_READS_MAX}: send several batches");
            return Err(field("reads", why));
        }
        let zone = self.plan.named(&batch.zone);
        let zone = zone.filter(|it| it.kind != ZoneKind::TillPad);
        let zone = zone.ok_or_else(|| {
            field(
                "zone",
                format!("`{}` is no area or exit of this PC", batch.zone),
            )
        })?;
        let things = things(&batch)?;
        let taken = BatchTaken {
            batch: number.to_owned(),
            again: self.is_known(number, hash(body))?,
            things: things.len(),
        };
        if taken.again {
            return Ok(taken);
        }
        let things = things.iter().map(|(epc, it)| (*epc, it.at, it.rssi_dbm));
        self.sweep(zone, things).map_err(BatchRefusal::Ledger)?;
        self.note(number, hash(body))?;
        Ok(taken)
    }

    /// The area or exit of that name, whatever the case of its letters; without a name the one that
    /// `rfid.drop_zone` names, or the only one there is.
    pub(crate) fn sweepable(&self, name: Option<&str>) -> Option<String> {
        let name = name.or(self.plan.settings().drop_zone.as_deref());
        let mut all = self.plan.followed();
        let found = match name {
            Some(name) => all.find(|it| it.eq_ignore_ascii_case(name)),
            None => all.next().filter(|_| all.next().is_none()),
        };
        found.map(str::to_owned)
    }

    /// Takes reads of a handheld reader: the thing, when in milliseconds since 1970, how strong in dBm. Returns
    /// when they are durable; the same reads again change nothing. `zone` is one that
    /// [`Room::sweepable`] gave.
    pub(crate) fn swept(
        &self,
        zone: &str,
        things: impl Iterator<Item = (EpcBytes, Option<i64>, Option<i16>)>,
    ) -> Result<(), ExecuteError<TableError>> {
        match self.plan.named(zone) {
            Some(zone) => self.sweep(zone, things),
            None => Ok(()),
        }
    }

    fn sweep(
        &self,
        zone: &ZonePlan,
        things: impl Iterator<Item = (EpcBytes, Option<i64>, Option<i16>)>,
    ) -> Result<(), ExecuteError<TableError>> {
        let now_ms = self.around.clock.millis();
        let wall_ms = platform::wall_now().as_millis();
        let reads_min = zone.settings.reads_min.max(1);
        let mut counted = Vec::new();
        let mut inside = self.locked();
        for (epc, at, rssi_dbm) in things {
            let age = wall_ms.saturating_sub(at.unwrap_or(wall_ms)).max(0);
            let read = Read {
                epc,
                reader: HANDHELD,
                antenna: zone.id.0,
                // Held close, everything is strong: it doesn't compare with a fixed reader's.
                rssi_centi_dbm: rssi_dbm.map(|it| it.saturating_mul(100)),
                count: reads_min,
                at_ms: now_ms.saturating_sub(u64::try_from(age).unwrap_or(0)),
            };
            inside.floor.swept(zone.id, 1);
            inside.floor.read(&read, self.around.clock);
            match inside.counts.news(zone.id, &epc) {
                Some(session) => counted.push((session.clone(), epc)),
                None => inside.counts.seen(zone.id, &epc),
            }
        }
        drop(inside);
        self.count(counted)?;
        // Durable before it is answered; what comes again after a kill changes nothing.
        self.keep()?;
        self.around.bell.ring_pages();
        Ok(())
    }

    /// Whether a batch was taken before.
    fn is_known(&self, number: &str, content: Digest) -> Result<bool, BatchRefusal> {
        let key = format!("{KEY}{number}");
        let job = move |tx: &mut Tx<'_>| tx.setting(&key);
        let writer = &self.around.writer;
        let known = writer.execute_blocking("batch of reads", job).wait();
        match known.map_err(BatchRefusal::Ledger)? {
            None => Ok(false),
            Some(known) if known.split(' ').next() == Some(&content.to_string()) => Ok(true),
            Some(_) => Err(BatchRefusal::Conflict),
        }
    }

    /// Notes that a batch was taken.
    fn note(&self, number: &str, content: Digest) -> Result<(), BatchRefusal> {
        let key = format!("{KEY}{number}");
        let text = format!("{content} {}", platform::wall_now().as_millis());
        let job = move |tx: &mut Tx<'_>| tx.setting_put(&key, &text);
        let writer = &self.around.writer;
        let noted = writer.execute_blocking("batch of reads", job).wait();
        noted.map_err(BatchRefusal::Ledger)
    }
}

/// Each thing of a batch, with its last read.
fn things(batch: &Batch) -> Result<BTreeMap<EpcBytes, &OneRead>, BatchRefusal> {
    let mut things: BTreeMap<EpcBytes, &OneRead> = BTreeMap::new();
    for it in &batch.reads {
        let epc = epc(&it.epc).ok_or_else(|| {
            let why = format!("`{}` is no EPC: give its digits, or its tag URI", it.epc);
            field("reads", why)
        })?;
        let known = things.entry(epc).or_insert(it);
        if it.at > known.at {
            *known = it;
        }
    }
    Ok(things)
}

/// An EPC as people and programs write it.
pub(crate) fn epc(text: &str) -> Option<EpcBytes> {
    let text = text.trim();
    if text.starts_with("urn:epc:tag:") {
        return Tag::from_tag_uri(text).ok()?.encode().ok();
    }
    if text.starts_with("urn:epc:id:sgtin:") {
        // A pure URI doesn't say how the tag is written; goods on shelves are SGTIN-96, filter 1.
        use shelf_codecs::epc::{Scheme, filter};
        let identity = Identity::from_pure_uri(text).ok()?;
        let tag = Tag::new(Scheme::Sgtin96, filter::POINT_OF_SALE, identity);
        return tag.encode().ok();
    }
    let digits = match text.strip_prefix("urn:epc:raw:") {
        Some(raw) => raw.split_once(".x")?.1,
        None => text.strip_prefix("0x").unwrap_or(text),
    };
    let digits: String = digits.split_whitespace().collect();
    let epc = EpcBytes::from_hex(&digits).filter(|it| !it.as_slice().is_empty())?;
    // Handheld readers often give the control word with it.
    let bare = split_protocol_control(epc.as_slice()).map(|it| it.1);
    Some(bare.unwrap_or(epc))
}

/// Forgets the numbers of batches of long ago.
pub(super) fn forget_old(writer: &Writer) {
    let forget = |tx: &mut Tx<'_>| {
        let mut rows = tx.settings_under(KEY, usize::MAX)?;
        let excess = rows.len().saturating_sub(BATCHES_MAX);
        let time = |it: &(String, String)| {
            let at = it.1.split(' ').nth(1);
            at.and_then(|it| it.parse::<i64>().ok()).unwrap_or(0)
        };
        rows.sort_by_key(time);
        for (key, _) in rows.drain(..excess) {
            tx.setting_drop(&key)?;
        }
        Ok::<_, TableError>(())
    };
    if let Err(error) = writer.execute_blocking("old batches", forget).wait() {
        tracing::error!(%error, "old batches of reads could not be forgotten");
    }
}
