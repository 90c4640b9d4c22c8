//! Who is here, as the hub says it: a clean stop announces itself, a killed PC is silent, and only
//! while its store is open; a PC without a store's broker shows its sibling by the hub's word.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test panics")]

use std::time::Duration;

use serde_json::Value;
use shelf_tests::daemon::{Daemon, Setup};
use shelf_tests::hub::Hub;
use shelf_tests::mosquitto::Broker;
use shelf_tests::patience::{Look, until};

/// PCs report every 30 seconds, and are told of their siblings when they do; the rest is for a
/// machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);
/// Who was heard within 90 seconds is here, unless the hub is told otherwise.
const IMPATIENT: &str = "[presence]\nsilent_after_seconds = 1\n";
const ALWAYS: &str = "[opening_hours]\nmonday = \"00:00-24:00\"\ntuesday = \"00:00-24:00\"\n\
    wednesday = \"00:00-24:00\"\nthursday = \"00:00-24:00\"\nfriday = \"00:00-24:00\"\n\
    saturday = \"00:00-24:00\"\nsunday = \"00:00-24:00\"\n";

fn pc(name: &str, store: &str, broker: u16, hours: &str) -> Daemon {
    let setup = Setup {
        pc: name.into(),
        store: store.into(),
        broker: Some(broker),
        more: hours.into(),
        ..Setup::default()
    };
    Daemon::start(&setup).unwrap()
}

fn node(pc: &Daemon) -> String {
    pc.status().unwrap()["node"].as_str().unwrap().to_owned()
}

fn row(hub: &Hub, store: &str, node: &str) -> anyhow::Result<Value> {
    let found = hub.get(&format!("/api/v1/stores/{store}/nodes"))?;
    let rows = found["nodes"].as_array().cloned().unwrap_or_default();
    Ok(rows
        .into_iter()
        .find(|it| it["node"] == node)
        .unwrap_or_default())
}

fn is(hub: &Hub, store: &str, node: &str, state: &str) {
    until(&format!("{node} of {store} is {state}"), PATIENCE, || {
        let row = row(hub, store, node).unwrap_or_default();
        Ok(match row["state"] == state {
            true => Look::Done(()),
            false => Look::NotYet(row.to_string()),
        })
    })
    .unwrap();
}

fn has_reported(hub: &Hub, store: &str, node: &str) {
    until(&format!("{node} of {store} has reported"), PATIENCE, || {
        let row = row(hub, store, node).unwrap_or_default();
        Ok(match row["version"].is_null() {
            false => Look::Done(()),
            true => Look::NotYet(row.to_string()),
        })
    })
    .unwrap();
}

#[test]
fn a_stop_is_told_and_silence_counts_only_in_opening_hours() {
    let broker = Broker::start().unwrap();
    let mut hub = Hub::start(broker.port()).unwrap();
    let mut killed = pc("Killed", "berlin", broker.port(), ALWAYS);
    let mut shut = pc("Shut", "hamburg", broker.port(), &closed_now());
    let mut sibling = pc("Sibling", "berlin", broker.port(), ALWAYS);
    let (one, two, three) = (node(&killed), node(&shut), node(&sibling));
    is(&hub, "berlin", &one, "here");
    is(&hub, "hamburg", &two, "here");
    is(&hub, "berlin", &three, "here");
    // A PC says when its store is open with its first report, a moment after its hello.
    has_reported(&hub, "hamburg", &two);
    has_reported(&hub, "berlin", &one);
    killed.kill9();
    shut.kill9();

    // The hub's word about a sibling, on the page of a PC that has no other way to it.
    let watcher = pc("Watcher", "berlin", broker.port(), ALWAYS);
    let shown = |what: &str, wanted: &dyn Fn(&Value) -> bool| {
        until(what, PATIENCE, || {
            let pcs = watcher.status()?["sync"]["pcs"].clone();
            let rows = pcs.as_array().cloned().unwrap_or_default();
            let of = |it: &&Value| it["node"] == three.as_str() && it["over"] == "hub";
            Ok(match rows.iter().find(of).is_some_and(wanted) {
                true => Look::Done(()),
                false => Look::NotYet(pcs.to_string()),
            })
        })
        .unwrap();
    };
    shown("the sibling is here", &|it| it["here"] == true);
    sibling.stop().unwrap();
    is(&hub, "berlin", &three, "stopped");
    shown("it was stopped on purpose", &|it| it["stopped"] == true);

    // What the hub knows outlives it; a shorter patience spares the test a minute and a half.
    hub.kill9();
    hub.resume_with(broker.port(), IMPATIENT).unwrap();
    is(&hub, "berlin", &three, "stopped");
    is(&hub, "berlin", &one, "silent");
    is(&hub, "hamburg", &two, "closed");
    let row = row(&hub, "berlin", &one).unwrap();
    let words = row["words"].as_str().unwrap();
    assert!(words.contains("minutes of opening time"), "{words}");
}

/// Opening hours of a store that is closed for hours: all days have the one hour that is farthest
/// from now. It is reckoned in UTC and read in the zone of the PCs under test, which is
/// [`Daemon::command`]'s Berlin and one or two hours off.
fn closed_now() -> String {
    let seconds = rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec;
    let hour = (seconds / 3_600 + 12).rem_euclid(24);
    let days = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    let lines = days.map(|day| format!("{day} = \"{hour:02}:00-{hour:02}:59\"\n"));
    format!("[opening_hours]\n{}", lines.concat())
}
