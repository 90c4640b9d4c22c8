//! Safety stock: learns each item's demand from the ledger's sales and writes what the store wants
//! withheld from online, hourly and some time after the start.
//!
//! A background job in small pages with pauses between them: a page is read, computed outside of
//! any transaction, and written in one job of the writer together with the cursor that says what
//! was learned, so that nothing is learned twice and a scan never waits for long. Memory is one
//! page. Nothing depends on it for safety: rights bound what can be oversold whatever is forecast.

pub(crate) mod explain;
mod learned;
mod model;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use shelf_ledger::tables::TableError;
use shelf_ledger::{ExecuteError, ReadError, Tx};
use shelf_replica::rights::Safety;
use shelf_replica::store::{LogId, ReadLimits, Store as _};
use shelf_stock::demand::{
    BookError, Calendar, Demand, ExposureWindow, NEVER_COUNTED_DAYS, Ratio, ShopTime, days_between,
    newsvendor, safety_stock,
};
use shelf_stock::document::Document;
use shelf_stock::fold::FoldStore as _;
use shelf_stock::identity::Seq;
use shelf_stock::location::Location;
use shelf_stock::money::Money;
use shelf_stock::name::ItemId;
use shelf_stock::quantity::{Quantity, Unit};
use shelf_stock::time::{Hlc, Timestamp};
use shelf_wire::sealed::Authored;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::counter::chain;
use super::shop::Shop;
use crate::config::SafetySettings;
use crate::platform;
use learned::{Learned, learn};
use model::Model;

/// From the start to the first pass, in milliseconds: first the tills.
const FIRST_PASS_MS: u64 = 20_000;
/// From one pass to the next, in milliseconds.
const PASS_MS: u64 = 3_600_000;
/// Between two pages, in milliseconds.
const PAUSE_MS: u64 = 50;
/// Items of a page.
const PAGE_ITEMS: usize = 50;
/// Documents of a page.
const PAGE: ReadLimits = ReadLimits {
    documents_max: 100,
    bytes_max: 256 * 1024,
};

