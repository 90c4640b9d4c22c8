//! Goods sold by weight, with a scale that answers over the network.

use shelf_codecs::scale::{
    Basis, Protocol, Reading, Refusal, ScaleConfig, Unit as Sign, Weight, encode,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::*;
use crate::config::DeviceSettings;

fn stable(thousandths: i64) -> Reading {
    Reading::Stable(Weight {
        thousandths,
        unit: Sign::Kilogram,
        basis: Basis::NotTold,
    })
}

/// A Toledo scale behind a converter; what lies on it is said by the sender.
async fn scale() -> (String, watch::Sender<Reading>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = format!("tcp:{}", listener.local_addr().unwrap());
    let (plate, reading) = watch::channel(stable(1_250));
    tokio::spawn(async move {
        let (mut line, _) = listener.accept().await.unwrap();
        let mut asked = [0; 1];
        while line.read_exact(&mut asked).await.is_ok() {
            let config = ScaleConfig::new(Protocol::Toledo8217);
            let answer = encode(&reading.borrow(), &config, 0).unwrap();
            line.write_all(&answer).await.unwrap();
        }
    });
    (place, plate)
}

async fn shop(place: String) -> Bench {
    let bench = bench_of(None, |config, _| {
        config.device = vec![DeviceSettings {
            name: "counter scale".into(),
            kind: serde_json::from_value(json!("scale")).unwrap(),
            select: place,
            role: "scale:front".into(),
            protocol: "toledo-8217".into(),
            ..DeviceSettings::default()
        }];
    })
    .await;
    let items = "gtin,name,unit_price,item,unit\n,Nuts,10.00,nuts,kilogram\n,Mug,2.50,mug,piece\n";
    let said = bench.ask("POST /api/v1/items", &[CSV], items).await;
    assert_eq!(said.json()["imported"], 2, "{}", said.text);
    bench
}

impl Bench {
    async fn weigh(&self, body: Value) -> Said {
        loop {
            let said = self.post("/api/v1/tills/front/weigh", &body).await;
            // Until the scale has been connected.
            if !said.text.contains("is not there now") {
                return said;
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn the_stable_weight_becomes_the_rows_quantity() {
    let (place, plate) = scale().await;
    let bench = shop(place).await;
    let act = async |body: Value| bench.post("/api/v1/tills/front", &body).await.json();
    let alone = bench.weigh(json!({})).await.json();
    assert_eq!(
        (&alone["weight"], &alone["unit"], &alone["grams"]),
        (&json!("1.250"), &json!("kg"), &json!(1250))
    );
    let till = act(json!({"do": "pick", "item": "nuts"})).await;
    assert_eq!(till["basket"]["lines"][0]["quantity_missing"], true);
    let page = bench.get("/till/front").await.text;
    assert!(
        page.contains("/till/front/weigh") && page.contains("data-auto"),
        "{page}"
    );
    // A page that asks by itself doesn't sell what still lies there from before.
    let still = bench.weigh(json!({"line": 1, "auto": "on"})).await;
    assert_eq!(still.status, StatusCode::CONFLICT);
    assert!(still.text.contains("still lie there"), "{}", still.text);
    plate.send_replace(stable(375));
    let done = bench.weigh(json!({"line": 1, "auto": "on"})).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    assert_eq!(done.json()["till"]["basket"]["due"], 375);
    assert_eq!(done.json()["message"], "Weighed: 0.375 kg");
    // Nobody keys over it.
    let keyed = act(json!({"do": "quantity", "quantity": 9})).await;
    assert_eq!(keyed["basket"]["due"], 375);
    let pieces = act(json!({"do": "pick", "item": "mug"})).await;
    assert_eq!(pieces["basket"]["due"], 625);
    let said = bench.weigh(json!({"line": 2})).await;
    assert_eq!(said.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_refusal_is_told_in_the_scales_words_and_in_three_languages() {
    let (place, plate) = scale().await;
    let bench = shop(place).await;
    bench.weigh(json!({})).await;
    plate.send_replace(Reading::Refused(Refusal::Negative));
    for (language, words) in [("en", "Below zero"), ("de", "Unter null"), ("zh", "低于零")] {
        let path = format!("/api/v1/tills/front/weigh?lang={language}");
        let said = bench.post(&path, &json!({})).await;
        assert_eq!(said.status, StatusCode::CONFLICT);
        assert!(
            said.json()["detail"].as_str().unwrap().contains(words),
            "{}",
            said.text
        );
    }
    let none = bench.post("/api/v1/tills/pos/weigh", &json!({})).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "{}", none.text);
}

#[tokio::test]
async fn a_till_without_a_scale_says_so_and_has_no_button() {
    let bench = bench().await;
    let said = bench.post("/api/v1/tills/front/weigh", &json!({})).await;
    assert_eq!(said.status, StatusCode::CONFLICT);
    assert!(said.text.contains("has no scale"), "{}", said.text);
    assert!(!bench.get("/till/front").await.text.contains("data-auto"));
}
