//! Beside another system's till: its receipt printer and its payment terminal are listened to, and
//! what they say becomes evidence, or, where a till's sales are what it prints, its sales; a customer
//! display shows our own till's basket.
//!
//! Bytes go through untouched and at once; what is made of their copy is another task's work, with
//! a bounded queue between them, so that nothing that fails or lags here can stop a printer or a
//! payment. It must never start a payment, and nothing but `tee` moves stock.

mod display;
mod errand;
mod evidence;
mod place;
mod printer;
mod relay;
mod tap;
mod tee;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use shelf_stock::name::TillId;
use shelf_stock::time::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::shop::Shop;
use super::start::StartError;
use crate::config::{Config, TillSettings};
pub(crate) use errand::{Errand, ErrandError, run as run_errand};
use errand::{REQUESTS_MAX, Request};
use place::Place;

/// What is known beside a till.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Beside {
    /// Its receipt printer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) printer: Option<PrinterStanding>,
    /// Its payment terminal, overheard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tap: Option<TapStanding>,
    /// Its customer display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) display: Option<DisplayStanding>,
}

/// A customer display.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct DisplayStanding {
    /// It is written to.
    pub(crate) connected: bool,
    /// Why not, in words.
    pub(crate) trouble: String,
    /// What its two lines show.
    pub(crate) shows: (String, String),
}

/// A receipt printer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a printer's independent sensors"
)]
pub(crate) struct PrinterStanding {
    /// It has said how it is, at least once.
    pub(crate) known: bool,
    /// When it last said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) said_at: Option<Timestamp>,
    /// Another till holds it: it is not asked meanwhile.
    pub(crate) in_use: bool,
    /// The level of its drawer's contact; which level means open is the drawer's.
    pub(crate) drawer_contact: bool,
    /// It can't be reached, in words.
    pub(crate) trouble: String,
    /// It doesn't print.
    pub(crate) offline: bool,
    /// Its cover is open.
    pub(crate) cover_open: bool,
    /// It has no paper.
    pub(crate) paper_end: bool,
    /// It has little paper left.
    pub(crate) paper_near_end: bool,
    /// Its cutter is stuck.
    pub(crate) cutter_error: bool,
    /// Receipts seen since the start.
    pub(crate) receipts: u64,
    /// Of these, such as are images and say nothing.
    pub(crate) receipts_unreadable: u64,
    /// How often its drawer was opened.
    pub(crate) drawer_opened: u64,
    /// Receipts that became sales, returns or voids, where they are the till's sales.
    pub(crate) sales: u64,
    /// Receipts that were known already: printed again.
    pub(crate) copies: u64,
    /// Receipts that wait in the inbox for a person.
    pub(crate) put_aside: u64,
    /// How often the copy lagged and was dropped; printing went on.
    pub(crate) lagged: u64,
    /// The last receipt, masked.
    pub(crate) last_receipt: Vec<String>,
}

/// An overheard terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct TapStanding {
    /// Payments that became evidence since the start.
    pub(crate) payments: u64,
    /// Transactions that were declined or not accepted by the register.
    pub(crate) without_payment: u64,
    /// Runs of bytes that could not be read.
    pub(crate) faults: u64,
    /// How often the copy lagged and was dropped; the dialogue went on.
    pub(crate) lagged: u64,
}

/// What is known beside all tills, and the way to their drawers.
#[derive(Debug, Default)]
pub(crate) struct BesideBoard {
    known: Mutex<BTreeMap<TillId, Beside>>,
    ways: Mutex<BTreeMap<(TillId, Device), mpsc::Sender<Request>>>,
}

impl BesideBoard {
    /// What is known beside a till.
    pub(crate) fn of(&self, till: &TillId) -> Beside {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(till).cloned().unwrap_or_default()
    }

    /// What is known beside each till that has something beside it.
    pub(crate) fn all(&self) -> BTreeMap<TillId, Beside> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// The way to the device that does an errand.
    fn way(&self, till: &TillId, errand: Errand) -> Option<mpsc::Sender<Request>> {
        let device = match errand {
            Errand::Print | Errand::OpenDrawer => Device::Printer,
            Errand::Show => Device::Display,
        };
        let ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        ways.get(&(till.clone(), device)).cloned()
    }

