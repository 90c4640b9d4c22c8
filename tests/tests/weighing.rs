//! Goods sold by weight, from a scale that is a program of its own to the movement in the ledger: every
//! serial protocol and the scale on a scanner's cable, refusals in words, a cable pulled while it weighs,
//! and one weight for one row however often it is asked for.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use std::fmt::Write as _;

use serde_json::{Value, json};
use shelf_tests::browser::Browser;
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::patience::{Look, USUAL, until, until_eq};
use shelf_tests::simulated::Simulated;
use shelf_tests::webdriver::Key;

const TILL: &str = "counter";
/// What 10 kg of both goods cost, in minor units of a kilogram.
const ITEMS: &str = "gtin,name,unit_price,item,unit\n,Nuts,10.00,nuts,kilogram\n\
                     ,Figs,20.00,figs,kilogram\n,Mug,2.50,mug,piece\n";
const OPENING: &str = "item,quantity\nnuts,100\nfigs,100\nmug,100\n";

/// A shop of one till for each scale: `(till, kind and protocol of its device, its selector)`.
fn shop(scales: &[(&str, &str, String)]) -> Daemon {
    let mut more = String::new();
    for (till, device, select) in scales {
        let role = if device.contains("counter_scanner") {
            "till"
        } else {
            "scale"
        };
        write!(
            more,
            "[[till]]\nname = \"{till}\"\nfiscal = \"declared\"\n[[device]]\nname = \"scale of {till}\"\n\
             {device}\nselect = \"{select}\"\nrole = \"{role}:{till}\"\n"
        )
        .unwrap();
    }
    let setup = Setup {
        pc: "PC 1".into(),
        more,
        ..Setup::default()
    };
    let daemon = Daemon::start(&setup).unwrap();
    daemon.import("/api/v1/items", ITEMS).unwrap();
    daemon.import("/api/v1/opening", OPENING).unwrap();
    all_ready(&daemon);
    daemon
}

fn all_ready(daemon: &Daemon) {
    let ready = |it: &Value| {
        let devices = it["devices"].as_array().unwrap();
        devices.iter().all(|it| it["state"] == "ready")
    };
    daemon.status_until("the scales are ready", ready).unwrap();
}

/// A scale on a pseudo-terminal, with the daemon before it.
fn counter(dir: &tempfile::TempDir, protocol: &str) -> (Daemon, Simulated) {
    let link = dir.path().join("scale");
    let link = link.to_str().unwrap();
    let words = ["scale", "--protocol", protocol, "--link", link];
    let scale = Simulated::start(&words, &dir.path().join("scale.log")).unwrap();
    let device = format!("kind = \"scale\"\nprotocol = \"{protocol}\"");
    (shop(&[(TILL, &device, format!("path:{link}"))]), scale)
}

/// Asks the scale; status and answer.
fn weigh(daemon: &Daemon, till: &str, body: &Value) -> (u16, Value) {
    let answer = daemon
        .post(&format!("/api/v1/tills/{till}/weigh"), body)
        .unwrap();
    (answer.status, answer.json().unwrap())
}

/// Asks until the scale refuses with these words.
fn refused(daemon: &Daemon, till: &str, body: &Value, words: &str) {
    until(&format!("{till}: {words}"), USUAL, || {
        let (status, said) = weigh(daemon, till, body);
        let told = status == 409 && said["detail"].as_str().is_some_and(|it| it.contains(words));
        Ok(match told {
            true => Look::Done(()),
            false => Look::NotYet(format!("{status} {said}")),
        })
    })
    .unwrap();
}

/// Asks until a weight lies there, and gives it as the scale shows it.
fn weighed(daemon: &Daemon, till: &str, body: &Value) -> Value {
    until(&format!("{till}: a weight"), USUAL, || {
        let (status, said) = weigh(daemon, till, body);
        Ok(match status {
            200 => Look::Done(said),
            _ => Look::NotYet(said.to_string()),
        })
    })
    .unwrap()
}

