//! How long a payload of 100 bytes takes from a PC to the hub through a broker, against the bare
//! client library (BARS 12).
//!
//! Run with a broker: `cargo bench -p shelf-link --bench publish -- PORT`. Rounds of both ways are
//! interleaved; one JSON line for each round and one with the medians. Nothing is asserted.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench measures with the clock, prints, and ends at the first failure"
)]

use std::time::{Duration, Instant};

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event as Polled, MqttOptions};
use rumqttc::{NetworkOptions, Outgoing};
use shelf_link::mqtt::{Broker, MqttLink, Role, link};
use shelf_link::{Event, Frame, Link};
use shelf_stock::identity::NodeId;
use shelf_wire::topic::{Lane, Topic, Up};

const ROUNDS: usize = 7;
const PAYLOADS: usize = 2_000;
const PAYLOAD_BYTES: usize = 100;

fn topic() -> Topic {
    Topic {
        tenant: "bench".parse().unwrap(),
        store: "one".parse().unwrap(),
        lane: Lane::Up(NodeId::from_bytes([1; 16]), Up::Log),
    }
}

/// Median and 99th percentile in microseconds.
fn percentiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort();
    let at = |percent: usize| times[times.len() * percent / 100].as_secs_f64() * 1e6;
    (at(50), at(99))
}

async fn until_up(link: &mut MqttLink) {
    while link.recv().await != Event::Up {}
}

async fn ours(port: u16) -> Vec<Duration> {
    let (tenant, store) = ("bench".parse().unwrap(), "one".parse().unwrap());
    let connect = |role| {
        let broker = Broker {
            host: "127.0.0.1".to_owned(),
            port,
            tls: None,
            credentials: None,
        };
        let (link, driver) = link(broker, role, Box::new(|| 1));
        tokio::spawn(driver.run());
        link
    };
    let mut hub = connect(Role::hub("bench-hub", Some(&tenant), None));
    until_up(&mut hub).await;
    let mut pc = connect(Role::node(&tenant, &store, NodeId::from_bytes([1; 16]), 1));
    until_up(&mut pc).await;
    let mut times = Vec::with_capacity(PAYLOADS);
    for _ in 0..PAYLOADS {
        let begin = Instant::now();
        let payload = vec![7; PAYLOAD_BYTES];
        pc.send(Frame {
            topic: topic(),
            payload,
        })
        .unwrap();
        while !matches!(hub.recv().await, Event::Frame(_)) {}
        times.push(begin.elapsed());
    }
    times
}

async fn bare(port: u16) -> Vec<Duration> {
    let options = |id: &str| {
        let mut options = MqttOptions::new(id, "127.0.0.1", port);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        options.set_network_options(network);
        options
    };
    let (subscriber, mut events) = AsyncClient::new(options("bare-hub"), 64);
    subscriber
        .subscribe("bare/+", QoS::AtLeastOnce)
        .await
        .unwrap();
    let (heard, mut hears) = tokio::sync::mpsc::channel(64);
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let hub = tokio::spawn(async move {
        let mut ready = Some(ready);
        while let Ok(polled) = events.poll().await {
            match polled {
                Polled::Incoming(Packet::SubAck(_)) => drop(ready.take().map(|it| it.send(()))),
                Polled::Incoming(Packet::Publish(publish)) => {
                    heard.send(publish.payload.len()).await.ok();
                }
                Polled::Outgoing(Outgoing::Disconnect) => return,
                _ => {}
            }
        }
    });
    is_ready.await.unwrap();
    let (client, mut events) = AsyncClient::new(options("bare-pc"), 64);
    let pc = tokio::spawn(async move { while events.poll().await.is_ok() {} });
    let mut times = Vec::with_capacity(PAYLOADS);
    for _ in 0..PAYLOADS {
        let begin = Instant::now();
        client
            .try_publish("bare/x", QoS::AtLeastOnce, false, vec![7; PAYLOAD_BYTES])
            .unwrap();
        hears.recv().await.unwrap();
        times.push(begin.elapsed());
    }
    pc.abort();
    hub.abort();
    times
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let port = std::env::args()
        .filter_map(|it| it.parse::<u16>().ok())
        .next();
    let Some(port) = port else {
        println!(
            "{}",
            serde_json::json!({ "bench": "publish", "skipped": "give a broker's port" })
        );
        return;
    };
    let mut medians = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        for (index, who) in ["rumqttc", "shelf-link"].into_iter().enumerate() {
            let times = if index == 0 {
                bare(port).await
            } else {
                ours(port).await
            };
            let (p50_us, p99_us) = percentiles(times);
            medians[index].push((p50_us, p99_us));
            let line = serde_json::json!({
                "bench": "publish", "round": round, "who": who, "p50_us": p50_us, "p99_us": p99_us,
            });
            println!("{line}");
        }
    }
    let [bare, ours] = medians.map(|mut rounds| {
        rounds.sort_by(|one, two| one.0.total_cmp(&two.0));
        rounds[rounds.len() / 2]
    });
    let line = serde_json::json!({
        "bench": "publish", "median_of_rounds": ROUNDS, "rumqttc_p50_us": bare.0,
        "shelf_link_p50_us": ours.0, "ratio_p50": ours.0 / bare.0,
    });
    println!("{line}");
}
