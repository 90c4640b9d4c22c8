//! `/healthz` for supervisors and `/metrics` in Prometheus's text format.
//!
//! Names are `shelfd_<noun>_<unit>`, with `_total` on what only grows. The ledger's own counters
//! appear under their own names, so that a new one is visible without a change here.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use shelf_stock::time::Timestamp;

use super::problem::Problem;
use super::{Answer, STREAMS_MAX, Site};
use crate::daemon::observations::Observation;
use crate::daemon::rfid::ZoneSummary;
use crate::daemon::status::{DeviceStatus, Status, TillStatus};

/// `GET /healthz`: whether the ledger takes and answers.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method's path is not general enough in its lifetimes"
)]
pub(super) async fn health(State(web): Site) -> Answer<Json<serde_json::Value>> {
    let unwell = |what: &str| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unwell", what)
            .hint("look at the status page and the log")
    };
    if web.shop.metrics.snapshot().writer_dead > 0 {
        return Err(unwell("the ledger can't be written"));
    }
    let read = web.read(|ledger| ledger.catalogue_revision()).await;
    read.map_err(|_| unwell("the ledger can't be read"))?;
    Ok(Json(
        serde_json::json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }),
    ))
}

/// `GET /metrics`
pub(super) async fn metrics(State(web): Site) -> Answer<impl IntoResponse> {
    let status = web.board.fresh().await?;
    let mut text = Exposition::default();
    of_status(&mut text, &status);
    of_devices(&mut text, &status.devices);
    of_sensors(&mut text, &web.shop.observations.last());
    of_ledger(&mut text, &web.shop.metrics.snapshot());
    let free = web.streams.available_permits();
    let streams = u64::try_from(STREAMS_MAX.saturating_sub(free)).unwrap_or(0);
    text.one(
        "http_streams_open",
        "Live streams of pages.",
        GAUGE,
        streams,
    );
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text.0))
}

#[rustfmt::skip]
fn of_ledger(text: &mut Exposition, it: &shelf_ledger::MetricsSnapshot) {
    for (name, help, value) in [
        ("jobs_waiting", "Jobs that wait for the ledger's writer.", it.jobs_waiting),
        ("ballast_released_bool", "1 once the reserve was given up.", it.ballast_released),
        ("writer_dead_bool", "1 while the ledger can't be written.", it.writer_dead),
        ("wal_bytes", "Bytes of the write-ahead log.", it.wal_bytes),
    ] {
        text.one(&format!("ledger_{name}"), help, GAUGE, value);
    }
    for (name, help, value) in [
        ("jobs_committed", "Jobs answered after a commit.", it.jobs_committed),
        ("jobs_refused", "Jobs undone because they returned an error.", it.jobs_refused),
        ("jobs_panicked", "Jobs undone because they panicked.", it.jobs_panicked),
        ("jobs_turned_away", "Jobs turned away by a full queue.", it.jobs_turned_away),
        ("commits", "Transactions committed.", it.commits),
        ("disk_full", "Times that the disk was full.", it.disk_full),
        ("reopens", "Times that a failed commit made it reopen the database.", it.fatal_reopens),
        ("checkpoints", "Checkpoints done.", it.checkpoints),
        ("reads_stopped", "Reads stopped for taking too long.", it.reads_stopped),
    ] {
        text.one(&format!("ledger_{name}_total"), help, COUNTER, value);
    }
}

const GAUGE: &str = "gauge";
const COUNTER: &str = "counter";

#[derive(Default)]
struct Exposition(String);

impl Exposition {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a string can't fail.
        let _written = write!(
            self.0,
            "# HELP shelfd_{name} {help}\n# TYPE shelfd_{name} {kind}\n"
        );
    }

    fn one(&mut self, name: &str, help: &str, kind: &str, value: u64) {
        self.head(name, help, kind);
        let _written = writeln!(self.0, "shelfd_{name} {value}");
    }

    fn by(&mut self, (name, help, kind): (&str, &str, &str), label: &str, rows: &[(String, u64)]) {
        self.head(name, help, kind);
        for (of, value) in rows {
            let of = of
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', " ");
            let _written = writeln!(self.0, "shelfd_{name}{{{label}=\"{of}\"}} {value}");
        }
    }
}