fn pick(daemon: &Daemon, till: &str, item: &str) {
    daemon.act(till, "pick", &[("item", item)]).unwrap();
}

fn pay(daemon: &Daemon, till: &str) {
    daemon.act(till, "pay_cash", &[]).unwrap();
    daemon
        .till_until(till, "the sale", |it| it["basket"].is_null())
        .unwrap();
}

/// What a till sold of an item, in thousandths, sale by sale.
fn sold(daemon: &Daemon, till: &str, item: &str) -> Vec<i64> {
    let mut sales = daemon.documents_of("sale").unwrap();
    sales.retain(|it| it["till"] == till);
    let lines = sales.iter().flat_map(|it| it["lines"].as_array().unwrap());
    let of_item = lines.filter(|it| it["item"] == item || it["subject"]["item"] == item);
    of_item.map(|it| it["quantity"].as_i64().unwrap()).collect()
}

#[test]
fn every_scale_puts_its_weight_into_the_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let mut scales = Vec::new();
    let mut tills = Vec::new();
    for (till, protocol, on_tcp) in [
        ("toledo", "toledo-8217", false),
        ("nci", "nci-scp-01", false),
        ("ecr", "nci-scp-02", true),
        ("dialog", "dialog", false),
        ("stgs", "st-gs", true),
        ("cable", "", false),
    ] {
        let link = dir.path().join(till);
        let link = link.to_str().unwrap();
        let mut words = match protocol {
            "" => vec!["counter-scanner"],
            _ => vec!["scale", "--protocol", protocol],
        };
        words.extend(if on_tcp {
            ["--port", "0"]
        } else {
            ["--link", link]
        });
        let log = dir.path().join(format!("{till}.log"));
        let mut scale = Simulated::start(&words, &log).unwrap();
        let select = match on_tcp {
            true => format!("tcp:{}", scale.address().unwrap()),
            false => format!("path:{link}"),
        };
        let device = match protocol {
            "" => "kind = \"counter_scanner\"".to_owned(),
            _ => format!("kind = \"scale\"\nprotocol = \"{protocol}\""),
        };
        tills.push((till, device, select));
        scales.push((till, scale));
    }
    let rows: Vec<(&str, &str, String)> = tills
        .iter()
        .map(|(till, device, select)| (*till, device.as_str(), select.clone()))
        .collect();
    let daemon = shop(&rows);
    let mut left = 100_000;
    for (number, (till, scale)) in (1_i64..).zip(&mut scales) {
        let grams = 1_250 + number;
        scale
            .order(&format!("put {}.{:03}", grams / 1_000, grams % 1_000))
            .unwrap();
        pick(&daemon, till, "nuts");
        let body = json!({ "line": 1, "auto": "on" });
        let said = weighed(&daemon, till, &body);
        assert_eq!(
            (&said["grams"], &said["unit"]),
            (&json!(grams), &json!("kg")),
            "{till}: {said}"
        );
        assert_eq!(
            said["till"]["basket"]["lines"][0]["measured"], true,
            "{said}"
        );
        pay(&daemon, till);
        left -= grams;
        assert_eq!(daemon.on_hand("nuts").unwrap(), left, "{till}");
        assert_eq!(sold(&daemon, till, "nuts"), [grams], "{till}");
    }
}

/// Whether the only row of the basket still waits for its weight.
fn waits_for_weight(daemon: &Daemon, till: &str) -> bool {
    daemon.till(till).unwrap()["basket"]["lines"][0]["quantity_missing"] == true
}

