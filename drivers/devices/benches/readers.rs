//! Four fixed readers with 1,500 reads a second each, through sockets, sessions, the queue and presence: what
//! it costs.
//!
//! The readers are simulated in processes of their own, so that the processor time and the memory told here
//! are those of reading alone. Prints one JSON line; asserts nothing. Run with
//! `cargo bench -p shelf-devices --bench readers`; `SHELF_READERS_S` sets for how many seconds (10).
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock and prints its result"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use shelf_devices::clock::{Clock, Stamp};
use shelf_devices::config::{DeviceConfig, DeviceKind, Role, Share};
use shelf_devices::driver::Command as Told;
use shelf_devices::event::{DeviceEvent, Payload};
use shelf_devices::llrp_reader::LlrpReaderConfig;
use shelf_devices::status::DeviceState;
use shelf_devices::supervisor::Supervisor;
use shelf_devices::surroundings::Surroundings;
use shelf_sessions::presence::{Presence, PresenceConfig, Read, ReaderId, Zone, ZoneId};
use shelf_sim::rfid::llrp::{LlrpReaderConfig as SimConfig, LlrpServer};

const READERS: u16 = 4;
const READS_PER_S: u32 = 1_500;
const TAGS: u32 = 2_000;
const SECONDS_DEFAULT: u64 = 10;
/// What is read before the measurement begins, in seconds.
const WARM_UP_S: u64 = 2;

type Failed = Box<dyn std::error::Error>;

struct MachineClock(Instant);

impl Clock for MachineClock {
    fn now(&self) -> Stamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Stamp {
            mono_us: u64::try_from(self.0.elapsed().as_micros()).unwrap_or(0),
            wall_ms: since.map_or(0, |it| i64::try_from(it.as_millis()).unwrap_or(0)),
        }
    }
}

/// A reader in a process of its own; dropping it ends the process.
struct Reader(Child, String);

impl Drop for Reader {
    fn drop(&mut self) {
        // An error means that it ended already.
        let _was_dead = self.0.kill();
        let _taken = self.0.wait();
    }
}

fn be_a_reader(seed: u64) -> Result<(), Failed> {
    let server = LlrpServer::start(
        0,
        SimConfig {
            reads_per_s: READS_PER_S,
            stray_per_mille: 20,
            ..SimConfig::new(seed)
        },
    )?;
    let gtin = ["4006381333931", "5901234123457"][usize::try_from(seed % 2)?];
    for antenna in 1..=4 {
        server.order(format!("fill {} {antenna} {gtin}", TAGS / 4).parse()?);
    }
    println!("{}", server.addr());
    loop {
        std::thread::park();
    }
}

fn reader(seed: u16) -> Result<Reader, Failed> {
    let mut child = Command::new(std::env::current_exe()?)
        .env("SHELF_BE_A_READER", seed.to_string())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut address = String::new();
    let output = child.stdout.take().ok_or("no output")?;
    BufReader::new(output).read_line(&mut address)?;
    Ok(Reader(child, address.trim().to_owned()))
}

fn presence() -> Presence {
    let mut antennas = BTreeMap::new();
    for reader in 0..READERS {
        for antenna in 1..=4 {
            antennas.insert((ReaderId(reader), antenna), ZoneId(reader));
        }
    }
    Presence::new(PresenceConfig {
        zones: (0..READERS).map(|it| Zone::new(ZoneId(it))).collect(),
        antennas,
        epoch_ms: 1_000,
        depart_ms_min: 30_000,
    })
}

/// Processor time so far, in seconds, and resident memory, in MiB.
fn cost() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = behind.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|it| it.parse::<f64>().ok());
    let cpu = (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0;
    let pages = ticks(21).unwrap_or(0.0);
    (cpu, pages * 4.0 / 1024.0)
}

