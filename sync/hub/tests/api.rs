//! The HTTP side, asked as a client asks: status, kind of content, body.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a test says what it expects by failing"
)]

mod support;

use serde_json::json;
use sha2::{Digest, Sha256};
use support::TestHub;

const CSV: &str = "gtin,name,unit_price\n\
                   9520000000011,*Boombox Ipod Classic,16.98\n\
                   9520000000012,wrong check digit,1.00\n\
                   9520000000028,*USB Office Mirror Ball,8.47\n";

#[test]
fn every_path_answers_with_its_status_and_kind() {
    let data = tempfile::tempdir().unwrap();
    let hub = TestHub::start(data.path());
    let json = "application/json";
    let problem = "application/problem+json";
    for (method, path, status, kind) in [
        ("GET", "/healthz", 200, json),
        (
            "GET",
            "/metrics",
            200,
            "text/plain; version=0.0.4; charset=utf-8",
        ),
        ("GET", "/openapi.json", 200, json),
        ("GET", "/api/v1/stores", 200, json),
        ("GET", "/api/v1/stores/berlin/nodes", 404, problem),
        ("GET", "/api/v1/stores/berlin/stock", 404, problem),
        ("GET", "/api/v1/stores/berlin/stock/1", 404, problem),
        ("GET", "/api/v1/stores/berlin/documents", 404, problem),
        (
            "GET",
            "/api/v1/stores/berlin/documents?limit=x",
            400,
            problem,
        ),
        (
            "GET",
            "/api/v1/stores/berlin/documents?node=xyz",
            400,
            problem,
        ),
        ("GET", "/api/v1/catalogue", 200, json),
        ("GET", "/api/v1/catalogue?after=nonsense", 400, problem),
        ("POST", "/api/v1/catalogue", 415, problem),
        ("DELETE", "/api/v1/catalogue", 405, problem),
        ("GET", "/catalogue/1", 404, problem),
        ("GET", "/catalogue/x", 404, problem),
        ("GET", "/", 404, problem),
    ] {
        let answer = hub.ask(method, path, &[], b"");
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("content-type"), Some(kind), "{method} {path}");
        if kind == problem {
            let body = answer.json();
            assert_eq!(body["status"], status, "{method} {path}");
            for field in ["type", "title", "detail", "hint"] {
                assert!(
                    body[field].as_str().is_some_and(|it| !it.is_empty()),
                    "{path} {field}"
                );
            }
        }
    }
    hub.stop();
}

#[test]
fn an_import_reports_bad_rows_and_takes_the_good_ones() {
    let data = tempfile::tempdir().unwrap();
    let hub = TestHub::start(data.path());
    let dry = hub
        .post("/api/v1/catalogue?dry_run=true", "text/csv", CSV)
        .json();
    assert_eq!((&dry["added"], &dry["revision"]), (&json!(2), &json!(1)));
    assert_eq!(hub.get("/api/v1/catalogue").json()["revision"], 0);

    let report = hub
        .post("/api/v1/catalogue", "text/csv; charset=utf-8", CSV)
        .json();
    let bad = json!({"line": 3, "field": "gtin", "value": "9520000000012",
        "problem": "the check digit does not fit: misread or mistyped"});
    assert_eq!(
        report,
        json!({"revision": 1, "dry_run": false, "rows": 3, "added": 2, "changed": 0,
            "unchanged": 0, "rejected": 1, "rejected_rows": [bad]})
    );
    let again = hub.post("/api/v1/catalogue", "text/csv", CSV).json();
    assert_eq!(
        (&again["revision"], &again["unchanged"]),
        (&json!(1), &json!(2))
    );

    let price = r#"[{"gtin": "9520000000028", "name": "Ball", "unit_price": 9}]"#;
    let changed = hub
        .post("/api/v1/catalogue", "application/json", price)
        .json();
    assert_eq!(
        (&changed["revision"], &changed["changed"]),
        (&json!(2), &json!(1))
    );
    let since = hub.get("/api/v1/catalogue?since=1").json();
    assert_eq!(since["items"].as_array().unwrap().len(), 1);
    assert_eq!(since["items"][0]["item"]["price"], 900);

    let stolen = r#"[{"item": "x", "codes": ["9520000000011"], "name": "Thief"}]"#;
    let report = hub
        .post("/api/v1/catalogue", "application/json", stolen)
        .json();
    assert_eq!(report["rejected"], 1, "{report}");
    for (kind, body) in [("application/json", "{"), ("text/csv", "a,b\n")] {
        assert_eq!(
            hub.post("/api/v1/catalogue", kind, body).status,
            422,
            "{kind}"
        );
    }
    hub.stop();
}

