//! What is told of the zones: to the status page, the API and trading partners.

use serde::{Deserialize, Serialize};
use shelf_codecs::barcode::Gtin;
use shelf_codecs::epc::EpcBytes;
use shelf_codecs::epcis::{Happening, ObjectEvent, document};
use shelf_sessions::presence::{Census, census};
use shelf_stock::name::Code;
use shelf_stock::time::Timestamp;

use super::Room;
use super::floor::{ALARM, Observed};
use super::plan::ZonePlan;
use crate::config::ZoneKind;
use crate::daemon::lookup::Lookup;
use crate::platform;

/// Observations in one answer.
const OBSERVED_SHOWN_MAX: usize = 200;

/// All zones, with what was observed lately.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ZonesStatus {
    /// When this was put together.
    pub(crate) as_of: Timestamp,
    /// The zones.
    pub(crate) zones: Vec<ZoneStatus>,
    /// The last observations, oldest first.
    pub(crate) observed: Vec<Observed>,
    /// Reads of tags that were left out because too many are followed already.
    pub(crate) left_out: u64,
}

/// A zone in short, for the status.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ZoneSummary {
    /// What people call it.
    pub(crate) name: String,
    /// `area`, `till_pad` or `exit`.
    pub(crate) kind: String,
    /// Whether none of its readers reads: what is shown is what was.
    pub(crate) blind: bool,
    /// Tags that are there.
    pub(crate) present: u64,
    /// Sightings since the start.
    pub(crate) reads: u64,
    /// Arrivals since the start.
    pub(crate) arrived: u64,
    /// Departures since the start.
    pub(crate) departed: u64,
}

/// A zone with all that is in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ZoneStatus {
    /// In short.
    #[serde(flatten)]
    pub(crate) summary: ZoneSummary,
    /// Where its goods are in the book.
    pub(crate) location: String,
    /// Its readers.
    pub(crate) readers: Vec<ReaderStatus>,
    /// How many things of each article are there.
    pub(crate) articles: Vec<ArticleCount>,
    /// Cases, pallets, assets and the like.
    pub(crate) other_levels: u64,
    /// Tags that GS1's standard doesn't explain.
    pub(crate) not_gs1: u64,
}

/// A reader of a zone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReaderStatus {
    /// Its name.
    pub(crate) name: String,
    /// Whether it reads.
    pub(crate) sees: bool,
    /// What it last said of itself.
    pub(crate) notice: String,
    /// Sightings since the start.
    pub(crate) reads: u64,
    /// Reads of antennas that no zone has.
    pub(crate) unplaced: u64,
    /// When it last read a tag.
    pub(crate) last_read: Option<Timestamp>,
}

/// How many things of an article are in a zone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ArticleCount {
    /// Its GTIN, in 14 digits.
    pub(crate) gtin: String,
    /// What the catalogue calls it.
    pub(crate) name: Option<String>,
    /// How many.
    pub(crate) epcs: u64,
}

impl Room {
    /// The zones in short.
    pub(crate) fn summaries(&self) -> Vec<ZoneSummary> {
        if !self.has_zones() {
            return Vec::new();
        }
        let inside = self.locked();
        let numbers = inside.floor.numbers();
        let zones = self.plan.zones().iter().zip(numbers);
        zones
            .map(|(zone, present)| {
                let tally = inside.floor.tally(zone.id);
                ZoneSummary {
                    name: zone.settings.name.clone(),
                    kind: kind_word(zone.kind).to_owned(),
                    blind: inside.floor.is_blind(zone.id),
                    present,
                    reads: tally.reads,
                    arrived: tally.arrived,
                    departed: tally.departed,
                }
            })
            .collect()
    }

    /// All zones. Reads the catalogue.
    pub(crate) fn zones(&self) -> ZonesStatus {
        let summaries = self.summaries();
        let (present, observed, left_out, readers) = {
            let inside = self.locked();
            let skipped = inside
                .floor
                .observed()
                .len()
                .saturating_sub(OBSERVED_SHOWN_MAX);
            let observed = inside.floor.observed().iter().skip(skipped).cloned();
            let readers: Vec<Vec<ReaderStatus>> = self
                .plan
                .zones()
                .iter()
                .map(|it| {
                    it.readers
                        .iter()
                        .map(|name| reader(&inside.floor, name))
                        .collect()
                })
                .collect();
            (
                inside.floor.present(),
                observed.collect(),
                inside.floor.left_out(),
                readers,
            )
        };
        let zones = self.plan.zones().iter().zip(summaries).zip(readers);
        let zones = zones.map(|((zone, summary), readers)| {
            let here = present.iter().filter(|it| it.1 == zone.id).map(|it| &it.0);
            status(zone, summary, readers, &census(here), &self.around.lookup)
        });
        ZonesStatus {
            as_of: platform::wall_now(),
            zones: zones.collect(),
            observed,
            left_out,
        }
    }

