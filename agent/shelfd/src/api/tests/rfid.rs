//! Reads of handheld readers, and what the zones then show.

use super::*;
use crate::config::ZoneSettings;

async fn zoned() -> Bench {
    bench_of(None, |config, _| {
        config.zone = vec![ZoneSettings {
            name: "backroom".into(),
            location: "backroom".into(),
            ..ZoneSettings::default()
        }];
    })
    .await
}

#[tokio::test]
async fn a_batch_of_a_sled_is_taken_once_and_shown() {
    let bench = zoned().await;
    let batch = json!({
        "batch": "sled-7/12",
        "zone": "backroom",
        "reads": [
            { "epc": "3034F487B4209C400000002A", "rssi_dbm": -40 },
            { "epc": "urn:epc:tag:sgtin-96:1.4006381.033393.43" },
            { "epc": "urn:epc:id:sgtin:4006381.033393.43" },
            { "epc": "E28011700000020D" },
        ],
    });
    let first = bench.post("/api/v1/rfid/reads", &batch).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    assert_eq!(first.json()["things"], 3);
    let again = bench.post("/api/v1/rfid/reads", &batch).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json()["again"], true);
    let mut other = batch.clone();
    other["reads"] = json!([]);
    let other = bench.post("/api/v1/rfid/reads", &other).await;
    assert_eq!(other.status, StatusCode::CONFLICT);

    let zones = bench.get("/api/v1/rfid/zones").await.json();
    let zone = &zones["zones"][0];
    assert_eq!(zone["present"], 3, "{zones}");
    assert_eq!(zone["not_gs1"], 1);
    // No reader is there: what is shown is what was.
    assert_eq!(zone["blind"], true);
    assert_eq!(zone["articles"][0]["gtin"], "04006381333931");
    assert_eq!(zone["articles"][0]["epcs"], 2);
    let page = bench.get("/").await.text;
    assert!(page.contains("backroom") && page.contains("No reader works here"));
}

#[tokio::test]
async fn what_is_no_batch_is_refused_in_words() {
    let bench = zoned().await;
    let wrong = [
        json!({ "batch": "1", "zone": "attic", "reads": [] }),
        json!({ "batch": "", "zone": "backroom", "reads": [] }),
        json!({ "batch": "1", "zone": "backroom", "reads": [{ "epc": "banana" }] }),
        json!({ "batch": "1", "zone": "backroom" }),
        json!({ "batch": "1", "zone": "backroom", "reads": [], "colour": "red" }),
    ];
    for body in wrong {
        let said = bench.post("/api/v1/rfid/reads", &body).await;
        assert_eq!(
            said.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            said.text
        );
    }
}

#[tokio::test]
async fn a_count_posts_what_it_is_sure_of_and_a_miss_waits_for_a_second_pass() {
    let bench = zoned().await;
    bench.stocked().await;
    let batch = |number: &str, serials: &[u64]| {
        let epc =
            |it: &u64| json!({ "epc": format!("urn:epc:tag:sgtin-96:1.4006381.033393.{it}") });
        let reads: Vec<Value> = serials.iter().map(epc).collect();
        json!({ "batch": number, "zone": "backroom", "reads": reads })
    };
    let sweep = async |number: &str, serials: &[u64]| {
        let said = bench
            .post("/api/v1/rfid/reads", &batch(number, serials))
            .await;
        assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
    };
    let step = async |body: Value| {
        let said = bench.post("/api/v1/rfid/counts/night", &body).await;
        assert_eq!(said.status, StatusCode::OK, "{body}: {}", said.text);
        said.json()
    };
    sweep("before", &[1, 2, 3]).await;
    let begun = step(json!({ "do": "begin", "zone": "backroom" })).await;
    assert_eq!((&begun["expected"], &begun["read"]), (&json!(3), &json!(0)));
    sweep("first pass", &[1, 2, 4]).await;
    let first = step(json!({ "do": "pass" })).await;
    assert_eq!(first["missing"][0]["confirmed"], false, "{first}");
    let posted = step(json!({ "do": "post" })).await;
    assert_eq!(posted["held_back"], json!(["04006381333931"]));
    assert_eq!(posted["posted"], json!([]));
    sweep("second pass", &[1, 2, 4]).await;
    let second = step(json!({ "do": "pass" })).await;
    assert_eq!(second["missing"][0]["confirmed"], true, "{second}");
    let posted = step(json!({ "do": "post" })).await;
    assert_eq!(posted["posted"], json!(["tea"]));
    // Ten on the floor as before, and three in the backroom.
    assert_eq!(bench.on_hand("tea").await, 13_000);
    let gone = bench.get("/api/v1/rfid/counts/night").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}
