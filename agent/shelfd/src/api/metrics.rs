//! `/healthz` for supervisors and `/metrics` in Prometheus's text format.
//!
//! Names are `shelfd_<noun>_<unit>`, with `_total` on what only grows. The ledger's own counters
//! appear under their own names, so that a new one is visible without a change here.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use super::problem::Problem;
use super::{Answer, STREAMS_MAX, Site};
use crate::daemon::status::Status;

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
    let ledger = web.shop.metrics.snapshot();
    for (name, help, kind, value) in [
        (
            "ledger_jobs_waiting",
            "Jobs that wait for the ledger's writer.",
            GAUGE,
            ledger.jobs_waiting,
        ),
        (
            "ledger_jobs_committed_total",
            "Jobs answered after a commit.",
            COUNTER,
            ledger.jobs_committed,
        ),
        (
            "ledger_jobs_refused_total",
            "Jobs undone because they returned an error.",
            COUNTER,
            ledger.jobs_refused,
        ),
        (
            "ledger_jobs_panicked_total",
            "Jobs undone because they panicked.",
            COUNTER,
            ledger.jobs_panicked,
        ),
        (
            "ledger_jobs_turned_away_total",
            "Jobs turned away by a full queue.",
            COUNTER,
            ledger.jobs_turned_away,
        ),
        (
            "ledger_commits_total",
            "Transactions committed.",
            COUNTER,
            ledger.commits,
        ),
        (
            "ledger_disk_full_total",
            "Times that the disk was full.",
            COUNTER,
            ledger.disk_full,
        ),
        (
            "ledger_ballast_released_bool",
            "1 once the reserve was given up.",
            GAUGE,
            ledger.ballast_released,
        ),
        (
            "ledger_reopens_total",
            "Times that the database was reopened after a failed commit.",
            COUNTER,
            ledger.fatal_reopens,
        ),
        (
            "ledger_writer_dead_bool",
            "1 while the ledger can't be written.",
            GAUGE,
            ledger.writer_dead,
        ),
        (
            "ledger_checkpoints_total",
            "Checkpoints done.",
            COUNTER,
            ledger.checkpoints,
        ),
        (
            "ledger_wal_bytes",
            "Bytes of the write-ahead log.",
            GAUGE,
            ledger.wal_bytes,
        ),
        (
            "ledger_reads_stopped_total",
            "Reads stopped for taking too long.",
            COUNTER,
            ledger.reads_stopped,
        ),
    ] {
        text.one(name, help, kind, value);
    }
    let free = web.streams.available_permits();
    let streams = u64::try_from(STREAMS_MAX.saturating_sub(free)).unwrap_or(0);
    text.one(
        "http_streams_open",
        "Live streams of pages.",
        GAUGE,
        streams,
    );
    Ok((
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text.0,
    ))
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

    fn by<'a>(
        &mut self,
        (name, help, kind): (&str, &str, &str),
        label: &str,
        rows: impl Iterator<Item = (&'a str, u64)>,
    ) {
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

fn of_status(text: &mut Exposition, status: &Status) {
    let sync = &status.sync;
    let age_ms = sync
        .oldest_unsynced
        .map_or(0, |it| status.as_of.millis_since(it));
    let seconds = |millis: i64| u64::try_from(millis / 1_000).unwrap_or(0);
    text.one(
        "documents_unsynced",
        "Documents that the hub has not committed.",
        GAUGE,
        sync.unsynced,
    );
    text.one(
        "documents_unsynced_bytes",
        "Their bytes.",
        GAUGE,
        sync.unsynced_bytes,
    );
    text.one(
        "documents_unsynced_age_seconds",
        "Age of the oldest of them.",
        GAUGE,
        seconds(age_ms),
    );
    text.one(
        "hub_link_up_bool",
        "1 while connected to the broker.",
        GAUGE,
        u64::from(sync.link_up),
    );
    let silence_ms = sync.hub_heard.map_or(0, |it| status.as_of.millis_since(it));
    text.one(
        "hub_silence_seconds",
        "Since the hub was last heard; 0 before the first time.",
        GAUGE,
        seconds(silence_ms),
    );
    text.one(
        "catalogue_revision",
        "Revision of the catalogue.",
        GAUGE,
        sync.catalogue_revision,
    );
    text.one(
        "documents_stored",
        "Documents in the ledger, of all PCs.",
        GAUGE,
        status.ledger.documents,
    );
    text.one(
        "disk_free_bytes",
        "Bytes free on the ledger's disk.",
        GAUGE,
        status.ledger.disk_free_bytes,
    );
    text.one(
        "baskets_open",
        "Open and parked baskets.",
        GAUGE,
        status.at_risk.baskets,
    );
    let needs = u64::try_from(status.needs_you.len()).unwrap_or(u64::MAX);
    text.one("needs_open", "Things that wait for a person.", GAUGE, needs);
    let devices = || status.devices.iter();
    let up = |state: &str| u64::from(matches!(state, "ready" | "busy"));
    text.by(
        ("device_up_bool", "1 while the device works.", GAUGE),
        "device",
        devices().map(|it| (it.name.as_str(), up(&it.state))),
    );
    text.by(
        ("device_scans_total", "Scans read.", COUNTER),
        "device",
        devices().map(|it| (it.name.as_str(), it.scans)),
    );
    text.by(
        ("device_faults_total", "Damaged reads.", COUNTER),
        "device",
        devices().map(|it| (it.name.as_str(), it.faults)),
    );
    text.by(
        ("till_sales_total", "Sales recorded.", COUNTER),
        "till",
        status.tills.iter().map(|it| (it.name.as_str(), it.sales)),
    );
    text.by(
        (
            "till_payments_unknown",
            "Payments whose outcome nobody knows.",
            GAUGE,
        ),
        "till",
        status.tills.iter().map(|it| {
            (
                it.name.as_str(),
                u64::try_from(it.unsettled).unwrap_or(u64::MAX),
            )
        }),
    );
}