    /// Arrivals, moves and what left unsold as an EPCIS document, from observation `after` on.
    pub(crate) fn epcis(&self, after: u64) -> String {
        let observed: Vec<Observed> = {
            let inside = self.locked();
            // What a kill could still undo is not told yet.
            let all = inside.floor.durable();
            all.filter(|it| it.n > after).cloned().collect()
        };
        let events: Vec<ObjectEvent> = observed.iter().filter_map(|it| self.event(it)).collect();
        let now = u64::try_from(platform::wall_now().as_millis()).unwrap_or(0);
        document(&events, now)
    }

    /// An observation in the words of the vocabulary; a departure is only that nothing was read.
    fn event(&self, observed: &Observed) -> Option<ObjectEvent> {
        let zone = self.plan.named(observed.to.as_deref()?)?;
        let happening = match (zone.kind, zone.settings.location.as_str()) {
            (ZoneKind::Exit, _) if observed.what == ALARM => Happening::LeftUnknown,
            (ZoneKind::Area, "backroom") => Happening::InBackroom,
            (ZoneKind::Area, _) => Happening::OnFloor,
            _ => return None,
        };
        let epc = EpcBytes::from_hex(&observed.epc)?;
        let at_ms = u64::try_from(observed.at.as_millis()).ok()?;
        let mut event = ObjectEvent::new(happening, at_ms, offset_minutes(observed.at), [&epc])?;
        event.read_point.clone_from(&zone.place);
        event.biz_location.clone_from(&zone.place);
        Some(event)
    }
}

/// How far this place was from UTC then, in minutes.
fn offset_minutes(at: Timestamp) -> i16 {
    let moment = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    let offset = jiff::tz::TimeZone::system().to_offset(moment);
    i16::try_from(offset.seconds() / 60).unwrap_or(0)
}

fn reader(floor: &super::floor::Floor, name: &str) -> ReaderStatus {
    let known = floor.reader(name);
    ReaderStatus {
        name: name.to_owned(),
        sees: known.sees,
        notice: known.notice,
        reads: known.reads,
        unplaced: known.unplaced,
        last_read: known.last_ms.map(Timestamp::from_millis),
    }
}

fn status(
    zone: &ZonePlan,
    summary: ZoneSummary,
    readers: Vec<ReaderStatus>,
    census: &Census,
    lookup: &Lookup,
) -> ZoneStatus {
    let names = names(census.articles.keys().copied(), lookup);
    let articles = census.articles.iter().zip(names);
    ZoneStatus {
        summary,
        location: zone.settings.location.clone(),
        readers,
        articles: articles
            .map(|((gtin, epcs), name)| ArticleCount {
                gtin: gtin.to_string(),
                name,
                epcs: *epcs,
            })
            .collect(),
        other_levels: census.other_levels,
        not_gs1: census.not_gs1,
    }
}

/// What the catalogue calls articles; none where it can't be read.
fn names(gtins: impl Iterator<Item = Gtin>, lookup: &Lookup) -> Vec<Option<String>> {
    let codes: Vec<Option<Code>> = gtins.map(|it| Code::new(it.to_string()).ok()).collect();
    let count = codes.len();
    let read = lookup.readers().with(|ledger| {
        let name = |code: &Option<Code>| match code {
            Some(code) => Ok(ledger.item_by_code(code)?.map(|it| it.name)),
            None => Ok(None),
        };
        codes.iter().map(name).collect::<Result<Vec<_>, _>>()
    });
    read.unwrap_or_else(|error| {
        tracing::error!(%error, "the catalogue can't be read");
        vec![None; count]
    })
}

fn kind_word(kind: ZoneKind) -> &'static str {
    match kind {
        ZoneKind::Area => "area",
        ZoneKind::TillPad => "till_pad",
        ZoneKind::Exit => "exit",
    }
}
