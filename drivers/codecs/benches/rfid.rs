//! How many tags of LLRP reports are read in a second, with the allocations of the whole run counted, and
//! how many EPCs are decoded.
//!
//! Prints one JSON line per case, median of the rounds; asserts nothing, for a bench that fails on a busy
//! machine is turned off. Run with `cargo bench -p shelf-codecs --bench rfid`. With `SHELF_PEER_PYTHON` set
//! to a Python that has `sllurp`, that client reads the same report, round about with ours, and the ratio is
//! printed. No crate for EPCs has a licence and a range that would make it a peer.
#![allow(
    unsafe_code,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock, counts allocations and prints its result"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use shelf_codecs::epc::{EpcBytes, Tag};
use shelf_codecs::llrp::{
    Field, FrameDecoder, FrameItem, ReportItem, TagReport, TagReports, encode_report,
};

const ROUNDS: usize = 9;
const TAGS_PER_REPORT: usize = 1_000;
const REPORTS: usize = 1_000;
/// A full report comes in pieces of this size.
const SEGMENT_BYTES: usize = 16 * 1024;

static TAKEN: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call is passed on to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs `work`, which says how many things it did, and prints millions of them in a second.
fn measure(name: &str, mut work: impl FnMut() -> usize) {
    let mut done = work();
    let before = TAKEN.load(Ordering::Relaxed);
    let mut rates: Vec<f64> = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        done = black_box(work());
        let count = f64::from(u32::try_from(done).unwrap_or(u32::MAX));
        rates.push(count / start.elapsed().as_secs_f64() / 1e6);
    }
    // One for the list of rates itself.
    let taken = TAKEN.load(Ordering::Relaxed) - before - 1;
    rates.sort_by(f64::total_cmp);
    let (low, median, high) = (rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]);
    println!(
        r#"{{"bench":"{name}","unit":"M/s","median":{median:.2},"min":{low:.2},"max":{high:.2},"rounds":{ROUNDS},"per_round":{done},"allocations":{taken}}}"#
    );
}

/// A report with everything that presence needs, control word and check sum.
fn report() -> Vec<u8> {
    let epcs: Vec<[u8; 12]> = (0..TAGS_PER_REPORT)
        .map(|at| {
            let mut epc = [0x30, 0x74, 0x25, 0x7B, 0xF7, 0x19, 0x4E, 0x40, 0, 0, 0, 0];
            epc[8..].copy_from_slice(&u32::try_from(at).unwrap_or(0).to_be_bytes());
            epc
        })
        .collect();
    let tags: Vec<TagReport<'_>> = epcs
        .iter()
        .map(|epc| {
            TagReport::of(epc)
                .with(Field::RoSpecId, 1)
                .with(Field::AntennaId, 3)
                .with(Field::PeakRssi, 0xC9)
                .with(Field::FirstSeenUtc, 0x0006_0A24_181E_4000)
                .with(Field::LastSeenUtc, 0x0006_0A24_1822_1090)
                .with(Field::SeenCount, 3)
                .with(Field::ProtocolControl, 0x3000)
                .with(Field::Crc, 0xBEEF)
        })
        .collect();
    encode_report(1, &tags)
}

fn tally(body: &[u8]) -> (usize, u64) {
    let mut sum = (0, 0_u64);
    for item in TagReports::new(body) {
        if let ReportItem::Tag(tag) = item {
            sum.0 += 1;
            sum.1 = sum
                .1
                .wrapping_add(u64::from(tag.antenna_id))
                .wrapping_add(u64::from(tag.epc.last().copied().unwrap_or(0)))
                .wrapping_add(tag.last_seen_utc_us);
        }
    }
    sum
}

/// Reports in one round of the peer.
const PEER_REPORTS: u32 = 5;

/// Rounds of the peer and of ours in turn; the ratio of the medians.
fn beside_the_peer(python: &str, report: &[u8]) -> std::io::Result<()> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer/llrp_sllurp.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (Some(mut asks), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(std::io::Error::other("no pipes to the peer"));
    };
    let digits: String = report.iter().map(|it| format!("{it:02x}")).collect();
    let mut answers = BufReader::new(answers).lines();
    let (mut peer, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        writeln!(asks, "{PEER_REPORTS} {digits}")?;
        let line = answers
            .next()
            .ok_or_else(|| std::io::Error::other("the peer gave up"))??;
        let (tags, seconds) = line.split_once(' ').unwrap_or(("0", "1"));
        let tags: f64 = tags.parse().map_err(std::io::Error::other)?;
        let seconds: f64 = seconds.parse().map_err(std::io::Error::other)?;
        peer.push(tags / seconds / 1e6);
        let start = Instant::now();
        let tags: usize = (0..REPORTS)
            .map(|_| tally(black_box(&report[10..])).0)
            .sum();
        let tags = f64::from(u32::try_from(tags).unwrap_or(u32::MAX));
        ours.push(tags / start.elapsed().as_secs_f64() / 1e6);
    }
    drop(asks);
    child.wait()?;
    peer.sort_by(f64::total_cmp);
    ours.sort_by(f64::total_cmp);
    let (peer, ours) = (peer[ROUNDS / 2], ours[ROUNDS / 2]);
    let ratio = ours / peer;
    println!(
        r#"{{"bench":"llrp_beside_sllurp","unit":"M tags/s","ours":{ours:.2},"peer":{peer:.5},"ratio":{ratio:.0},"rounds":{ROUNDS}}}"#
    );
    Ok(())
}

fn main() {
    let report = report();
    if let Ok(python) = std::env::var("SHELF_PEER_PYTHON")
        && let Err(error) = beside_the_peer(&python, &report)
    {
        println!(r#"{{"bench":"llrp_beside_sllurp","error":"{error}"}}"#);
    }
    measure("llrp_reports_tags", || {
        (0..REPORTS)
            .map(|_| {
                let (tags, sum) = tally(black_box(&report[10..]));
                black_box(sum);
                tags
            })
            .sum()
    });
    let mut decoder = FrameDecoder::new();
    measure("llrp_stream_tags", || {
        let mut tags = 0;
        for _ in 0..REPORTS {
            for segment in report.chunks(SEGMENT_BYTES) {
                decoder.push(black_box(segment));
                while let Some(FrameItem::Frame(frame)) = decoder.next_item() {
                    let (count, sum) = tally(frame.body);
                    black_box(sum);
                    tags += count;
                }
            }
        }
        tags
    });
    for (name, hex) in [
        ("epc_sgtin_96", "3074257BF7194E4000001A85"),
        ("epc_sgtin_plus", "F73795211411234538566CB0AFC4"),
        (
            "epc_sgtin_198",
            "3674257BF6B7A659B2C2BF100000000000000000000000000000",
        ),
    ] {
        let Some(epc) = EpcBytes::from_hex(hex) else {
            continue;
        };
        measure(name, || {
            (0..1_000_000)
                .filter(|_| Tag::decode(black_box(epc.as_slice())).is_ok())
                .count()
        });
    }
}
