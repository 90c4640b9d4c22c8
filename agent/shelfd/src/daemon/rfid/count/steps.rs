//! The steps of a count: begin, walk, confirm, post.

use std::collections::BTreeSet;

use shelf_codecs::barcode::Gtin;
use shelf_codecs::epc::EpcBytes;
use shelf_ledger::{RecordError, Tx};
use shelf_sessions::presence::ZoneId;
use shelf_stock::document::{CountLine, CountScope, Draft, Kind};
use shelf_stock::location::Location;
use shelf_stock::name::{AreaId, Code, ItemId, SessionId};
use shelf_stock::quantity::Quantity;

use super::{
    COUNTS_MAX, CountPosted, CountRefusal, CountStatus, Counting, EXPECTED_MAX, Head, KEY,
    read_key, suspects,
};
use crate::config::ZoneKind;
use crate::daemon::rfid::Room;
use crate::platform;

/// Lines of one count document.
const LINES_MAX: usize = 500;

impl Room {
    /// Begins a count of a zone; what is seen there now is what should be there.
    pub(crate) fn count_begin(
        &self,
        session: &SessionId,
        zone: &str,
    ) -> Result<CountStatus, CountRefusal> {
        let refuse = |name, why: &str| Err(CountRefusal::Field(name, why.to_owned()));
        let plan = self.plan.named(zone);
        let Some(plan) = plan.filter(|it| it.kind == ZoneKind::Area) else {
            return refuse("zone", "there is no area of this name");
        };
        let inside = self.locked();
        if inside.counts.open.contains_key(session) {
            return refuse("session", "this count is open already");
        }
        if inside.counts.open.len() >= COUNTS_MAX {
            return refuse("session", "too many counts are open: post or drop one");
        }
        if inside.counts.open.values().any(|it| it.zone == plan.id) {
            return refuse("zone", "it is being counted already");
        }
        let present = inside.floor.present();
        drop(inside);
        type Things = Vec<(EpcBytes, ZoneId)>;
        let (here, there): (Things, Things) = present.into_iter().partition(|it| it.1 == plan.id);
        if here.len() > EXPECTED_MAX {
            return refuse("zone", "more things are there than one count can expect");
        }
        let head = Head {
            zone: zone.to_owned(),
            expected: here.iter().map(|it| it.0.to_string()).collect(),
            elsewhere: there
                .iter()
                .take(EXPECTED_MAX)
                .map(|it| (it.0.to_string(), it.1.0))
                .collect(),
            passes: 0,
            confirmed: Vec::new(),
        };
        self.keep_head(session, &head)?;
        let counting = Counting::new(plan.id, head, BTreeSet::new());
        let status = counting.status(session);
        self.locked().counts.open.insert(session.clone(), counting);
        Ok(status)
    }

    /// How a count stands; `None`: it is not open.
    pub(crate) fn count_status(&self, session: &SessionId) -> Option<CountStatus> {
        let inside = self.locked();
        let counting = inside.counts.open.get(session)?;
        Some(counting.status(session))
    }

    /// All open counts, by name.
    pub(crate) fn counts(&self) -> Vec<CountStatus> {
        let inside = self.locked();
        let open = inside.counts.open.iter();
        open.map(|(name, it)| it.status(name)).collect()
    }

    /// The whole zone was walked.
    pub(crate) fn count_pass(&self, session: &SessionId) -> Result<CountStatus, CountRefusal> {
        self.change(session, |it| {
            it.machine.end_pass();
            if it.head.passes == it.machine.passes() {
                let why = "nothing was read since the last walk: does the reader read?".to_owned();
                return Err(CountRefusal::Field("do", why));
            }
            it.head.passes = it.machine.passes();
            Ok(())
        })
    }

    /// A person looked: this thing is not there.
    pub(crate) fn count_confirm(
        &self,
        session: &SessionId,
        epc: EpcBytes,
    ) -> Result<CountStatus, CountRefusal> {
        self.change(session, |it| {
            let text = epc.to_string();
            if !it.head.expected.contains(&text) || it.read.contains(&epc) {
                let why = "it is not among the missing".to_owned();
                return Err(CountRefusal::Field("epc", why));
            }
            it.machine.confirm_missing(epc);
            it.head.confirmed.push(text);
            Ok(())
        })
    }

