//! Devices over the API: a board, a journal, things to try, and pages about them.

use super::*;
use crate::config::DeviceSettings;

/// A PC with one scanner that is not plugged in.
async fn with_scanner() -> Bench {
    bench_of(None, |config, _| {
        config.device.push(DeviceSettings {
            name: "front <1>".into(),
            select: "path:/nonexistent/scanner".into(),
            role: "till:front".into(),
            ..DeviceSettings::default()
        });
    })
    .await
}

#[tokio::test]
async fn a_device_that_is_not_there_is_named_with_what_to_do() {
    let bench = with_scanner().await;
    let board = bench.get("/api/v1/devices").await.json();
    let device = &board["devices"][0];
    assert_eq!(device["kind"], "scanner");
    assert_eq!(device["role"], "till:front");
    assert_eq!(device["select"], "path:/nonexistent/scanner");
    assert!(
        matches!(device["state"].as_str(), Some("absent" | "opening")),
        "{device}"
    );
    assert!(board["findings"].is_array() && board["unbound"].is_array());
    let page = bench.get("/devices").await;
    assert!(page.text.contains("front &lt;1&gt;") && !page.text.contains("front <1>"));
    assert!(page.text.contains("<svg"), "no set-up code is drawn");
    for inline in ["<style", "style=", "onclick", "javascript:"] {
        assert!(!page.text.contains(inline), "{inline}");
    }
    for word in ["tried_", "todo_", "kind_", "doctor_", "setup_"] {
        assert!(!page.text.contains(word), "a text is missing: {word}");
    }
    let metrics = bench.get("/metrics").await.text;
    for line in [
        "shelfd_device_up_bool{device=\"front <1>\"} 0",
        "shelfd_device_reopens_total{device=\"front <1>\"} 0",
        "shelfd_device_stalls_total{device=\"front <1>\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[tokio::test]
async fn a_journal_is_of_a_known_device_and_only_what_fits_can_be_tried() {
    let bench = with_scanner().await;
    let known = "/api/v1/devices/front%20%3C1%3E";
    let journal = bench.get(&format!("{known}/journal")).await.json();
    assert_eq!(journal["device"], "front <1>");
    assert_eq!(journal["frames"], json!([]));
    let nobody = bench.get("/api/v1/devices/nobody/journal").await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    for (path, what, expected) in [
        (format!("{known}/test"), "beep_good", StatusCode::CONFLICT),
        (
            format!("{known}/test"),
            "pay",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            format!("{known}/test"),
            "",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "/api/v1/devices/nobody/test".into(),
            "beep_good",
            StatusCode::NOT_FOUND,
        ),
    ] {
        let said = bench.post(&path, &json!({ "what": what })).await;
        assert_eq!(said.status, expected, "{path} {what}: {}", said.text);
    }
    let said = bench.post("/api/v1/devices/rescan", &json!({})).await;
    assert_eq!(said.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn the_page_speaks_every_language() {
    let bench = with_scanner().await;
    for (tag, word) in [("de", "Eingerichtete Geräte"), ("zh", "已配置的设备")] {
        let page = bench.get(&format!("/devices?lang={tag}")).await;
        assert!(page.text.contains(word), "{tag}");
    }
}

#[tokio::test]
async fn a_badge_signs_on_and_off_and_stands_in_the_sale() {
    use crate::daemon::badges::Shown;
    use crate::daemon::sign_on::{self, Done};

    const UID: [u8; 4] = [0x04, 0xA1, 0xB2, 0xC3];
    let bench = with_scanner().await;
    bench.stocked().await;
    let body = json!({ "staff": "s12" });
    let said = bench.post("/api/v1/badges", &body).await;
    assert_eq!(
        said.status,
        StatusCode::CONFLICT,
        "there is no reader: {}",
        said.text
    );
    let shop = bench.opened.shop.clone();
    shop.badges
        .enrol("s12".parse().unwrap(), shop.clock.millis());
    let list = bench.get("/api/v1/badges").await.json();
    assert_eq!(list["waiting_for"], "s12");
    let Shown::Enrolled(staff) = shop.badges.shown(&UID, shop.clock.millis()).unwrap() else {
        panic!("it was waited for");
    };
    let counter = shop.counters.values().next().unwrap().clone();
    let show = || sign_on::shown(&counter, staff.clone(), None).unwrap();
    assert_eq!(show(), Done::On);
    let till = bench.get("/api/v1/tills/front").await.json();
    assert_eq!(till["staff"], "s12");
    assert!(
        bench
            .get("/till/front")
            .await
            .text
            .contains("Signed on: s12")
    );
    for body in [
        json!({"do": "scan", "code": "4006381333931"}),
        json!({"do": "pay_cash"}),
    ] {
        let said = bench.post("/api/v1/tills/front", &body).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    }
    let documents = bench.get("/api/v1/documents").await.text;
    assert!(documents.contains("s12"), "{documents}");
    assert_eq!(show(), Done::Off);
    assert!(bench.get("/api/v1/tills/front").await.json()["staff"].is_null());
    let list = bench.get("/api/v1/badges").await;
    assert_eq!(list.json()["staff"], json!({ "s12": 1 }));
    assert!(!list.text.to_lowercase().contains("04a1b2c3"));
    let said = bench.post("/api/v1/badges/forget", &body).await;
    assert_eq!(said.json(), json!({ "forgotten": 1 }));
}

#[tokio::test]
async fn other_sensors_are_heard_and_move_nothing() {
    let bench = bench().await;
    bench.stocked().await;
    let value = json!({"sensor": "fridge \"2\"", "kind": "temperature", "value": 4.5, "unit": "C"});
    let said = bench.post("/api/v1/observations", &value).await;
    assert_eq!(said.status, StatusCode::CREATED, "{}", said.text);
    let kept = bench.get("/api/v1/observations").await.json();
    assert_eq!(kept["fridge \"2\""][0]["value"], 4_500);
    let line =
        "shelfd_sensor_value{sensor=\"fridge \\\"2\\\"\",kind=\"temperature\",unit=\"C\"} 4.5";
    let metrics = bench.get("/metrics").await.text;
    assert!(metrics.contains(line), "{metrics}");
    for wrong in [
        json!({"sensor": "x", "kind": "door"}),
        json!({"sensor": "x".repeat(41), "kind": "a", "value": 1}),
    ] {
        let said = bench.post("/api/v1/observations", &wrong).await;
        assert_eq!(
            said.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            said.text
        );
    }
    assert_eq!(bench.on_hand("tea").await, 10_000);
}
