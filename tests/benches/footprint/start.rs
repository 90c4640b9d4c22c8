//! BARS 17: from the spawn until it says that it is ready and until the first scan is on the disk;
//! warm, and after a kill with the write-ahead log full of commits.

use std::os::unix::fs::FileExt as _;

use anyhow::{Result, bail};
use serde_json::json;

use super::lab::{Lab, Times};
use super::pc::{Pc, Setup};

const STARTS: usize = 20;
const KILLS: usize = 5;
const WARES: u32 = 1_000;
/// Wares imported again and again to fill the log.
const FILLING: u32 = 10_000;
const FILLINGS_MAX: usize = 30;
/// Of a log of 64 MiB, close before the writer empties it.
const FRAMES_WANTED: u64 = 14_000;
const FRAME_BYTES: u64 = 4096 + 24;

pub(crate) fn measure(lab: &Lab) -> Result<()> {
    let setup = Setup {
        scanner: true,
        ..Setup::default()
    };
    let mut pc = Pc::prepare(lab, setup)?;
    let mut scanner = pc.plug()?;
    let fresh = pc.start()?;
    pc.load_items(WARES)?;
    pc.stock_up(WARES, 1_000_000)?;
    let (mut ready, mut scanning) = (Times::default(), Times::default());
    for _ in 0..STARTS {
        pc.stop()?;
        ready.add(pc.start()?.as_secs_f64() * 1e6);
        pc.stop()?;
        scanning.add(pc.start_scanning(&mut scanner)?.as_secs_f64() * 1e6);
        pc.act("void_basket", &[])?;
        // Beeps of the scans that were sent more than once.
        scanner.host_wrote(usize::MAX, std::time::Duration::from_millis(20))?;
    }
    println!(
        "{}",
        json!({ "bench": "footprint", "bar": 17, "what": "spawned until scanning, warm",
            "starts": STARTS, "ready": ready.ms(), "first_scan_acknowledged": scanning.ms(),
            "very_first_start_ms": fresh.as_secs_f64() * 1e3 })
    );
    let (mut killed, mut frames) = (Times::default(), Vec::new());
    for _ in 0..KILLS {
        for _ in 0..FILLINGS_MAX {
            if frames_in_log(&pc)? >= FRAMES_WANTED {
                break;
            }
            pc.load_items(FILLING)?;
        }
        pc.kill9();
        frames.push(frames_in_log(&pc)?);
        killed.add(pc.start()?.as_secs_f64() * 1e6);
    }
    println!(
        "{}",
        json!({ "bench": "footprint", "bar": 17, "what": "spawned until ready, after kill -9",
            "log_frames": frames, "ready": killed.ms() })
    );
    pc.stop()
}

/// How many pages the write-ahead log holds: the frames that carry the salt of its head.
fn frames_in_log(pc: &Pc) -> Result<u64> {
    let file = std::fs::File::open(pc.data().join("ledger.db-wal"))?;
    let length = file.metadata()?.len();
    let mut head = [0; 32];
    if file.read_at(&mut head, 0)? != head.len() {
        bail!("the write-ahead log has no head");
    }
    let mut frames = 0;
    let mut salt = [0; 8];
    while 32 + (frames + 1) * FRAME_BYTES <= length {
        file.read_exact_at(&mut salt, 32 + frames * FRAME_BYTES + 8)?;
        if salt != head[16..24] || salt == [0; 8] {
            break;
        }
        frames += 1;
    }
    Ok(frames)
}
