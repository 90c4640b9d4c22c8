//! How many reads the presence engine takes in a second while it follows many tags, what a look at all tags
//! costs, and the memory of a tag; and how many reads go through the LLRP client from bytes to sink.
//!
//! Prints one JSON line per case, median of the rounds; asserts nothing, for a bench that fails on a busy
//! machine is turned off. Run with `cargo bench -p shelf-sessions --bench presence`.
#![allow(
    unsafe_code,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock, counts allocations and prints its result"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use shelf_codecs::epc::EpcBytes;
use shelf_codecs::llrp::{
    Capabilities, ConnectionAttempt, Field, Frame, Message, ReaderEvent, ReaderEvents, ReportSpec,
    RoSpec, Status, TagReport, encode_report,
};
use shelf_sessions::llrp::{Config, Effect, Input, Now, Session, TagRead};
use shelf_sessions::presence::{Presence, PresenceConfig, Read, ReaderId, Zone, ZoneId};
use shelf_sessions::time::Mono;

const ROUNDS: usize = 9;
const TAGS: u32 = 20_000;
const READS: u32 = 400_000;

static TAKEN: AtomicUsize = AtomicUsize::new(0);
static HELD_BYTES: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call is passed on to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.fetch_add(1, Ordering::Relaxed);
        HELD_BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD_BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `work`, which does `count` things, and prints millions of them in a second.
fn measure(name: &str, count: u32, mut work: impl FnMut()) {
    work();
    let before = TAKEN.load(Ordering::Relaxed);
    let mut rates: Vec<f64> = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        work();
        rates.push(f64::from(count) / start.elapsed().as_secs_f64() / 1e6);
    }
    let taken = TAKEN.load(Ordering::Relaxed) - before - 1;
    rates.sort_by(f64::total_cmp);
    let (low, median, high) = (rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]);
    println!(
        r#"{{"bench":"{name}","unit":"M/s","median":{median:.3},"min":{low:.3},"max":{high:.3},"rounds":{ROUNDS},"per_round":{count},"allocations":{taken}}}"#
    );
}

fn epc(number: u32) -> [u8; 12] {
    let mut epc = [0x30, 0x74, 0x25, 0x7B, 0xF7, 0x19, 0x4E, 0x40, 0, 0, 0, 0];
    epc[8..].copy_from_slice(&number.to_be_bytes());
    epc
}

/// The read with this number: four readers, each tag at home at one of them and now and then heard by the
/// next.
fn read(number: u32, now_ms: u64) -> Read {
    let tag = number % TAGS;
    let stray = u32::from(number.is_multiple_of(11));
    let antenna = u16::try_from((tag + stray) % 4).unwrap_or(0);
    Read {
        epc: EpcBytes::new(&epc(tag)).unwrap_or(EpcBytes::EMPTY),
        reader: ReaderId(antenna),
        antenna: 1,
        rssi_centi_dbm: Some(if stray == 1 { -7_000 } else { -5_500 }),
        count: 1,
        at_ms: now_ms,
    }
}

fn presence() {
    let zones: Vec<ZoneId> = (0..4).map(ZoneId).collect();
    let mut engine = Presence::new(PresenceConfig {
        zones: zones.iter().map(|zone| Zone::new(*zone)).collect(),
        antennas: zones
            .iter()
            .map(|zone| ((ReaderId(zone.0), 1), *zone))
            .collect(),
        epoch_ms: 4_000,
        depart_ms_min: 10_000,
    });
    let mut events = Vec::with_capacity(2 * usize::try_from(TAGS).unwrap_or(0));
    let held = HELD_BYTES.load(Ordering::Relaxed);
    let (mut now_ms, mut number) = (1_000_000_u64, 0_u32);
    let mut reads = |engine: &mut Presence| {
        for _ in 0..READS {
            number = number.wrapping_add(1);
            // 6,000 reads in a second.
            now_ms += u64::from(number.is_multiple_of(6));
            engine.read(black_box(&read(number, now_ms)), &mut events);
        }
        events.clear();
    };
    reads(&mut engine);
    let per_tag = (HELD_BYTES.load(Ordering::Relaxed) - held) / usize::try_from(TAGS).unwrap_or(1);
    println!(
        r#"{{"bench":"presence_memory","unit":"bytes per tag","tags":{TAGS},"value":{per_tag}}}"#
    );
    measure("presence_reads", READS, || reads(&mut engine));
    let mut later = 0;
    let mut out = Vec::new();
    measure("presence_look_at_tags", TAGS, || {
        // Within the same epoch: nobody departs.
        later += 1;
        engine.advance(black_box(1_000_000 + later), &mut out);
    });
}

fn answer(bytes: &[u8]) -> Option<Vec<u8>> {
    let (frame, _) = Frame::split(bytes)?;
    let answer = match Message::read(&frame).ok()? {
        Message::GetReaderCapabilities { .. } => Message::GetReaderCapabilitiesResponse {
            status: Status::OK,
            capabilities: Box::new(Capabilities::default()),
        },
        Message::GetRoSpecs => Message::GetRoSpecsResponse {
            status: Status::OK,
            specs: Vec::new(),
        },
        Message::SetReaderConfig(_) => Message::SetReaderConfigResponse(Status::OK),
        Message::AddRoSpec(_) => Message::AddRoSpecResponse(Status::OK),
        Message::Spec { command, .. } => Message::SpecResponse {
            command,
            status: Status::OK,
        },
        _ => return None,
    };
    Some(answer.encode(frame.id))
}

fn client() {
    let report = ReportSpec {
        trigger: 1,
        n: 1,
        content: shelf_codecs::llrp::ReportContent::PRESENCE,
        ..ReportSpec::default()
    };
    let work = RoSpec {
        id: 1,
        report: Some(report),
        ..RoSpec::default()
    };
    let mut session = Session::new(Config::new(work, 1));
    let greeting = Message::ReaderEventNotification(ReaderEvents {
        at: None,
        events: vec![ReaderEvent::ConnectionAttempt(ConnectionAttempt::Success)],
    });
    let mut inbox = vec![greeting.encode(0)];
    let now = Now {
        mono: Mono(1),
        wall_us: Some(1_900_000_000_000_000),
    };
    let mut sum = 0_u64;
    let mut sink = |read: &TagRead<'_>| sum = sum.wrapping_add(u64::from(read.report.antenna_id));
    let mut out = Vec::new();
    for input in [Input::Start, Input::Connected, Input::SinkReady] {
        session.handle(now, input, &mut out, &mut sink);
    }
    while let Some(bytes) = inbox.pop() {
        out.clear();
        session.handle(now, Input::Bytes(&bytes), &mut out, &mut sink);
        inbox.extend(out.iter().filter_map(|effect| match effect {
            Effect::Send(bytes) => answer(bytes),
            _ => None,
        }));
    }
    let epcs: Vec<[u8; 12]> = (0..1_000).map(epc).collect();
    let tags: Vec<TagReport<'_>> = epcs
        .iter()
        .map(|epc| {
            TagReport::of(epc)
                .with(Field::AntennaId, 3)
                .with(Field::PeakRssi, 0xC9)
                .with(Field::LastSeenUtc, 1_899_999_999_000_000)
                .with(Field::SeenCount, 3)
        })
        .collect();
    let wire = encode_report(1, &tags);
    measure("llrp_client_reads", 1_000 * 400, || {
        for _ in 0..400 {
            out.clear();
            session.handle(now, Input::Bytes(black_box(&wire)), &mut out, &mut sink);
        }
    });
    assert!(sum > 0, "the client did not come to run");
}

fn main() {
    presence();
    client();
}
