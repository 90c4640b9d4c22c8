//! The exit gate: what goes out and was not sold.
//!
//! A plain rule: a tag that was heard inside, then at the exit often enough and getting stronger, goes out.
//! It may if its EPC was sold, or if its article was sold by barcode and an allowance is left. The rule
//! needs no network. It must never hold anybody back by itself: it tells, people act.

use std::collections::BTreeMap;

use shelf_codecs::barcode::Gtin;
use shelf_codecs::epc::{EpcBytes, Tag};

use super::{Read, SoldThings, Thing, ZoneId};

/// Most tags that are followed at a gate, and most allowances of an article that are remembered.
pub const GATE_TAGS_MAX: usize = 20_000;
/// Strengths that are kept of a tag at the exit.
const STRENGTHS_KEPT_MAX: usize = 32;

/// Settings of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateConfig {
    /// The zone before the exit.
    pub inside: ZoneId,
    /// The exit.
    pub exit: ZoneId,
    /// So many reads at the exit make a passage.
    pub reads_min: u16,
    /// The last read inside may be so old, in milliseconds.
    pub inside_ms_max: u64,
    /// The later half of the exit's reads must be stronger by this, in hundredths of a dB. A tag on a shelf
    /// near the exit is not.
    pub rise_centi_db_min: i16,
    /// A tag passes once in this time, in milliseconds.
    pub again_ms_min: u64,
}

/// What a passage was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// The EPC was sold.
    Sold,
    /// The article was sold by barcode, and this piece was let pass for it.
    Allowance,
    /// Neither: tell people, switch the lamp.
    Alarm,
}

/// Something went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateEvent {
    /// What.
    pub epc: EpcBytes,
    /// Its article, if its EPC says one.
    pub gtin: Option<Gtin>,
    /// Through which exit.
    pub exit: ZoneId,
    /// Whether it may.
    pub passage: Passage,
    /// When, in milliseconds.
    pub at_ms: u64,
    /// Reads at the exit.
    pub reads: u32,
}

#[derive(Clone, Debug, Default)]
struct Passing {
    inside_ms: Option<u64>,
    strengths: Vec<i16>,
    reads: u32,
    last_ms: u64,
    passed_ms: Option<u64>,
}

/// A gate.
#[derive(Clone, Debug)]
pub struct ExitGate {
    config: GateConfig,
    tags: BTreeMap<EpcBytes, Passing>,
    /// By article: until when, oldest first.
    allowances: BTreeMap<Gtin, Vec<u64>>,
}

impl ExitGate {
    /// A gate that saw nothing.
    #[must_use]
    pub fn new(config: GateConfig) -> ExitGate {
        ExitGate {
            config,
            tags: BTreeMap::new(),
            allowances: BTreeMap::new(),
        }
    }

    /// Pieces of an article were sold by barcode: so many may pass until then, in milliseconds.
    pub fn sold_by_barcode(&mut self, gtin: Gtin, pieces: u16, until_ms: u64) {
        let own = self.allowances.entry(gtin).or_default();
        let room = GATE_TAGS_MAX.saturating_sub(own.len());
        own.extend(std::iter::repeat_n(until_ms, usize::from(pieces).min(room)));
        // Sales may be reported late: the oldest stand first.
        own.sort_unstable();
    }

    /// Pieces of an article came back, or their sale was undone: they let nothing pass any more.
    pub fn returned_by_barcode(&mut self, gtin: Gtin, pieces: u16) {
        if let Some(own) = self.allowances.get_mut(&gtin) {
            own.truncate(own.len().saturating_sub(usize::from(pieces)));
        }
    }

    /// The pieces that may still pass, by article, with the times until when: for keeping over a restart.
    pub fn allowances(&self) -> impl Iterator<Item = (Gtin, &[u64])> + '_ {
        self.allowances
            .iter()
            .map(|(gtin, own)| (*gtin, own.as_slice()))
    }

    /// Time goes on: allowances end.
    pub fn advance(&mut self, now_ms: u64) {
        self.allowances.retain(|_, own| {
            own.retain(|until| *until >= now_ms);
            !own.is_empty()
        });
    }

    /// Takes a read of a zone, with what is sold by now.
    pub fn read(&mut self, read: &Read, zone: ZoneId, sold: &SoldThings, out: &mut Vec<GateEvent>) {
        let is_exit = zone == self.config.exit;
        if !is_exit && zone != self.config.inside {
            return;
        }
        if self.tags.len() >= GATE_TAGS_MAX && !self.tags.contains_key(&read.epc) {
            self.forget_oldest();
        }
        let tag = self.tags.entry(read.epc).or_default();
        tag.last_ms = tag.last_ms.max(read.at_ms);
        if !is_exit {
            // Back inside: a new passage may begin.
            tag.inside_ms = tag.inside_ms.max(Some(read.at_ms));
            tag.strengths.clear();
            tag.reads = 0;
            return;
        }
        tag.reads = tag.reads.saturating_add(u32::from(read.count.max(1)));
        if tag.strengths.len() == STRENGTHS_KEPT_MAX {
            tag.strengths.remove(0);
        }
        tag.strengths.extend(read.rssi_centi_dbm);
        if !is_passage(&self.config, tag, read.at_ms) {
            return;
        }
        tag.passed_ms = Some(read.at_ms);
        let reads = tag.reads;
        let gtin = Tag::decode(read.epc.as_slice())
            .ok()
            .and_then(|tag| tag.identity.gtin());
        let passage = match sold.is_sold(&Thing::of(&read.epc)) {
            true => Passage::Sold,
            false => self.judge(gtin, read.at_ms),
        };
        out.push(GateEvent {
            epc: read.epc,
            gtin,
            exit: self.config.exit,
            passage,
            at_ms: read.at_ms,
            reads,
        });
    }

    /// What was not sold by its own number may be one of the pieces that were sold by barcode.
    fn judge(&mut self, gtin: Option<Gtin>, now_ms: u64) -> Passage {
        let Some(own) = gtin.and_then(|gtin| self.allowances.get_mut(&gtin)) else {
            return Passage::Alarm;
        };
        own.retain(|until| *until >= now_ms);
        if own.is_empty() {
            return Passage::Alarm;
        }
        own.remove(0);
        Passage::Allowance
    }

    fn forget_oldest(&mut self) {
        let oldest = self.tags.iter().min_by_key(|(_, tag)| tag.last_ms);
        if let Some((&epc, _)) = oldest {
            self.tags.remove(&epc);
        }
    }
}

fn is_passage(config: &GateConfig, tag: &Passing, now_ms: u64) -> bool {
    let inside = tag
        .inside_ms
        .is_some_and(|at| at.saturating_add(config.inside_ms_max) >= now_ms);
    let again = tag
        .passed_ms
        .is_some_and(|at| at.saturating_add(config.again_ms_min) > now_ms);
    inside && !again && tag.reads >= u32::from(config.reads_min) && rises(config, &tag.strengths)
}

/// Whether the later half is stronger than the earlier. Without strengths the reads must do.
fn rises(config: &GateConfig, strengths: &[i16]) -> bool {
    if strengths.len() < 2 {
        return strengths.is_empty();
    }
    let (early, late) = strengths.split_at(strengths.len() / 2);
    let mean = |part: &[i16]| {
        let sum: i64 = part.iter().map(|it| i64::from(*it)).sum();
        sum / i64::try_from(part.len()).unwrap_or(1)
    };
    mean(late) >= mean(early) + i64::from(config.rise_centi_db_min)
}