    fn reachable(&self, till: &TillId, device: Device) -> mpsc::Receiver<Request> {
        let (way, requests) = mpsc::channel(REQUESTS_MAX);
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        ways.insert((till.clone(), device), way);
        requests
    }

    fn display(&self, till: &TillId, change: impl FnOnce(&mut DisplayStanding)) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let of_till = known.entry(till.clone()).or_default();
        change(of_till.display.get_or_insert_default());
    }

    fn printer(&self, till: &TillId, change: impl FnOnce(&mut PrinterStanding)) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let of_till = known.entry(till.clone()).or_default();
        change(of_till.printer.get_or_insert_default());
    }

    fn tap(&self, till: &TillId, change: impl FnOnce(&mut TapStanding)) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let of_till = known.entry(till.clone()).or_default();
        change(of_till.tap.get_or_insert_default());
    }
}

/// What errands go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Device {
    Printer,
    Display,
}

/// What is beside one till, as configured.
struct Plan {
    till: TillId,
    printer: Option<(Place, Option<Place>)>,
    tap: Option<(Place, Place)>,
    display: Option<Place>,
}

/// Says what can't be understood, before anything is started.
pub(crate) fn check(config: &Config) -> Result<(), StartError> {
    plans(config).map(drop)
}

fn plans(config: &Config) -> Result<Vec<Plan>, StartError> {
    let named = |it: &TillSettings| Some((it.name.clone()?, it.clone()));
    let tills = config.till.iter().filter_map(named);
    tills.map(|(name, till)| plan(name, &till)).collect()
}

fn plan(till: TillId, settings: &TillSettings) -> Result<Plan, StartError> {
    let wrong = |message: String| StartError::Config { message };
    let place = |key: &str, text: &Option<String>, line: Option<&str>| {
        let read =
            |it: &String| Place::parse(it, line).map_err(|it| wrong(format!("`till.{key}`: {it}")));
        text.as_ref().map(read).transpose()
    };
    let line = settings.printer_line.as_deref();
    let printer = place("printer", &settings.printer, line)?;
    let from = place("printer_from", &settings.printer_from, line)?;
    let terminal = place("tap_terminal", &settings.tap_terminal, Some("9600-8N2"))?;
    let tap = place("tap_from", &settings.tap_from, Some("9600-8N2"))?;
    if from.is_some() && printer.is_none() {
        return Err(wrong("`till.printer_from` needs `till.printer`".into()));
    }
    if tap.is_some() != terminal.is_some() {
        let message = "`till.tap_from` and `till.tap_terminal` belong together";
        return Err(wrong(message.into()));
    }
    Ok(Plan {
        till,
        printer: printer.map(|it| (it, from)),
        tap: tap.zip(terminal),
        display: place("display", &settings.display, None)?,
    })
}

/// Starts everything that is configured, until the daemon stops.
pub(crate) fn start(
    shop: &Arc<Shop>,
    stop: &watch::Receiver<bool>,
    tasks: &mut JoinSet<()>,
) -> Result<(), StartError> {
    for plan in plans(&shop.config)? {
        let till = plan.till;
        if let Some((printer, from)) = plan.printer {
            let requests = shop.beside.reachable(&till, Device::Printer);
            shop.beside.printer(&till, |_| {});
            let work = printer::run(shop.clone(), till.clone(), printer, from, requests);
            tasks.spawn(until_stop(work, stop.clone()));
        }
        if let Some((from, terminal)) = plan.tap {
            shop.beside.tap(&till, |_| {});
            let work = tap::run(shop.clone(), till.clone(), from, terminal);
            tasks.spawn(until_stop(work, stop.clone()));
        }
        if let (Some(place), Some(counter)) = (plan.display, shop.counters.get(&till)) {
            let requests = shop.beside.reachable(&till, Device::Display);
            shop.beside.display(&till, |_| {});
            let work = display::run(shop.clone(), place, counter.clone(), requests);
            tasks.spawn(until_stop(work, stop.clone()));
        }
    }
    Ok(())
}

async fn until_stop(work: impl Future<Output = ()>, mut stop: watch::Receiver<bool>) {
    tokio::select! {
        () = work => {}
        // An error means that the daemon is gone, which is a stop as well.
        _ = stop.wait_for(|it| *it) => {}
    }
}