/// A page of the pass failed; the next pass begins where this one stood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SafetyError {
    /// The ledger can't be read.
    #[error("sales can't be read")]
    Read(#[from] ReadError),
    /// The ledger can't be written.
    #[error("safety stock can't be written")]
    Write(#[from] ExecuteError<TableError>),
}

/// Starts the task.
pub(super) fn start(shop: &Arc<Shop>, stop: watch::Receiver<bool>, tasks: &mut JoinSet<()>) {
    tasks.spawn(run(shop.clone(), stop));
}

async fn run(shop: Arc<Shop>, mut stop: watch::Receiver<bool>) {
    let mut wait_ms = FIRST_PASS_MS;
    loop {
        let work = async {
            pause(wait_ms).await;
            slow_pass(&shop).await
        };
        tokio::select! {
            done = work => if let Err(message) = done {
                tracing::warn!(%message, "the safety stock was not computed to the end");
            },
            _ = stop.wait_for(|it| *it) => return,
        }
        wait_ms = PASS_MS;
    }
}

async fn pause(wait_ms: u64) {
    let until = tokio::time::Instant::now() + Duration::from_millis(wait_ms);
    tokio::time::sleep_until(until).await;
}

async fn slow_pass(shop: &Arc<Shop>) -> Result<(), String> {
    let mut pass = Pass::Start;
    loop {
        let shop = shop.clone();
        let step = tokio::task::spawn_blocking(move || pass.step(&shop));
        let step = step.await.map_err(|it| it.to_string())?;
        match step.map_err(|it| chain(&it))? {
            Pass::Done => return Ok(()),
            next => pass = next,
        }
        pause(PAUSE_MS).await;
    }
}

/// A whole pass at once; waits for the disk.
#[cfg(test)]
pub(crate) fn pass(shop: &Shop) -> Result<(), SafetyError> {
    let mut pass = Pass::Start;
    while !matches!(pass, Pass::Done) {
        pass = pass.step(shop)?;
    }
    Ok(())
}

/// Where a pass stands.
enum Pass {
    Start,
    /// Logs with news, by the time of their next document, latest first.
    Learning(Vec<Unlearned>),
    /// Items above this one are due.
    Computing(Option<ItemId>),
    Done,
}

/// A log with documents that nothing was learned from yet.
struct Unlearned {
    next: Hlc,
    log: LogId,
    after: Seq,
    upto: Seq,
}

fn cursor_key(log: LogId) -> String {
    format!("shelfd.demand.{}.{:016x}", log.node, log.incarnation.0)
}

impl Pass {
    fn step(self, shop: &Shop) -> Result<Self, SafetyError> {
        match self {
            Self::Start => Ok(Self::Learning(unlearned(shop)?)),
            Self::Learning(mut logs) => match logs.pop() {
                None => Ok(Self::Computing(None)),
                Some(log) => {
                    let until = logs.last().map(|it| it.next);
                    logs.extend(page_of_sales(shop, log, until)?);
                    logs.sort_by_key(|it| std::cmp::Reverse(it.next));
                    Ok(Self::Learning(logs))
                }
            },
            Self::Computing(after) => {
                let last = page_of_items(shop, after.as_ref())?;
                Ok(last.map_or(Self::Done, |it| Self::Computing(Some(it))))
            }
            Self::Done => Ok(Self::Done),
        }
    }
}

fn unlearned(shop: &Shop) -> Result<Vec<Unlearned>, ReadError> {
    shop.readers.with(|ledger| {
        let tables = ledger.tables();
        let mut logs = Vec::new();
        for state in tables.logs()? {
            let cursor = tables.state(&cursor_key(state.log))?;
            let after = cursor.and_then(|it| it.try_into().ok());
            let after = Seq(after.map_or(0, u64::from_le_bytes));
            if after < state.upto {
                logs.extend(head(tables, state.log, after, state.upto)?);
            }
        }
        logs.sort_by_key(|it| std::cmp::Reverse(it.next));
        Ok(logs)
    })
}

/// A log with the time of its next readable document.
fn head(
    tables: &impl shelf_replica::store::Store<Error = TableError>,
    log: LogId,
    after: Seq,
    upto: Seq,
) -> Result<Option<Unlearned>, TableError> {
    let one = ReadLimits {
        documents_max: 1,
        ..PAGE
    };
    let next = tables.read(log, after, one)?.into_iter().next();
    let next = next.and_then(|it| Authored::open(it).ok());
    Ok((after < upto).then(|| Unlearned {
        next: next.map_or(Hlc::default(), |it| it.document().hlc),
        log,
        after,
        upto,
    }))
}

/// Learns from a page of a log, as far as no other log has something earlier.
fn page_of_sales(
    shop: &Shop,
    log: Unlearned,
    until: Option<Hlc>,
) -> Result<Option<Unlearned>, SafetyError> {
    let (mut learned, mut items, documents, upto) = shop.readers.with(|ledger| {
        let tables = ledger.tables();
        let mut documents: Vec<Document> = Vec::new();
        let mut upto = log.after;
        for sealed in tables.read(log.log, log.after, PAGE)? {
            let seq = sealed.place().seq;
            let Ok(authored) = Authored::open(sealed) else {
                upto = seq;
                continue;
            };
            let document = authored.into_document();
            if upto > log.after && until.is_some_and(|it| document.hlc > it) {
                break;
            }
            upto = seq;
            documents.push(document);
        }
        let mut items = BTreeMap::new();
        for item in documents.iter().flat_map(learned::sold_items) {
            if let Entry::Vacant(place) = items.entry(item) {
                let known = known(ledger, place.key())?;
                place.insert(known);
            }
        }
        let learned = Learned::load(ledger)?;
        Ok((learned, items, documents, upto))
    })?;
    let own = shop.node == log.log.node.to_string();
    for document in &documents {
        learn(&mut learned, &mut items, document, own);
    }
    learn_picks(shop, &mut learned, &documents)?;
    learn_counts(shop, &mut learned, &documents)?;
    let rows: Vec<(ItemId, Safety)> = items
        .into_iter()
        .map(|(item, known)| (item, known.into_row()))
        .collect();
    let key = cursor_key(log.log);
    let state = learned.to_bytes();
    let job = move |tx: &mut Tx<'_>| {
        let mut store = tx.replica_store();
        for (item, row) in &rows {
            row.save(&mut store, item)?;
        }
        store.set_state(learned::STATE_KEY, &state)?;
        store.set_state(&key, &upto.0.to_le_bytes())
    };
    shop.writer.execute_blocking("demand", job).wait()?;
    // Nothing came where something should be: the log is left alone until the next pass.
    if upto == log.after {
        return Ok(None);
    }
    Ok(shop
        .readers
        .with(|ledger| head(ledger.tables(), log.log, upto, log.upto))?)
}

