//! Counts by RFID: what was read in a zone against what should be there.
//!
//! The set of EPCs is a fold of its own and kept thing by thing, so that a count survives a restart; only when
//! a person posts it does it become count documents of the book, and only for articles without suspects: a
//! thing that one pass missed is neither there nor gone until a second pass misses it too or a person says so.
//! Goods without tags are counted by barcode in the same session, as another area.

mod steps;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use shelf_codecs::barcode::Gtin;
use shelf_codecs::epc::{EpcBytes, Tag};
use shelf_ledger::tables::TableError;
use shelf_ledger::{ExecuteError, RecordError, Tx, Writer};
use shelf_sessions::presence::{CountConfig, CountSession, Verdict, ZoneId};
use shelf_stock::name::{ItemId, SessionId};

use super::plan::Plan;

/// Counts that are open at the same time.
const COUNTS_MAX: usize = 20;
/// Things that a count expects at most.
const EXPECTED_MAX: usize = 50_000;
/// Passes after which a thing that none of them saw counts as missing.
const PASSES_MIN: u8 = 2;
/// Where counts are kept.
const KEY: &str = "rfid.count/";
/// Where the things are kept that a count has read.
const READ_KEY: &str = "rfid.count_read/";

/// Why a step of a count was not done.
#[derive(Debug)]
pub(crate) enum CountRefusal {
    /// A field can't be used.
    Field(&'static str, String),
    /// The ledger could not take it now.
    Table(ExecuteError<TableError>),
    /// The ledger refused the documents.
    Record(ExecuteError<RecordError>),
    /// The catalogue can't be read.
    Read(shelf_ledger::ReadError),
}

/// A count as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Head {
    zone: String,
    expected: Vec<String>,
    elsewhere: Vec<(String, u16)>,
    passes: u8,
    confirmed: Vec<String>,
}

struct Counting {
    zone: ZoneId,
    head: Head,
    machine: CountSession,
    read: BTreeSet<EpcBytes>,
}

/// The open counts.
#[derive(Default)]
pub(super) struct Counts {
    open: BTreeMap<SessionId, Counting>,
}

/// How a count stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CountStatus {
    /// Its name.
    pub(crate) session: SessionId,
    /// What is counted.
    pub(crate) zone: String,
    /// How often the whole zone was walked.
    pub(crate) passes: u8,
    /// Things read so far.
    pub(crate) read: usize,
    /// Things that should be there.
    pub(crate) expected: usize,
    /// Article by article.
    pub(crate) articles: Vec<CountArticle>,
    /// Things that should be here and were not read.
    pub(crate) missing: Vec<MissingThing>,
    /// Things that should be elsewhere.
    pub(crate) unexpected: Vec<String>,
    /// Things that GS1's standard doesn't explain.
    pub(crate) not_gs1: usize,
}

/// An article of a count.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CountArticle {
    /// Its GTIN, in 14 digits.
    pub(crate) gtin: String,
    /// How many should be there.
    pub(crate) expected: u64,
    /// How many were read.
    pub(crate) read: u64,
    /// Things that only one pass missed so far: the article can't be posted yet.
    pub(crate) suspects: u64,
}

/// A thing that should be there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MissingThing {
    /// Its tag.
    pub(crate) epc: String,
    /// Missed in enough passes, or a person looked.
    pub(crate) confirmed: bool,
}

/// What posting did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CountPosted {
    /// Items whose book is what was counted now.
    pub(crate) posted: Vec<ItemId>,
    /// Articles with suspects: walk the zone again, or confirm.
    pub(crate) held_back: Vec<String>,
    /// Articles that the catalogue doesn't have.
    pub(crate) unknown: Vec<String>,
}