fn configs(readers: &[Reader]) -> Result<Vec<DeviceConfig>, Failed> {
    let configs = readers.iter().enumerate().map(|(at, reader)| {
        Ok(DeviceConfig {
            name: at.to_string(),
            selector: format!("tcp:{}", reader.1).parse()?,
            kind: DeviceKind::LlrpReader(LlrpReaderConfig::default()),
            role: Role::Zone(at.to_string()),
            share: Share::Exclusive,
        })
    });
    configs.collect()
}

/// What was taken so far.
struct Taken {
    presence: Presence,
    reads: u64,
    batches: u64,
    changes: usize,
    advanced_ms: u64,
}

impl Taken {
    fn take(&mut self, event: &DeviceEvent, supervisor: &Supervisor) -> Result<(), Failed> {
        let now_ms = event.at.mono_us / 1_000;
        let mut out = Vec::new();
        if event.payload == Payload::State(DeviceState::Ready) {
            supervisor.command(&event.device, Told::StartReading)?;
        }
        if let Payload::Tags(tags) = &event.payload {
            self.batches += 1;
            let reader = ReaderId(event.device.parse()?);
            for tag in tags {
                self.reads += u64::from(tag.count);
                let read = Read {
                    epc: tag.epc,
                    reader,
                    antenna: tag.antenna,
                    rssi_centi_dbm: tag.rssi_centi_dbm,
                    count: tag.count,
                    at_ms: now_ms,
                };
                self.presence.read(&read, &mut out);
            }
        }
        if now_ms >= self.advanced_ms + 1_000 {
            self.advanced_ms = now_ms;
            self.presence.advance(now_ms, &mut out);
        }
        self.changes += out.len();
        Ok(())
    }
}

fn main() -> Result<(), Failed> {
    if let Ok(seed) = std::env::var("SHELF_BE_A_READER") {
        return be_a_reader(seed.parse()?);
    }
    let seconds = std::env::var("SHELF_READERS_S").ok();
    let seconds: u64 = seconds
        .and_then(|it| it.parse().ok())
        .unwrap_or(SECONDS_DEFAULT);
    let readers: Vec<Reader> = (0..READERS).map(reader).collect::<Result<_, _>>()?;
    let configs = configs(&readers)?;
    let clock = Arc::new(MachineClock(Instant::now()));
    let surroundings = Surroundings::of_this_machine(clock.clone(), 1, 1);
    let (supervisor, events) = Supervisor::start(&surroundings, configs)?;
    let mut taken = Taken {
        presence: presence(),
        reads: 0,
        batches: 0,
        changes: 0,
        advanced_ms: 0,
    };
    let mut before = None;
    loop {
        let event = events.recv_timeout(Duration::from_secs(10))?;
        taken.take(&event, &supervisor)?;
        let elapsed = clock.0.elapsed();
        if elapsed < Duration::from_secs(WARM_UP_S) {
            continue;
        }
        let (reads, batches, cpu_before, memory_before, at) = *before.get_or_insert_with(|| {
            let (cpu, memory) = cost();
            (taken.reads, taken.batches, cpu, memory, elapsed)
        });
        let lasted = (elapsed - at).as_secs_f64();
        if lasted < f64::from(u32::try_from(seconds)?) {
            continue;
        }
        let (cpu, memory) = cost();
        let rate = f64::from(u32::try_from(taken.reads - reads)?) / lasted;
        let events = f64::from(u32::try_from(taken.batches - batches)?) / lasted;
        let percent = (cpu - cpu_before) / lasted * 100.0;
        let (present, changes) = (taken.presence.present().count(), taken.changes);
        println!(
            r#"{{"bench":"four_readers","reads_per_s":{rate:.0},"events_per_s":{events:.0},"cpu_percent_of_one":{percent:.1},"rss_mib":{memory:.1},"rss_mib_before":{memory_before:.1},"present":{present},"changes":{changes},"seconds":{lasted:.1}}}"#
        );
        supervisor.stop();
        return Ok(());
    }
}
