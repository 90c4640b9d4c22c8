//! A cycle count by RFID: what should be in a zone against what was read in it.
//!
//! One pass misses tags, so what was not read is *suspect* until a second pass misses it too or a person
//! confirms it; only then may somebody make it a stock change, and never this module. Goods without tags
//! are counted by barcode in the same session.

use std::collections::{BTreeMap, BTreeSet};

use shelf_codecs::barcode::Gtin;
use shelf_codecs::epc::{EpcBytes, EpcFaultReason, Tag};

use super::ZoneId;
use super::census::census;

/// Most tags in one count.
pub const COUNT_TAGS_MAX: usize = 500_000;

/// What is counted.
#[derive(Clone, Debug)]
pub struct CountConfig {
    /// The zone.
    pub zone: ZoneId,
    /// EPCs that should be in the zone.
    pub expected: BTreeSet<EpcBytes>,
    /// EPCs that are known to be elsewhere, and where.
    pub elsewhere: BTreeMap<EpcBytes, ZoneId>,
    /// After so many passes without a read a tag counts as missing; at least 2.
    pub passes_min: u8,
}

/// What a count found of one EPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Expected and read.
    Matched,
    /// Expected and not read. Not confirmed: it may only have been missed.
    Missing {
        /// Missed in enough passes, or confirmed by a person.
        confirmed: bool,
    },
    /// Read, but it should be in another zone.
    Unexpected {
        /// Where it should be.
        from: ZoneId,
    },
    /// Read, a legal EPC that nobody commissioned.
    Unknown,
    /// Read, but not explained by GS1's standard.
    NotGs1(EpcFaultReason),
}

/// What a count found of one article.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GtinCount {
    /// EPCs that should be there.
    pub expected: u64,
    /// EPCs read.
    pub read: u64,
    /// Pieces counted by barcode.
    pub by_barcode: u64,
    /// Missing EPCs that are confirmed.
    pub missing_confirmed: u64,
}

/// What a count found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountResult {
    /// Each EPC.
    pub epcs: BTreeMap<EpcBytes, Verdict>,
    /// Each article.
    pub articles: BTreeMap<Gtin, GtinCount>,
}

/// A count that goes on. Adding a read twice changes nothing.
#[derive(Clone, Debug)]
pub struct CountSession {
    config: CountConfig,
    read: BTreeSet<EpcBytes>,
    confirmed: BTreeSet<EpcBytes>,
    by_barcode: BTreeMap<Gtin, u64>,
    passes: u8,
    read_in_pass: bool,
    left_out: u64,
}

impl CountSession {
    /// Begins with the first pass.
    #[must_use]
    pub fn new(config: CountConfig) -> CountSession {
        CountSession {
            config: CountConfig {
                passes_min: config.passes_min.max(2),
                ..config
            },
            read: BTreeSet::new(),
            confirmed: BTreeSet::new(),
            by_barcode: BTreeMap::new(),
            passes: 0,
            read_in_pass: false,
            left_out: 0,
        }
    }

    /// A tag was read in the zone.
    pub fn read(&mut self, epc: EpcBytes) {
        self.read_in_pass = true;
        if self.read.len() < COUNT_TAGS_MAX || self.read.contains(&epc) {
            self.read.insert(epc);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    /// Pieces without tags were counted by barcode.
    pub fn barcode(&mut self, gtin: Gtin, pieces: u64) {
        let sum = self.by_barcode.entry(gtin).or_insert(0);
        *sum = sum.saturating_add(pieces);
    }

    /// The whole zone was walked. A pass in which nothing was read proves nothing and doesn't count.
    pub fn end_pass(&mut self) {
        if std::mem::take(&mut self.read_in_pass) {
            self.passes = self.passes.saturating_add(1);
        }
    }

    /// A person looked and confirms that this thing is not there.
    pub fn confirm_missing(&mut self, epc: EpcBytes) {
        if self.config.expected.contains(&epc) {
            self.confirmed.insert(epc);
        }
    }

    /// Passes walked so far.
    #[must_use]
    pub fn passes(&self) -> u8 {
        self.passes
    }

    /// Tags that were not taken because there were [`COUNT_TAGS_MAX`] already.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// What is found so far; may be asked at any time.
    #[must_use]
    pub fn result(&self) -> CountResult {
        let mut result = CountResult::default();
        for epc in &self.read {
            result.epcs.insert(*epc, self.verdict(epc));
        }
        let enough = self.passes >= self.config.passes_min;
        for epc in self.config.expected.difference(&self.read) {
            let confirmed = enough || self.confirmed.contains(epc);
            result.epcs.insert(*epc, Verdict::Missing { confirmed });
        }
        self.articles(&mut result);
        result
    }

    fn verdict(&self, epc: &EpcBytes) -> Verdict {
        if self.config.expected.contains(epc) {
            return Verdict::Matched;
        }
        if let Some(&from) = self.config.elsewhere.get(epc) {
            return Verdict::Unexpected { from };
        }
        match Tag::decode(epc.as_slice()) {
            Ok(_) => Verdict::Unknown,
            Err(fault) => Verdict::NotGs1(fault.reason),
        }
    }

    fn articles(&self, result: &mut CountResult) {
        let articles = &mut result.articles;
        for (gtin, pieces) in census(&self.config.expected).articles {
            articles.entry(gtin).or_default().expected = pieces;
        }
        for (gtin, pieces) in census(&self.read).articles {
            articles.entry(gtin).or_default().read = pieces;
        }
        for (gtin, pieces) in &self.by_barcode {
            articles.entry(*gtin).or_default().by_barcode = *pieces;
        }
        let gone = |it: &(&EpcBytes, &Verdict)| *it.1 == Verdict::Missing { confirmed: true };
        let missing = census(result.epcs.iter().filter(gone).map(|it| it.0));
        for (gtin, pieces) in missing.articles {
            articles.entry(gtin).or_default().missing_confirmed = pieces;
        }
    }
}