/// How long orders waited until they were picked.
fn learn_picks(
    shop: &Shop,
    learned: &mut Learned,
    documents: &[Document],
) -> Result<(), ReadError> {
    use shelf_replica::orders::StoredOrder;
    for (order, picked) in documents.iter().filter_map(learned::pick) {
        let stored = shop
            .readers
            .with(|ledger| StoredOrder::load(ledger.tables(), order))?;
        if let Some(stored) = stored {
            learned.picked(stored.order.accepted, picked);
        }
    }
    Ok(())
}

/// How fast the book goes wrong.
fn learn_counts(
    shop: &Shop,
    learned: &mut Learned,
    documents: &[Document],
) -> Result<(), ReadError> {
    for (item, location) in documents.iter().flat_map(learned::counts) {
        let steps = shop
            .readers
            .with(|ledger| ledger.tables().steps(&item, &location))?;
        if let [.., before, last] = steps.as_slice() {
            let (before_ms, last_ms) = (
                before.cut.effective.as_millis(),
                last.cut.effective.as_millis(),
            );
            let missing = last.variance.negated();
            let days = days_between(before_ms, last_ms);
            learned.losses.counted(missing, Quantity::ZERO, days);
        }
    }
    Ok(())
}

/// What is known of an item: its row, its model, its book.
pub(super) struct Known {
    pub(super) row: Safety,
    pub(super) model: Option<Model>,
    pub(super) unit: Unit,
    pub(super) book: Quantity,
}

impl Known {
    fn into_row(self) -> Safety {
        Safety {
            model: self.model.map_or(self.row.model, |it| it.to_bytes()),
            unit: self.unit,
            ..self.row
        }
    }
}

fn known(ledger: &shelf_ledger::Read<'_>, item: &ItemId) -> Result<Known, TableError> {
    let row = Safety::load(ledger.tables(), item)?;
    let unit = ledger.item(item)?.map_or(Unit::Piece, |it| it.unit);
    let model = Model::from_bytes(&row.model).filter(|it| it.demand.unit() == unit);
    Ok(Known {
        row,
        model,
        unit,
        book: ledger.book(item)?,
    })
}

/// p*: from the costs, or the service level where no costs are given.
pub(super) fn ratio(settings: &SafetySettings) -> Ratio {
    let cents = |it: u32| Money::minor(it.into());
    if settings.cost_cancelled_cents > 0 || settings.cost_hidden_cents > 0 {
        return newsvendor(
            cents(settings.cost_cancelled_cents),
            cents(settings.cost_hidden_cents),
        );
    }
    let ppm = u32::from(settings.service_level_per_mille) * 1_000;
    Ratio::ppm(ppm).unwrap_or(Ratio::DEFAULT)
}

/// W: what was measured, and the configuration for the rest.
fn window(shop: &Shop, learned: &Learned) -> ExposureWindow {
    let settings = &shop.config.safety;
    let minutes = |it: u32| u64::from(it) * 60_000;
    ExposureWindow {
        capture_lag_ms: learned.capture_lag_ms,
        // One way of the round trip that the hub's acknowledgement made…
        link_ms: shop.ack_ms.load(std::sync::atomic::Ordering::Relaxed) / 2,
        // …and what is left of it.
        hub_commit_ms: shop.ack_ms.load(std::sync::atomic::Ordering::Relaxed) / 2,
        channel_lag_ms: u64::from(settings.channel_lag_s) * 1_000,
        trolley_ms: minutes(settings.trolley_minutes),
        order_to_pick_ms: match learned.pick_ms {
            0 => minutes(settings.pick_minutes),
            measured => measured,
        },
    }
}