#[test]
fn the_catalogue_is_read_page_by_page() {
    let data = tempfile::tempdir().unwrap();
    let hub = TestHub::start(data.path());
    let row = |n: u32| json!({"item": format!("i{n:03}"), "name": "N", "unit_price": "1"});
    let rows: Vec<_> = (0..25).map(row).collect();
    hub.post(
        "/api/v1/catalogue",
        "application/json",
        &json!(rows).to_string(),
    );
    let (mut path, mut seen) = ("/api/v1/catalogue?limit=10".to_owned(), Vec::new());
    loop {
        let page = hub.get(&path).json();
        let items = page["items"].as_array().unwrap();
        seen.extend(
            items
                .iter()
                .map(|it| it["item"]["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        path = format!("/api/v1/catalogue?limit=10&after={next}");
    }
    let expected: Vec<String> = (0..25).map(|n| format!("i{n:03}")).collect();
    assert_eq!(seen, expected);
    hub.stop();
}

#[test]
fn a_snapshot_is_verified_by_its_hash_and_resumed_by_range() {
    let data = tempfile::tempdir().unwrap();
    let hub = TestHub::start(data.path());
    hub.post("/api/v1/catalogue", "text/csv", CSV);
    let metrics = String::from_utf8(hub.get("/metrics").body).unwrap();
    assert!(
        metrics.contains("\nshelf_hub_catalogue_revision 1\n"),
        "{metrics}"
    );
    let whole = hub.get("/catalogue/1");
    assert_eq!(whole.status, 200);
    let hash: String = Sha256::digest(&whole.body)
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect();
    let etag = format!("\"{hash}\"");
    assert_eq!(whole.header("etag"), Some(etag.as_str()));
    let text = String::from_utf8(zstd::decode_all(whole.body.as_slice()).unwrap()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], r#"{"format":1,"revision":1,"items":2}"#);
    let item: shelf_stock::item::Item = serde_json::from_str(lines[1]).unwrap();
    assert_eq!(item.name, "*Boombox Ipod Classic");

    let headers = [("range", "bytes=5-"), ("if-range", etag.as_str())];
    let rest = hub.ask("GET", "/catalogue/1", &headers, b"");
    assert_eq!((rest.status, rest.body.as_slice()), (206, &whole.body[5..]));
    let other = [("range", "bytes=5-"), ("if-range", "\"other\"")];
    assert_eq!(hub.ask("GET", "/catalogue/1", &other, b"").status, 200);
    assert_eq!(
        hub.ask("GET", "/catalogue/1", &[("range", "bytes=99999-")], b"")
            .status,
        416
    );
    let have = [("if-none-match", etag.as_str())];
    assert_eq!(hub.ask("GET", "/catalogue/1", &have, b"").status, 304);
    hub.stop();
}

#[test]
fn an_unpublished_revision_is_published_at_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    let hub = TestHub::start(data.path());
    hub.post("/api/v1/catalogue", "text/csv", CSV);
    let first = hub.get("/catalogue/1").body;
    hub.stop();
    // As after a kill between the import and its file.
    let database = rusqlite::Connection::open(data.path().join("ledger.db")).unwrap();
    database
        .execute("UPDATE hub_catalogue_revision SET sha256 = NULL", [])
        .unwrap();
    drop(database);
    std::fs::remove_dir_all(data.path().join("catalogue")).unwrap();
    let hub = TestHub::start(data.path());
    // Publishing is under way; an import that changes nothing waits for it.
    hub.post("/api/v1/catalogue", "text/csv", CSV);
    assert_eq!(hub.get("/catalogue/1").body, first);
    hub.stop();
}

#[test]
fn a_token_is_asked_for_and_other_hosts_are_refused() {
    let data = tempfile::tempdir().unwrap();
    let hub = TestHub::with_token(data.path(), "s3cret");
    let ask = |value: &str| {
        hub.ask("GET", "/api/v1/stores", &[("authorization", value)], b"")
            .status
    };
    assert_eq!(hub.get("/api/v1/stores").status, 401);
    assert_eq!(hub.get("/healthz").status, 200);
    assert_eq!(
        [
            ask("Bearer s3cret"),
            ask("bearer s3cret"),
            ask("Bearer x"),
            ask("s3cret")
        ],
        [200, 200, 401, 401]
    );
    hub.stop();

    let hub = TestHub::start(data.path());
    let rebound = hub.ask("GET", "/api/v1/stores", &[("host", "evil.example")], b"");
    assert_eq!(rebound.status, 403);
    hub.stop();
}

#[test]
fn a_taken_port_and_a_newer_database_are_said_clearly() {
    let data = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = support::config(data.path());
    config.http.listen = taken.local_addr().unwrap();
    let error = shelf_hub::server::HubServer::start(&config).unwrap_err();
    assert!(error.to_string().contains("another program"), "{error}");

    let database = rusqlite::Connection::open(data.path().join("ledger.db")).unwrap();
    database
        .execute("UPDATE hub_schema SET version = 99", [])
        .unwrap();
    let error = shelf_hub::server::HubServer::start(&support::config(data.path())).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("schema 99"), "{cause}");
}

#[test]
fn the_checked_in_description_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let made = shelf_hub::api::openapi_document();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        checked_in == made,
        "openapi.json is stale: run this test once with UPDATE_OPENAPI=1 and review the change"
    );
    assert!(made.contains("\"openapi\": \"3.1"));
}

#[test]
fn a_client_that_sends_half_a_request_does_not_keep_the_hub_from_stopping() {
    use std::io::Write;
    let data = tempfile::tempdir().unwrap();
    let hub = TestHub::start(data.path());
    let mut slow = std::net::TcpStream::connect(hub.addr()).unwrap();
    slow.write_all(b"POST /api/v1/catalogue HTTP/1.1\r\nhost: localhost\r\n")
        .unwrap();
    // The hub has accepted it by the time it answers another request.
    assert_eq!(hub.get("/healthz").status, 200);
    hub.stop();
    drop(slow);
}