impl Counts {
    /// The counts that were open before a restart.
    pub(super) fn load(writer: &Writer, plan: &Plan) -> Self {
        let load = |tx: &mut Tx<'_>| {
            let heads = tx.settings_under(KEY, COUNTS_MAX)?;
            let mut all = Vec::new();
            for (key, head) in heads {
                let session = key.strip_prefix(KEY).unwrap_or_default().to_owned();
                let read = tx.settings_under(&read_key(&session, ""), usize::MAX)?;
                all.push((session, head, read));
            }
            Ok::<_, TableError>(all)
        };
        let rows = writer.execute_blocking("open counts", load).wait();
        let rows = rows.unwrap_or_else(|error| {
            tracing::error!(%error, "open counts by RFID can't be read");
            Vec::new()
        });
        let mut open = BTreeMap::new();
        for (session, head, read) in rows {
            let found = SessionId::new(&session).ok();
            let head: Option<Head> = serde_json::from_str(&head).ok();
            let (Some(session), Some(head)) = (found, head) else {
                continue;
            };
            let Some(zone) = plan.named(&head.zone) else {
                continue;
            };
            let epc = |(key, _): &(String, String)| EpcBytes::from_hex(key.rsplit('/').next()?);
            let read = read.iter().filter_map(epc).collect();
            open.insert(session, Counting::new(zone.id, head, read));
        }
        Self { open }
    }

    /// Things of a zone that an open count there has not read yet.
    pub(super) fn news(&self, zone: ZoneId, epc: &EpcBytes) -> Option<&SessionId> {
        let mut open = self.open.iter();
        let fresh = open.find(|(_, it)| it.zone == zone && !it.read.contains(epc));
        fresh.map(|it| it.0)
    }

    /// Notes that a thing was read again in a pass.
    pub(super) fn seen(&mut self, zone: ZoneId, epc: &EpcBytes) {
        for it in self.open.values_mut().filter(|it| it.zone == zone) {
            if it.read.contains(epc) {
                it.machine.read(*epc);
            }
        }
    }

    /// Takes things that are durable now.
    pub(super) fn taken(&mut self, things: &[(SessionId, EpcBytes)]) {
        for (session, epc) in things {
            if let Some(it) = self.open.get_mut(session) {
                it.read.insert(*epc);
                it.machine.read(*epc);
            }
        }
    }
}

fn read_key(session: &str, epc: &str) -> String {
    format!("{READ_KEY}{session}/{epc}")
}

/// Makes things that counts have read durable.
pub(super) fn write(
    writer: &Writer,
    things: Vec<(SessionId, EpcBytes)>,
) -> Result<(), ExecuteError<TableError>> {
    let put = move |tx: &mut Tx<'_>| {
        things.iter().try_for_each(|(session, epc)| {
            tx.setting_put(&read_key(session.as_str(), &epc.to_string()), "")
        })
    };
    writer.execute_blocking("counted things", put).wait()
}

impl Counting {
    fn new(zone: ZoneId, head: Head, read: BTreeSet<EpcBytes>) -> Self {
        let hex = |it: &String| EpcBytes::from_hex(it);
        let elsewhere = head.elsewhere.iter();
        let mut machine = CountSession::new(CountConfig {
            zone,
            expected: head.expected.iter().filter_map(hex).collect(),
            elsewhere: elsewhere
                .filter_map(|(epc, zone)| Some((hex(epc)?, ZoneId(*zone))))
                .collect(),
            passes_min: PASSES_MIN,
        });
        for _ in 0..head.passes {
            read.iter().for_each(|it| machine.read(*it));
            machine.end_pass();
        }
        read.iter().for_each(|it| machine.read(*it));
        let confirmed = head.confirmed.iter().filter_map(hex);
        confirmed.for_each(|it| machine.confirm_missing(it));
        Self {
            zone,
            head,
            machine,
            read,
        }
    }

    fn status(&self, session: &SessionId) -> CountStatus {
        let result = self.machine.result();
        let suspects = suspects(&result.epcs);
        let of = |wanted: fn(&Verdict) -> bool| result.epcs.iter().filter(move |it| wanted(it.1));
        let article = |(gtin, it): (&Gtin, &shelf_sessions::presence::GtinCount)| CountArticle {
            gtin: gtin.to_string(),
            expected: it.expected,
            read: it.read,
            suspects: suspects.get(gtin).copied().unwrap_or(0),
        };
        CountStatus {
            session: session.clone(),
            zone: self.head.zone.clone(),
            passes: self.machine.passes(),
            read: self.read.len(),
            expected: self.head.expected.len(),
            articles: result.articles.iter().map(article).collect(),
            missing: of(|it| matches!(it, Verdict::Missing { .. }))
                .map(|(epc, verdict)| MissingThing {
                    epc: epc.to_string(),
                    confirmed: *verdict == Verdict::Missing { confirmed: true },
                })
                .collect(),
            unexpected: of(|it| matches!(it, Verdict::Unexpected { .. }))
                .map(|it| it.0.to_string())
                .collect(),
            not_gs1: of(|it| matches!(it, Verdict::NotGs1(_))).count(),
        }
    }
}

/// How many things of each article only one pass missed.
fn suspects(epcs: &BTreeMap<EpcBytes, Verdict>) -> BTreeMap<Gtin, u64> {
    let mut suspects = BTreeMap::new();
    for (epc, verdict) in epcs {
        if *verdict != (Verdict::Missing { confirmed: false }) {
            continue;
        }
        let tag = Tag::decode(epc.as_slice()).ok();
        if let Some(gtin) = tag.and_then(|it| it.identity.gtin()) {
            *suspects.entry(gtin).or_insert(0) += 1;
        }
    }
    suspects
}
