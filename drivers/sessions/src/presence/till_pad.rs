//! The pad at the till: a tag that lies on it becomes a basket line, once.
//!
//! An EPC is one thing, so the second read of it is no second piece, whatever basket is open; what was sold
//! and still lies there while the customer packs must not get into the next basket. Taking a thing off the
//! pad removes no line: the cashier decides.

use std::collections::{BTreeMap, BTreeSet};

use shelf_codecs::barcode::Gtin;
use shelf_codecs::epc::{EpcBytes, EpcFaultReason, Tag};

use super::{Read, SoldThings, Thing};

/// Most tags on a pad.
pub const PAD_TAGS_MAX: usize = 10_000;

/// Settings of a pad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PadConfig {
    /// So many reads make a line: one may come from the next queue.
    pub reads_min: u16,
    /// Weaker reads lie beside the pad, in hundredths of a dBm.
    pub rssi_centi_dbm_min: Option<i16>,
    /// Without a read for so long a tag is off the pad, in milliseconds.
    pub gone_ms: u64,
}

/// What the pad tells the basket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadEvent {
    /// A line for this thing.
    Line {
        /// The thing.
        epc: EpcBytes,
        /// Its article.
        gtin: Gtin,
    },
    /// It was sold already: ask the cashier.
    AlreadySold {
        /// The thing.
        epc: EpcBytes,
    },
    /// No article can be read from it: ask for its barcode.
    NoArticle {
        /// The thing.
        epc: EpcBytes,
        /// Why; `None`: it is no single trade item.
        reason: Option<EpcFaultReason>,
    },
    /// A thing of the open basket is off the pad. No line is removed for it.
    TakenOff {
        /// The thing.
        epc: EpcBytes,
    },
}

#[derive(Clone, Copy, Debug)]
struct OnPad {
    reads: u32,
    last_ms: u64,
    told: bool,
}

/// A pad.
#[derive(Clone, Debug)]
pub struct TillPad {
    config: PadConfig,
    on_pad: BTreeMap<EpcBytes, OnPad>,
    /// Of the open basket.
    lines: BTreeSet<EpcBytes>,
}

impl TillPad {
    /// An empty pad.
    #[must_use]
    pub fn new(config: PadConfig) -> TillPad {
        TillPad {
            config,
            on_pad: BTreeMap::new(),
            lines: BTreeSet::new(),
        }
    }

    /// Goes on with things that stand in a basket: one that was open before a restart, or lines that came
    /// in another way.
    pub fn restore(&mut self, lines: impl IntoIterator<Item = EpcBytes>) {
        self.lines.extend(lines.into_iter().take(PAD_TAGS_MAX));
    }

    /// Takes a read of the pad's antennas, with what is sold by now.
    pub fn read(&mut self, read: &Read, sold: &SoldThings, out: &mut Vec<PadEvent>) {
        let is_weak = |least| read.rssi_centi_dbm.is_some_and(|rssi| rssi < least);
        if self.config.rssi_centi_dbm_min.is_some_and(is_weak) {
            return;
        }
        if self.on_pad.len() >= PAD_TAGS_MAX && !self.on_pad.contains_key(&read.epc) {
            return;
        }
        let tag = self.on_pad.entry(read.epc).or_insert(OnPad {
            reads: 0,
            last_ms: read.at_ms,
            told: false,
        });
        tag.reads = tag.reads.saturating_add(u32::from(read.count.max(1)));
        tag.last_ms = tag.last_ms.max(read.at_ms);
        if tag.told || tag.reads < u32::from(self.config.reads_min) {
            return;
        }
        tag.told = true;
        if self.lines.contains(&read.epc) {
            return;
        }
        out.push(self.meaning(read.epc, sold));
    }

    fn meaning(&mut self, epc: EpcBytes, sold: &SoldThings) -> PadEvent {
        if sold.is_sold(&Thing::of(&epc)) {
            return PadEvent::AlreadySold { epc };
        }
        match Tag::decode(epc.as_slice()) {
            Ok(tag) if tag.is_point_of_sale_item() => match tag.identity.gtin() {
                Some(gtin) => {
                    self.lines.insert(epc);
                    PadEvent::Line { epc, gtin }
                }
                None => PadEvent::NoArticle { epc, reason: None },
            },
            Ok(_) => PadEvent::NoArticle { epc, reason: None },
            Err(fault) => PadEvent::NoArticle {
                epc,
                reason: Some(fault.reason),
            },
        }
    }

    /// Time goes on: tags without reads are off the pad.
    pub fn advance(&mut self, now_ms: u64, out: &mut Vec<PadEvent>) {
        let (config, lines) = (self.config, &self.lines);
        self.on_pad.retain(|epc, tag| {
            let here = tag.last_ms.saturating_add(config.gone_ms) > now_ms;
            if !here && lines.contains(epc) {
                out.push(PadEvent::TakenOff { epc: *epc });
            }
            here
        });
    }

    /// The cashier removed the line of a thing: it may become one again when it is laid on anew.
    pub fn removed(&mut self, epc: &EpcBytes) {
        self.lines.remove(epc);
    }

    /// The basket ended. What was sold stays told while it lies there.
    pub fn basket_ended(&mut self, is_sold: bool) {
        let lines = std::mem::take(&mut self.lines);
        if is_sold {
            return;
        }
        // Given up: what still lies there is offered to the next basket.
        for epc in lines {
            if let Some(tag) = self.on_pad.get_mut(&epc) {
                tag.told = false;
            }
        }
    }
}
