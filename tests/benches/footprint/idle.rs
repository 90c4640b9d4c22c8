//! BARS 15 and 18: memory of a PC that did its work and waits, and how often it wakes.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use shelf_tests::mosquitto::Broker;
use shelf_tests::{http, patience};

use super::lab::Lab;
use super::page::Stream;
use super::pc::{Pc, Setup, TILL};

const ITEMS: u32 = 100_000;
/// Longer than the async runtime keeps a blocking thread that has nothing to do.
const SETTLING: Duration = Duration::from_secs(13);
const WINDOW: Duration = Duration::from_secs(10);

pub(crate) fn measure(lab: &Lab) -> Result<()> {
    let pc = Pc::running(lab, Setup::default())?;
    let fresh = memory(&pc)?;
    pc.load_items(ITEMS)?;
    for path in ["/", "/till/till-1", "/count", "/api/v1/status", "/metrics"] {
        http::get(pc.http, path)?;
    }
    http::get(pc.http, "/api/v1/stock?q=Ware")?;
    let loaded = memory(&pc)?;
    patience::pass(SETTLING);
    println!(
        "{}",
        json!({ "bench": "footprint", "bar": 15, "what": "idle memory, 100,000 items, pages served",
            "idle": memory(&pc)?, "just_loaded": loaded, "just_started": fresh })
    );
    say("no devices, no hub", &awake(&pc)?);
    let stream = Stream::open(pc.http, "/events/status")?;
    patience::pass(SETTLING);
    say("a status page open", &awake(&pc)?);
    drop((stream, pc));

    let with_scanner = Setup {
        scanner: true,
        ..Setup::default()
    };
    let mut pc = Pc::prepare(lab, with_scanner)?;
    let scanner = pc.plug()?;
    pc.start()?;
    let stream = Stream::open(pc.http, &format!("/events/till/{TILL}"))?;
    patience::pass(SETTLING);
    say("a scanner and its till's page", &awake(&pc)?);
    drop(stream);
    drop(scanner);
    patience::pass(SETTLING);
    say("a scanner that is unplugged", &awake(&pc)?);

    let broker = Broker::start()?;
    let with_hub = Setup {
        broker: Some(broker.port()),
        ..Setup::default()
    };
    let pc = Pc::running(lab, with_hub)?;
    patience::pass(SETTLING);
    say("a broker", &awake(&pc)?);
    Ok(())
}

fn say(what: &str, figures: &Value) {
    println!(
        "{}",
        json!({ "bench": "footprint", "bar": 18, "what": what, "idle": figures })
    );
}

/// What the kernel counts as resident, in MiB.
fn memory(pc: &Pc) -> Result<Value> {
    let text = std::fs::read_to_string(format!("/proc/{}/status", pc.id()?))?;
    let field = |name: &str| {
        let line = text.lines().find_map(|it| it.strip_prefix(name));
        let kib = line.and_then(|it| it.split_whitespace().next()?.parse::<f64>().ok());
        kib.map(|it| (it / 10.24).round() / 100.0)
    };
    Ok(
        json!({ "rss_mib": field("VmRSS:"), "anonymous_mib": field("RssAnon:"),
        "file_mib": field("RssFile:"), "peak_mib": field("VmHWM:"),
        "threads": text.lines().find_map(|it| it.strip_prefix("Threads:")).map(str::trim) }),
    )
}

/// A thread's name, how often it gave the processor up, and how long it had it, in nanoseconds.
type Thread = (String, u64, u64);

fn threads(pc: &Pc) -> Result<BTreeMap<String, Thread>> {
    let mut threads = BTreeMap::new();
    for task in std::fs::read_dir(format!("/proc/{}/task", pc.id()?))? {
        let task = task?.path();
        let status = std::fs::read_to_string(task.join("status"))?;
        let switches = status
            .lines()
            .filter(|it| it.contains("ctxt_switches:"))
            .filter_map(|it| it.split_whitespace().nth(1)?.parse::<u64>().ok())
            .sum();
        let ran = std::fs::read_to_string(task.join("schedstat"))?;
        let ran = ran.split_whitespace().next().unwrap_or_default().parse()?;
        let name = std::fs::read_to_string(task.join("comm"))?;
        let id = task.file_name().context("a thread has a number")?;
        threads.insert(
            id.to_string_lossy().into_owned(),
            (name.trim().to_owned(), switches, ran),
        );
    }
    Ok(threads)
}

/// Wake-ups and processor time over a window in which nothing happens.
fn awake(pc: &Pc) -> Result<Value> {
    let before = threads(pc)?;
    patience::pass(WINDOW);
    let after = threads(pc)?;
    let (mut switches, mut ran) = (0, 0);
    let mut who = BTreeMap::new();
    for (id, (name, now_switches, now_ran)) in &after {
        let (old_switches, old_ran) = before.get(id).map_or((0, 0), |it| (it.1, it.2));
        switches += now_switches - old_switches;
        ran += now_ran - old_ran;
        if *now_switches > old_switches {
            *who.entry(name.clone()).or_insert(0) += now_switches - old_switches;
        }
    }
    let seconds = WINDOW.as_secs_f64();
    Ok(
        json!({ "wakeups_per_s": switches as f64 / seconds, "threads": after.len(),
        "cpu_percent": (ran as f64 / 1e7 / seconds * 1000.0).round() / 1000.0,
        "switches_by_thread": who }),
    )
}
