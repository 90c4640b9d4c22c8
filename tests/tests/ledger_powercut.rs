//! Power cuts at flush boundaries: nothing acknowledged is lost, nothing is corrupt (I8).
//!
//! The child sells on a disk that logs its writes. Then, for many moments between two flushes,
//! the disk is put together as it may have been left: everything flushed, plus none, all or a
//! random half of what came later. Each is mounted, opened and judged. The control runs with
//! `synchronous=NORMAL` and must lose acknowledged documents. `SHELF_POWER_POINTS` sets how many
//! moments (126).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    reason = "builds disk images and reads the child's output"
)]

mod power_disk;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use power_disk::{Mounted, Op, PowerDisk};
use shelf_stock::identity::Place;
use shelf_tests::ledger_lab::judge;

const DISK_BYTES: usize = 64 << 20;
const POINTS_DEFAULT: usize = 126;
const SALES_PER_THREAD: u64 = 250;

/// What was acknowledged when, as operations of the disk.
struct Story {
    ops: Vec<Op>,
    acknowledged: Vec<(usize, Place)>,
}

fn record(words: &[&str]) -> Story {
    let disk = PowerDisk::mount(DISK_BYTES);
    let mut child = Command::new(env!("CARGO_BIN_EXE_ledger_child"))
        .arg(disk.path().join("ledger"))
        .args(["2", &SALES_PER_THREAD.to_string()])
        .args(words)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        if let Ok(place) = line.unwrap().parse::<Place>() {
            acknowledged.push((disk.length(), place));
        }
    }
    // What leaving and unmounting write is no part of the story.
    let length = acknowledged.last().expect("the child sold something").0;
    assert!(child.wait().unwrap().success());
    Story {
        ops: disk.ops(length),
        acknowledged,
    }
}

/// Which of the later writes survived.
#[derive(Clone, Copy, Debug)]
enum Later {
    None,
    All,
    Half(u64),
}

impl Later {
    fn keeps(self, index: usize) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Half(seed) => {
                let mixed = (index as u64 ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
                (mixed >> 40) & 1 == 1
            }
        }
    }
}

/// Moments between two flushes after the first acknowledgement: (first, last operation).
fn moments(story: &Story, points: usize) -> Vec<(usize, usize)> {
    let begun = story.acknowledged[0].0;
    let is_flush = |it: &(usize, &Op)| matches!(it.1, Op::Flush);
    let flushes = story.ops.iter().enumerate().filter(is_flush);
    let mut edges: Vec<usize> = flushes.map(|(index, _)| index + 1).collect();
    edges.push(story.ops.len());
    let spans: Vec<(usize, usize)> = edges
        .windows(2)
        .map(|it| (it[0], it[1]))
        .filter(|it| it.1 >= begun)
        .collect();
    let every = (spans.len() / points).max(1);
    spans.into_iter().step_by(every).collect()
}

struct Outcome {
    points: usize,
    lost: Vec<String>,
    corrupt: Vec<String>,
}

fn cut_power(story: &Story, points: usize, seed: u64) -> Outcome {
    // In memory where there is such a place: only the moment of the cut is to be slow.
    let memory = std::path::Path::new("/dev/shm");
    let dir = tempfile::tempdir_in(if memory.is_dir() {
        memory
    } else {
        std::path::Path::new("/tmp")
    });
    let dir = dir.unwrap();
    let (path, at) = (dir.path().join("image"), dir.path().join("mount"));
    std::fs::create_dir(&at).unwrap();
    let spans = moments(story, points);
    let per_span = points.div_ceil(spans.len()).min(3);
    let mut outcome = Outcome {
        points: 0,
        lost: Vec::new(),
        corrupt: Vec::new(),
    };
    let (mut durable, mut applied) = (vec![0; DISK_BYTES], 0);
    for (number, (first, last)) in spans.into_iter().enumerate() {
        write(&mut durable, &story.ops[applied..first], |_| true);
        applied = first;
        // Seen before the flush that ends the span; what no flush ends, the power cut does. The
        // story's last operation mostly is a flush: what it made durable was seen after it.
        let is_flushed = matches!(story.ops[first..last].last(), Some(Op::Flush));
        let seen = story
            .acknowledged
            .iter()
            .filter(|it| !is_flushed || it.0 < last);
        let known: Vec<Place> = seen.map(|it| it.1).collect();
        let ways = [Later::None, Later::All, Later::Half(seed ^ number as u64)];
        for way in 0..per_span {
            let later = ways[(number + way) % ways.len()];
            let mut image = durable.clone();
            write(&mut image, &story.ops[first..last], |it| later.keeps(it));
            std::fs::write(&path, &image).unwrap();
            let mounted = Mounted::image(&path, &at);
            let verdict = judge(&at.join("ledger"), &known);
            drop(mounted);
            outcome.points += 1;
            match verdict {
                Ok(it) if it.is_good() => {}
                Ok(it) if it.findings.is_empty() => outcome
                    .lost
                    .push(format!("{first}..{last} {later:?}: {:?}", it.missing)),
                Ok(it) => outcome
                    .corrupt
                    .push(format!("{first}..{last} {later:?}: {:?}", it.findings)),
                Err(error) => outcome
                    .corrupt
                    .push(format!("{first}..{last} {later:?}: {error:#}")),
            }
        }
    }
    outcome
}

fn write(image: &mut [u8], ops: &[Op], keeps: impl Fn(usize) -> bool) {
    for (index, op) in ops.iter().enumerate() {
        if let Op::Write { at, bytes } = op
            && keeps(index)
        {
            image[*at..at + bytes.len()].copy_from_slice(bytes);
        }
    }
}

#[test]
fn i8_nothing_acknowledged_is_lost_to_a_power_cut() {
    let points = std::env::var("SHELF_POWER_POINTS")
        .ok()
        .and_then(|it| it.parse().ok());
    let story = record(&[]);
    let seed = u64::from(std::process::id());
    let outcome = cut_power(&story, points.unwrap_or(POINTS_DEFAULT), seed);
    println!(
        "{} acknowledged, {} operations, {} crash points: {} lost, {} corrupt (seed {seed})",
        story.acknowledged.len(),
        story.ops.len(),
        outcome.points,
        outcome.lost.len(),
        outcome.corrupt.len()
    );
    assert_eq!(outcome.corrupt, Vec::<String>::new(), "seed {seed}");
    assert_eq!(outcome.lost, Vec::<String>::new(), "seed {seed}");
    assert!(
        outcome.points >= points.unwrap_or(120),
        "only {} points",
        outcome.points
    );
}

#[test]
fn the_power_cut_test_catches_a_writer_that_syncs_too_little() {
    let story = record(&["normal"]);
    let outcome = cut_power(&story, 30, 1);
    println!(
        "control: {} of {} points lose acknowledged documents, {} corrupt",
        outcome.lost.len(),
        outcome.points,
        outcome.corrupt.len()
    );
    assert!(
        outcome.lost.len() + outcome.corrupt.len() > 0,
        "the control lost nothing"
    );
}
