//! The whole surface over a real ledger in a folder of its own.

mod devices;
mod orders;
mod pages;
mod reports;
mod rfid;
mod weighing;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{ROUTES, openapi, router};
use crate::config::{Config, Fiscal, SalesSourceSetting, TillSettings};
use crate::daemon::shop::WanSwitch;
use crate::daemon::start::{Opened, open};

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const CSV: (&str, &str) = ("content-type", "text/csv");

struct Bench {
    opened: Opened,
    _folder: tempfile::TempDir,
}

struct Said {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} {}", self.status, self.text))
    }
}

fn till(name: &str, sales_source: SalesSourceSetting) -> TillSettings {
    let name = Some(name.parse().unwrap());
    TillSettings {
        name,
        sales_source,
        fiscal: Fiscal::Declared,
        ..TillSettings::default()
    }
}

async fn bench() -> Bench {
    bench_with(None).await
}

async fn bench_with(wan: Option<WanSwitch>) -> Bench {
    bench_of(wan, |_, _| ()).await
}

async fn bench_of(
    wan: Option<WanSwitch>,
    change: impl FnOnce(&mut Config, &std::path::Path),
) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config {
        pc_name: "PC <1>".into(),
        ..Config::default()
    };
    config.ledger.wal_prefill_mib = 0;
    config.ledger.ballast_mib = 0;
    config.till = vec![
        till("front", SalesSourceSetting::Basket),
        till("pos", SalesSourceSetting::Api),
    ];
    change(&mut config, folder.path());
    let data = folder.path().join("data");
    let opened = tokio::task::spawn_blocking(move || open(config, data, wan).unwrap());
    Bench {
        opened: opened.await.unwrap(),
        _folder: folder,
    }
}

impl Bench {
    async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> Said {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "127.0.0.1:8420");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        let peer: SocketAddr = "127.0.0.1:50000".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = router(self.opened.shop.clone())
            .oneshot(request)
            .await
            .unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, 4 << 20).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Said {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }

    async fn get(&self, path: &str) -> Said {
        self.ask(&format!("GET {path}"), &[], "").await
    }

    async fn post(&self, path: &str, body: &Value) -> Said {
        self.ask(&format!("POST {path}"), &[JSON], &body.to_string())
            .await
    }

    async fn on_hand(&self, item: &str) -> i64 {
        self.get(&format!("/api/v1/stock/{item}")).await.json()["on_hand"]
            .as_i64()
            .unwrap()
    }

    /// Two items: tea (GTIN 4006381333931) with ten on the shelf, and nuts by name only.
    async fn stocked(&self) {
        let items = "gtin,name,unit_price,item\n4006381333931,Green <tea>,3.50,tea\n,Nuts,2,nuts\n";
        let said = self.ask("POST /api/v1/items", &[CSV], items).await;
        assert_eq!(
            said.json(),
            json!({"imported": 2, "faults_total": 0, "faults": []})
        );
        let said = self
            .ask(
                "POST /api/v1/opening",
                &[CSV],
                "gtin,quantity\n4006381333931,10\n",
            )
            .await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    }
}

