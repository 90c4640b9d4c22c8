//! The built-in broker: a hub and a PC's link meet in it, and it goes when it is told to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a test says what it expects by failing"
)]
#![cfg(feature = "broker")]

use std::time::Duration;

use shelf_hub::broker::Broker;
use shelf_link::{Event, Frame, Link, mqtt};
use shelf_wire::key::NodeKey;
use shelf_wire::topic::{Lane, Topic, Up};

const DEADLINE: Duration = Duration::from_secs(20);

fn link(broker: &Broker, role: mqtt::Role) -> mqtt::MqttLink {
    let address = mqtt::Broker {
        host: "127.0.0.1".to_owned(),
        port: broker.addr().port(),
        tls: None,
        credentials: None,
    };
    let (link, driver) = mqtt::link(address, role, Box::new(|| 1));
    tokio::spawn(driver.run());
    link
}

async fn next(link: &mut mqtt::MqttLink) -> Event {
    tokio::time::timeout(DEADLINE, link.recv())
        .await
        .expect("an event in time")
}

#[tokio::test]
async fn frames_pass_wills_are_told_and_stopping_frees_the_port() {
    let broker = Broker::start().unwrap();
    let addr = broker.addr();
    let (tenant, store) = ("demo".parse().unwrap(), "berlin".parse().unwrap());
    let node = NodeKey::from_seed([7; 32]).node_id();
    let mut hub = link(&broker, mqtt::Role::hub("hub", Some(&tenant), None));
    assert_eq!(next(&mut hub).await, Event::Up);
    let mut pc = link(&broker, mqtt::Role::node(&tenant, &store, node, 5));
    assert_eq!(next(&mut pc).await, Event::Up);
    let topic = |lane| Topic {
        tenant: tenant.clone(),
        store: store.clone(),
        lane,
    };
    let big = Frame {
        topic: topic(Lane::Up(node, Up::Log)),
        payload: vec![42; 60_000],
    };
    pc.send(big.clone()).unwrap();
    loop {
        // The PC clears its last will first, which the hub sees as an empty payload.
        match next(&mut hub).await {
            Event::Frame(frame) if frame.payload.is_empty() => {}
            event => {
                assert_eq!(event, Event::Frame(big.clone()));
                break;
            }
        }
    }
    tokio::task::spawn_blocking(move || broker.stop())
        .await
        .unwrap();
    assert!(matches!(next(&mut pc).await, Event::Down { .. }));
    assert!(matches!(next(&mut hub).await, Event::Down { .. }));
    assert!(
        std::net::TcpListener::bind(addr).is_ok(),
        "the port is free again"
    );
}