/// Computes a page of items; the last one, if there may be more.
fn page_of_items(shop: &Shop, after: Option<&ItemId>) -> Result<Option<ItemId>, SafetyError> {
    let now = platform::wall_now();
    let (mut learned, page) = shop.readers.with(|ledger| {
        let mut page = Vec::new();
        for item in ledger.tables().items(after, PAGE_ITEMS)? {
            let step = ledger.tables().step_last(&item, &Location::SalesFloor)?;
            let counted = step.map(|it| it.cut.effective);
            let known = known(ledger, &item)?;
            page.push((item, known, counted));
        }
        Ok((Learned::load(ledger)?, page))
    })?;
    let last = page.last().map(|it| it.0.clone());
    let is_full = page.len() == PAGE_ITEMS;
    let mut changed = Vec::new();
    for (item, known, counted) in page {
        let before = known.row.clone();
        let after = computed(shop, &mut learned, known, counted, now);
        if after != before {
            changed.push((item, after));
        }
    }
    save(shop, learned, changed)?;
    Ok(last.filter(|_| is_full))
}

/// An item's row as it should be now.
fn computed(
    shop: &Shop,
    learned: &mut Learned,
    known: Known,
    counted: Option<Timestamp>,
    now: Timestamp,
) -> Safety {
    let at = shop_time(now);
    let calendar = Calendar::default();
    let fresh = known.model.is_none();
    let mut model = known
        .model
        .unwrap_or_else(|| Model::new(Demand::new(known.unit, at)));
    let is_here = known.book > Quantity::ZERO;
    let mut moved = fresh;
    if model.demand.in_stock() != is_here {
        model
            .demand
            .stocked(&mut learned.profile, &calendar, at, known.book);
        moved = true;
    }
    let window = window(shop, learned);
    let end = window.end(learned.profile.week(), at);
    let forecast = model.demand.forecast(&learned.profile, &calendar, at, end);
    let error = BookError {
        lost_per_day_millionths: learned.losses.per_day_millionths(),
        days_since_count: counted.map_or(NEVER_COUNTED_DAYS, |it| {
            days_between(it.as_millis(), now.as_millis())
        }),
    };
    let wanted = safety_stock(&forecast, ratio(&shop.config.safety), error);
    let figures = forecast.figures();
    let expected = u64::try_from(figures.expected.as_thousandths()).unwrap_or(0);
    let per_hour = expected.saturating_mul(3_600_000) / figures.window_ms.max(1);
    let same = wanted == known.row.safety_stock && per_hour == known.row.demand_milli_per_hour;
    if same && !moved {
        return known.row;
    }
    (model.computed, model.window, model.error) = (now, window, error);
    Safety {
        safety_stock: wanted,
        demand_milli_per_hour: per_hour,
        unit: known.unit,
        model: model.to_bytes(),
    }
}

fn save(shop: &Shop, learned: Learned, changed: Vec<(ItemId, Safety)>) -> Result<(), SafetyError> {
    if changed.is_empty() {
        return Ok(());
    }
    let items: Vec<ItemId> = changed.iter().map(|it| it.0.clone()).collect();
    let state = learned.to_bytes();
    let job = move |tx: &mut Tx<'_>| {
        let mut store = tx.replica_store();
        for (item, row) in &changed {
            row.save(&mut store, item)?;
        }
        store.set_state(learned::STATE_KEY, &state)
    };
    shop.writer.execute_blocking("safety stock", job).wait()?;
    if shop.machine.get().is_some() {
        shop.reconsider
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(items);
        shop.ring();
    }
    Ok(())
}

/// What the clocks in the shop show.
pub(crate) fn shop_time(at: Timestamp) -> ShopTime {
    let offset_s = jiff::Timestamp::from_millisecond(at.as_millis())
        .map(|it| jiff::tz::TimeZone::system().to_offset(it).seconds());
    let offset_ms = i64::from(offset_s.unwrap_or(0)) * 1_000;
    ShopTime::from_millis(at.as_millis().saturating_add(offset_ms))
}