#[tokio::test]
async fn a_sale_at_the_till_by_typed_codes_and_names() {
    let bench = bench().await;
    bench.stocked().await;
    let act = async |body: Value| bench.post("/api/v1/tills/front", &body).await;
    let till = act(json!({"do": "scan", "code": "4006381333931\n"}))
        .await
        .json();
    assert_eq!(till["basket"]["due"], 350);
    let till = act(json!({"do": "scan", "code": "nut"})).await.json();
    assert_eq!(till["basket"]["due"], 550);
    let till = act(json!({"do": "quantity", "quantity": 2})).await.json();
    assert_eq!(till["basket"]["due"], 750);
    let till = act(json!({"do": "pay_cash"})).await.json();
    assert_eq!(till["basket"], Value::Null);
    assert_eq!(bench.on_hand("tea").await, 9_000);
    assert_eq!(bench.on_hand("nuts").await, -2_000);
    let status = bench.get("/api/v1/status").await.json();
    assert_eq!(status["tills"][0]["sales"], 1);
    let undo = act(json!({"do": "undo"})).await.json();
    assert_eq!(undo["message"], "Not now: there is no open basket");
    for (body, status) in [
        (json!({"do": "dance"}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"code": "1"}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!(["do"]), StatusCode::BAD_REQUEST),
        (
            json!({"do": "scan", "code": "no such thing"}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        assert_eq!(act(body.clone()).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn a_form_without_script_goes_back_to_its_page() {
    let bench = bench().await;
    let html = ("accept", "text/html,application/xhtml+xml");
    let said = bench
        .ask(
            "POST /till/front/act?lang=de",
            &[FORM, html],
            "do=mode&mode=return",
        )
        .await;
    assert_eq!(said.status, StatusCode::SEE_OTHER);
    assert_eq!(said.headers[header::LOCATION], "/till/front?lang=de");
    let said = bench
        .ask(
            "POST /till/front/act",
            &[("content-type", "text/plain")],
            "do=undo",
        )
        .await;
    assert_eq!(said.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn an_import_takes_good_rows_and_names_bad_ones() {
    let bench = bench().await;
    let csv = "gtin;name;unit_price\n4006381333931;Pen;1,50\n4006381333930;Bad;1\n;None;2\n96385074;Short;x\n";
    let said = bench.ask("POST /api/v1/items", &[CSV], csv).await.json();
    assert_eq!(said["imported"], 1, "{said}");
    let lines: Vec<u64> = said["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [3, 4, 5]);
    let rows = json!([{"id": "a", "name": "A", "codes": ["96385074"], "price": 5}, {"id": ""}]);
    let said = bench.post("/api/v1/items", &rows).await.json();
    assert_eq!(
        (&said["imported"], &said["faults_total"]),
        (&json!(1), &json!(1))
    );
    let found = bench.get("/api/v1/items?search=pen").await.json();
    assert_eq!(found["items"][0]["price"], 150);
    assert_eq!(
        bench.post("/api/v1/items", &json!({})).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn the_opening_stock_is_one_count_and_repeats_change_nothing() {
    let bench = bench().await;
    bench.stocked().await;
    assert_eq!(bench.on_hand("tea").await, 10_000);
    let rows = "gtin,quantity\n4006381333931,10\n";
    let again = bench.ask("POST /api/v1/opening", &[CSV], rows).await.json();
    assert_eq!(again["again"], true);
    let documents = bench.get("/api/v1/documents").await.json();
    assert_eq!(documents["documents"].as_array().unwrap().len(), 2);
    let bad = bench
        .ask("POST /api/v1/opening", &[CSV], "gtin,quantity\n1,2\n")
        .await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_count_replaces_the_book_and_a_correction_moves_it() {
    let bench = bench().await;
    bench.stocked().await;
    let count = json!({"session": "s", "area": "a", "code": "tea", "quantity": "8"});
    assert_eq!(
        bench.post("/api/v1/counts", &count).await.json()["on_hand"],
        10_000
    );
    let done = json!({"session": "s", "area": "a", "item": "tea", "quantity": 8, "done": true});
    assert_eq!(
        bench.post("/api/v1/counts", &done).await.json()["on_hand"],
        8_000
    );
    let page = bench.get("/count?session=s&area=a").await.text;
    assert!(page.contains("−2"), "{page}");
    let adjust = json!({"code": "tea", "quantity": "-3", "reason": "damaged"});
    assert_eq!(
        bench.post("/api/v1/adjustments", &adjust).await.json()["on_hand"],
        5_000
    );
    for bad in [
        json!({"code": "tea", "quantity": "0", "reason": "x"}),
        json!({"code": "tea", "quantity": "-1"}),
        json!({"code": "coffee", "quantity": "1", "reason": "x"}),
    ] {
        let said = bench.post("/api/v1/adjustments", &bad).await;
        assert_eq!(said.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    assert_eq!(bench.on_hand("tea").await, 5_000);
}

#[tokio::test]
async fn an_unknown_code_is_sold_listed_and_bound() {
    let bench = bench().await;
    bench.stocked().await;
    let act = async |body: Value| bench.post("/api/v1/tills/front", &body).await;
    act(json!({"do": "scan", "code": "5012345678900"})).await;
    act(json!({"do": "price", "price": "3.50"})).await;
    act(json!({"do": "acknowledge"})).await;
    let paid = act(json!({"do": "pay_cash"})).await.json();
    assert_eq!(paid["basket"], Value::Null, "{paid}");
    let unknown = bench.get("/api/v1/unknown").await.json();
    assert_eq!(
        unknown,
        json!({"codes": [{"code": "05012345678900", "lines": 1}]})
    );
    let bind = json!({"code": "5012345678900", "item": "tea"});
    assert_eq!(
        bench.post("/api/v1/bind", &bind).await.json()["on_hand"],
        9_000
    );
    assert_eq!(
        bench.get("/api/v1/unknown").await.json(),
        json!({"codes": []})
    );
    let till = act(json!({"do": "scan", "code": "5012345678900"}))
        .await
        .json();
    assert_eq!(till["basket"]["lines"][0]["name"], "Green <tea>");
}

#[tokio::test]
async fn health_metrics_and_the_demo_switch() {
    let bench = bench().await;
    assert_eq!(bench.get("/healthz").await.json()["status"], "ok");
    let metrics = bench.get("/metrics").await.text;
    for name in [
        "shelfd_documents_unsynced 0",
        "shelfd_till_sales_total{till=\"front\"} 0",
        "shelfd_ledger_commits_total",
    ] {
        assert!(metrics.contains(name), "{name} in {metrics}");
    }
    assert_eq!(
        bench.post("/demo/wan", &json!({"up": false})).await.status,
        StatusCode::NOT_FOUND
    );
    let switch: WanSwitch = Arc::new(|up| up.unwrap_or(true));
    let demo = bench_with(Some(switch)).await;
    assert_eq!(
        demo.post("/demo/wan", &json!({"up": false})).await.json(),
        json!({"up": false})
    );
    let large = "x".repeat(2 << 20);
    let said = bench.ask("POST /api/v1/sales", &[JSON], &large).await;
    assert_eq!(said.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_live_stream_begins_with_the_whole_picture() {
    use tokio_stream::StreamExt as _;
    let bench = bench().await;
    for path in [
        "/events/status",
        "/events/till/front",
        "/events/count?session=s",
    ] {
        let mut request = Request::get(path)
            .header("host", "localhost")
            .body(Body::empty())
            .unwrap();
        let peer: SocketAddr = "127.0.0.1:50000".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = router(bench.opened.shop.clone())
            .oneshot(request)
            .await
            .unwrap();
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
        let mut stream = answer.into_body().into_data_stream();
        let first = stream.next().await.unwrap().unwrap();
        let first = String::from_utf8(first.to_vec()).unwrap();
        assert!(first.starts_with("event: live\ndata: <"), "{path}: {first}");
    }
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let description: Value = serde_json::from_str(openapi::FILE).unwrap();
    let mut described = Vec::new();
    for (path, operations) in description["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            described.push((method.clone(), path.clone()));
        }
    }
    let mut routes: Vec<(String, String)> = ROUTES
        .iter()
        .map(|(method, path)| ((*method).into(), (*path).into()))
        .collect();
    described.sort();
    routes.sort();
    assert_eq!(described, routes);
}