#[rustfmt::skip]
fn of_status(text: &mut Exposition, status: &Status) {
    let sync = &status.sync;
    let age = |it: Option<Timestamp>| {
        let millis = it.map_or(0, |it| status.as_of.millis_since(it));
        u64::try_from(millis / 1_000).unwrap_or(0)
    };
    let differing = u64::try_from(status.compare.differing.len()).unwrap_or(u64::MAX);
    let compared = age(status.compare.compared);
    let needs = u64::try_from(status.needs_you.len()).unwrap_or(u64::MAX);
    for (name, help, value) in [
        ("documents_unsynced", "Documents that the hub has not committed.", sync.unsynced),
        ("documents_unsynced_bytes", "Their bytes.", sync.unsynced_bytes),
        ("documents_unsynced_age_seconds", "Age of the oldest.", age(sync.oldest_unsynced)),
        ("documents_stored", "Documents in the ledger, of all PCs.", status.ledger.documents),
        ("hub_link_up_bool", "1 while connected to the broker.", u64::from(sync.link_up)),
        ("hub_silence_seconds", "Since the hub was heard; 0 before.", age(sync.hub_heard)),
        ("catalogue_revision", "Revision of the catalogue.", sync.catalogue_revision),
        ("disk_free_bytes", "Free on the ledger's disk.", status.ledger.disk_free_bytes),
        ("baskets_open", "Open and parked baskets.", status.at_risk.baskets),
        ("needs_open", "Things that wait for a person.", needs),
        ("balances_differing", "Items whose balance is another at the hub.", differing),
        ("balances_compared_age_seconds", "Since balances were compared with the hub's; 0 before.", compared),
    ] {
        text.one(name, help, GAUGE, value);
    }
    let tills = |of: &dyn Fn(&TillStatus) -> u64| -> Vec<(String, u64)> {
        status.tills.iter().map(|it| (it.name.to_string(), of(it))).collect()
    };
    let zones = |of: &dyn Fn(&ZoneSummary) -> u64| -> Vec<(String, u64)> {
        status.zones.iter().map(|it| (it.name.clone(), of(it))).collect()
    };
    let unknown = |it: &TillStatus| u64::try_from(it.unsettled).unwrap_or(u64::MAX);
    for (name, help, kind, label, rows) in [
        ("till_sales_total", "Sales recorded.", COUNTER, "till", tills(&|it| it.sales)),
        ("till_payments_unknown", "Payments of unknown outcome.", GAUGE, "till", tills(&unknown)),
        ("zone_things_present", "Tags that are in the zone.", GAUGE, "zone", zones(&|it| it.present)),
        ("zone_blind_bool", "1 while no reader of the zone reads.", GAUGE, "zone", zones(&|it| u64::from(it.blind))),
        ("zone_reads_total", "Sightings of tags.", COUNTER, "zone", zones(&|it| it.reads)),
        ("zone_arrived_total", "Tags that arrived.", COUNTER, "zone", zones(&|it| it.arrived)),
        ("zone_departed_total", "Tags that left.", COUNTER, "zone", zones(&|it| it.departed)),
    ] {
        text.by((name, help, kind), label, &rows);
    }
}

/// One count of a device.
type OfDevice = fn(&DeviceStatus) -> u64;

#[rustfmt::skip]
fn of_devices(text: &mut Exposition, devices: &[DeviceStatus]) {
    let rows = |of: OfDevice| -> Vec<(String, u64)> {
        devices.iter().map(|it| (it.name.clone(), of(it))).collect()
    };
    let up = rows(|it| u64::from(it.state == "ready"));
    text.by(("device_up_bool", "1 while the device works.", GAUGE), "device", &up);
    let paused = rows(|it| u64::from(it.paused));
    text.by(("device_paused_bool", "1 while a scanner was told not to scan.", GAUGE), "device", &paused);
    let held = rows(|it| it.counters.spilled_bytes_peak);
    text.by(("device_held_bytes_peak", "Most bytes ever held back for it.", GAUGE), "device", &held);
    let counts: [(&str, &str, OfDevice); 11] = [
        ("scans", "Whole messages: scans, weights, reads.", |it| it.scans),
        ("faults", "Damaged messages.", |it| it.faults),
        ("bytes_in", "Bytes read.", |it| it.counters.bytes_in),
        ("bytes_out", "Bytes written.", |it| it.counters.bytes_out),
        ("opens", "Attempts to open.", |it| it.counters.opens),
        ("reopens", "Successful openings after the first.", |it| it.counters.reopens),
        ("stalls", "Times that it waited for this PC.", |it| it.counters.stalls),
        ("panics", "Times that its driver failed.", |it| it.counters.panics),
        ("commands_failed", "Commands that did not reach it.", |it| it.counters.commands_failed),
        ("resets", "Times that it hung and was reset over USB.", |it| it.counters.resets),
        ("relays_failed", "Scans that did not reach the POS.", |it| it.counters.relays_failed),
    ];
    for (name, help, of) in counts {
        text.by((&format!("device_{name}_total"), help, COUNTER), "device", &rows(of));
    }
}

fn of_sensors(text: &mut Exposition, last: &[Observation]) {
    text.head("sensor_value", "The last value of another sensor.", GAUGE);
    for it in last {
        let label = |it: &str| it.replace('\\', "\\\\").replace('"', "\\\"");
        // Writing to a string can't fail.
        let _written = writeln!(
            text.0,
            "shelfd_sensor_value{{sensor=\"{}\",kind=\"{}\",unit=\"{}\"}} {}",
            label(&it.sensor),
            label(&it.kind),
            label(&it.unit),
            it.value
        );
    }
}