    fn change(
        &self,
        session: &SessionId,
        change: impl FnOnce(&mut Counting) -> Result<(), CountRefusal>,
    ) -> Result<CountStatus, CountRefusal> {
        let (head, status) = {
            let mut inside = self.locked();
            let counting = inside.counts.open.get_mut(session).ok_or_else(not_open)?;
            change(counting)?;
            (counting.head.clone(), counting.status(session))
        };
        self.keep_head(session, &head)?;
        Ok(status)
    }

    fn keep_head(&self, session: &SessionId, head: &Head) -> Result<(), CountRefusal> {
        let key = format!("{KEY}{session}");
        let json = serde_json::to_string(head)
            .map_err(|error| CountRefusal::Field("zone", error.to_string()))?;
        let put = move |tx: &mut Tx<'_>| tx.setting_put(&key, &json);
        let done = self.around.writer.execute_blocking("count", put).wait();
        done.map_err(CountRefusal::Table)
    }

    /// Makes the count the book's, for articles without suspects. With suspects left the count stays open.
    pub(crate) fn count_post(&self, session: &SessionId) -> Result<CountPosted, CountRefusal> {
        let (zone, result) = {
            let inside = self.locked();
            let counting = inside.counts.open.get(session).ok_or_else(not_open)?;
            (counting.head.zone.clone(), counting.machine.result())
        };
        let suspects = suspects(&result.epcs);
        let mut posted = CountPosted {
            posted: Vec::new(),
            held_back: Vec::new(),
            unknown: Vec::new(),
        };
        let location = self
            .plan
            .named(&zone)
            .map(|it| it.settings.location.clone());
        let location = match location.as_deref() {
            Some("backroom") => Location::Backroom,
            _ => Location::SalesFloor,
        };
        let now = platform::wall_now();
        let mut lines = Vec::new();
        for (gtin, article) in &result.articles {
            if suspects.contains_key(gtin) {
                posted.held_back.push(gtin.to_string());
                continue;
            }
            let Some(item) = self.item_of(*gtin)? else {
                posted.unknown.push(gtin.to_string());
                continue;
            };
            posted.posted.push(item.clone());
            lines.push(CountLine {
                item,
                location: location.clone(),
                quantity: pieces(article.read),
                effective: now,
            });
        }
        let is_whole = posted.held_back.is_empty();
        self.record(session, &zone, &location, lines, is_whole)?;
        if is_whole {
            self.locked().counts.open.remove(session);
        }
        self.around.bell.ring();
        Ok(posted)
    }

    fn item_of(&self, gtin: Gtin) -> Result<Option<ItemId>, CountRefusal> {
        let Ok(code) = Code::new(gtin.to_string()) else {
            return Ok(None);
        };
        let found = self
            .around
            .lookup
            .readers()
            .with(|ledger| ledger.item_by_code(&code));
        Ok(found.map_err(CountRefusal::Read)?.map(|it| it.id))
    }

    /// Count documents and their closing, in one transaction with the end of the count.
    fn record(
        &self,
        session: &SessionId,
        zone: &str,
        location: &Location,
        lines: Vec<CountLine>,
        is_whole: bool,
    ) -> Result<(), CountRefusal> {
        let area = AreaId::new(zone).map_err(|error| {
            CountRefusal::Field("zone", format!("its name can't be an area: {error}"))
        })?;
        let mut drafts = Vec::new();
        for some in lines.chunks(LINES_MAX) {
            drafts.push(Draft::new(Kind::Count {
                session: session.clone(),
                area: area.clone(),
                counted: some.to_vec(),
            }));
        }
        for some in lines.chunks(LINES_MAX) {
            let listed = some.iter().map(|it| it.item.clone()).collect();
            drafts.push(Draft::new(Kind::CountClose {
                session: session.clone(),
                location: location.clone(),
                scope: CountScope::Listed(listed),
            }));
        }
        let name = session.to_string();
        let job = move |tx: &mut Tx<'_>| {
            for draft in &drafts {
                tx.record(draft)?;
            }
            if is_whole {
                tx.setting_drop(&format!("{KEY}{name}"))?;
                for (key, _) in tx.settings_under(&read_key(&name, ""), usize::MAX)? {
                    tx.setting_drop(&key)?;
                }
            }
            Ok::<_, RecordError>(())
        };
        let done = self.around.writer.execute_blocking("count", job).wait();
        done.map_err(CountRefusal::Record)
    }
}

fn not_open() -> CountRefusal {
    CountRefusal::Field("session", "no count of this name is open".into())
}

fn pieces(count: u64) -> Quantity {
    let one = Quantity::ONE.as_thousandths();
    Quantity::thousandths(i64::try_from(count).unwrap_or(0).saturating_mul(one))
}