#[test]
fn what_is_no_weight_is_refused_in_words_and_sells_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let cable = dir.path().join("cable");
    let cable = cable.to_str().unwrap();
    let words = ["counter-scanner", "--link", cable];
    let mut scanner = Simulated::start(&words, &dir.path().join("cable.log")).unwrap();
    let plate = dir.path().join("plate");
    let plate = plate.to_str().unwrap();
    let words = ["scale", "--protocol", "toledo-8217", "--link", plate];
    let mut scale = Simulated::start(&words, &dir.path().join("plate.log")).unwrap();
    let toledo = "kind = \"scale\"\nprotocol = \"toledo-8217\"";
    let daemon = shop(&[
        (TILL, toledo, format!("path:{plate}")),
        (
            "bioptic",
            "kind = \"counter_scanner\"",
            format!("path:{cable}"),
        ),
    ]);
    std::thread::scope(|scope| {
        for (till, device) in [(TILL, &mut scale), ("bioptic", &mut scanner)] {
            let daemon = &daemon;
            scope.spawn(move || refusals(daemon, till, device));
        }
    });
    // The scanner on the cable reads while its scale refuses, and is heard.
    scanner.order("fault motion").unwrap();
    scanner.order("scan 4006381333931").unwrap();
    let rows = |it: &Value| it["basket"]["lines"].as_array().map(Vec::len) == Some(2);
    daemon
        .till_until("bioptic", "the scanned row", rows)
        .unwrap();
    assert!(daemon.documents_of("sale").unwrap().is_empty());
    assert_eq!(daemon.on_hand("nuts").unwrap(), 100_000);
}

fn refusals(daemon: &Daemon, till: &str, device: &mut Simulated) {
    pick(daemon, till, "nuts");
    let row = json!({ "line": 1 });
    device.order("put 1.250").unwrap();
    for (fault, words) in [
        ("fault motion", "not at rest"),
        ("fault over", "Too heavy"),
        ("fault under", "elow"),
    ] {
        device.order(fault).unwrap();
        refused(daemon, till, &row, words);
    }
    device.order("fault fine").unwrap();
    device.order("empty").unwrap();
    refused(daemon, till, &row, "The plate is empty");
    device.order("fault silence").unwrap();
    refused(daemon, till, &row, "does not answer");
    device.order("fault speak").unwrap();
    assert!(waits_for_weight(daemon, till));
    // Nobody pays for a row without a weight.
    let said = daemon.act(till, "pay_cash", &[]).unwrap();
    assert!(said["message"].is_string(), "{said}");
    // An answer that was cut in half is no weight; the next one is.
    device.order("put 0.875").unwrap();
    device.order("fault half").unwrap();
    assert_eq!(weighed(daemon, till, &row)["grams"], 875);
}

/// Bytes that were written to the only device so far.
fn asked_bytes(daemon: &Daemon) -> u64 {
    let board = daemon.get("/api/v1/devices").unwrap();
    board["devices"][0]["counters"]["bytes_out"]
        .as_u64()
        .unwrap()
}

#[test]
fn a_cable_pulled_while_it_weighs_gives_words_and_no_weight() {
    let dir = tempfile::tempdir().unwrap();
    let (daemon, mut scale) = counter(&dir, "toledo-8217");
    let daemon = &daemon;
    pick(daemon, TILL, "nuts");
    let row = json!({ "line": 1, "auto": "on" });
    scale.order("put 1.250").unwrap();
    scale.order("fault motion").unwrap();
    for _ in 0..3 {
        let before = asked_bytes(daemon);
        let (status, said) = std::thread::scope(|scope| {
            let asked = scope.spawn(|| weigh(daemon, TILL, &row));
            until_eq("it was asked", &true, || Ok(asked_bytes(daemon) > before)).unwrap();
            scale.order("fault unplug").unwrap();
            asked.join().unwrap()
        });
        let words = said["detail"].as_str().unwrap_or_default();
        assert!(
            status == 409 && words.contains("disconnected while it weighed"),
            "{status} {said}"
        );
        refused(daemon, TILL, &row, "is not there now");
        let absent = |it: &Value| it["devices"][0]["state"] == "absent";
        daemon.status_until("the scale is gone", absent).unwrap();
        assert!(waits_for_weight(daemon, TILL));
        scale.order("fault plug").unwrap();
        all_ready(daemon);
    }
    scale.order("fault fine").unwrap();
    assert_eq!(weighed(daemon, TILL, &row)["grams"], 1_250);
    pay(daemon, TILL);
    assert_eq!(sold(daemon, TILL, "nuts"), [1_250]);
    assert_eq!(daemon.on_hand("nuts").unwrap(), 98_750);
}

#[test]
fn goods_are_weighed_once_however_often_it_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let (mut daemon, mut scale) = counter(&dir, "toledo-8217");
    scale.order("put 0.500").unwrap();
    pick(&daemon, TILL, "nuts");
    let row = json!({ "line": 1, "auto": "on" });
    // Pages in several windows ask at once.
    let answers: Vec<(u16, Value)> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| weigh(&daemon, TILL, &row)))
            .collect();
        asking.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let took = |it: &&(u16, Value)| it.0 == 200 && it.1["till"]["message"].is_null();
    assert_eq!(answers.iter().filter(took).count(), 1, "{answers:?}");
    let basket = &daemon.till(TILL).unwrap()["basket"];
    assert_eq!(
        (&basket["lines"][0]["quantity"], &basket["due"]),
        (&json!(500), &json!(500))
    );
    // What still lies there is not sold as the next row's goods: not at once, not after the cable was
    // out, not after this PC was killed.
    pick(&daemon, TILL, "figs");
    let next = json!({ "line": 2, "auto": "on" });
    let still = "still lie there";
    refused(&daemon, TILL, &next, still);
    scale.order("fault unplug").unwrap();
    let absent = |it: &Value| it["devices"][0]["state"] == "absent";
    daemon.status_until("the scale is gone", absent).unwrap();
    scale.order("fault plug").unwrap();
    all_ready(&daemon);
    refused(&daemon, TILL, &next, still);
    daemon.kill9();
    daemon.restart().unwrap();
    all_ready(&daemon);
    refused(&daemon, TILL, &next, still);
    let lines = &daemon.till(TILL).unwrap()["basket"]["lines"];
    assert_eq!(
        (&lines[0]["quantity"], &lines[1]["quantity_missing"]),
        (&json!(500), &json!(true))
    );
    // Other goods of another weight are weighed by themselves, and the button takes whatever lies there.
    scale.order("put 0.250").unwrap();
    assert_eq!(weighed(&daemon, TILL, &next)["grams"], 250);
    pick(&daemon, TILL, "nuts");
    let (status, said) = weigh(&daemon, TILL, &json!({ "line": 3 }));
    assert_eq!((status, &said["grams"]), (200, &json!(250)), "{said}");
    pay(&daemon, TILL);
    assert_eq!(sold(&daemon, TILL, "nuts"), [500, 250]);
    assert_eq!(sold(&daemon, TILL, "figs"), [250]);
    assert_eq!(daemon.on_hand("nuts").unwrap(), 99_250);
}

#[test]
fn the_page_weighs_by_itself_once_and_tells_refusals() {
    let dir = tempfile::tempdir().unwrap();
    let (daemon, mut scale) = counter(&dir, "nci-scp-01");
    let browser = Browser::start(daemon.http(), "en").unwrap();
    browser.open(&format!("/till/{TILL}")).unwrap();
    browser.mark().unwrap();
    scale.order("put 1.250").unwrap();
    pick(&daemon, TILL, "nuts");
    browser
        .until_text(".due", "the weighed row's price", |it| it.contains("12.50"))
        .unwrap();
    // The next row's goods must be put there first; the page says so, and its button asks again.
    pick(&daemon, TILL, "figs");
    browser
        .until_text("#live", "why not", |it| it.contains("Weigh (F7)"))
        .unwrap();
    browser
        .until_text("body", "that goods still lie there", |it| {
            it.contains("still lie there")
        })
        .unwrap();
    scale.order("put 0.100").unwrap();
    browser.session().press(Key::F7).unwrap();
    browser
        .until_text(".due", "both rows", |it| it.contains("14.50"))
        .unwrap();
    assert!(browser.is_marked().unwrap(), "the page was loaded again");
    pay(&daemon, TILL);
    assert_eq!(sold(&daemon, TILL, "nuts"), [1_250]);
    assert_eq!(sold(&daemon, TILL, "figs"), [100]);
}
