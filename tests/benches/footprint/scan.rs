//! BARS 3: a scan on a pseudo-terminal until the scanner is told to beep, which is after the
//! commit, and until the till's page has it; beside the disk's floor.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use shelf_tests::wares;

use super::lab::{Floor, Lab, Times, micros, ratio};
use super::page::Stream;
use super::pc::{Pc, Setup, TILL, beep};

const ROUNDS: usize = 11;
const BASKETS_PER_ROUND: usize = 20;
const LINES_PER_BASKET: usize = 10;
const WARES: u32 = 1_000;
/// No event for this long: the page shows all there is.
const QUIET: Duration = Duration::from_millis(10);

pub(crate) fn measure(lab: &Lab) -> Result<()> {
    let setup = Setup {
        scanner: true,
        ..Setup::default()
    };
    let mut pc = Pc::prepare(lab, setup)?;
    let mut scanner = pc.plug()?;
    pc.start()?;
    pc.load_items(WARES)?;
    pc.stock_up(WARES, 10_000)?;
    let mut floor = Floor::new(pc.dir())?;
    let (mut floors, mut beeps, mut pages) = (Times::default(), Times::default(), Times::default());
    let mut step = 0;
    let mut next = || {
        step += 1;
        wares::gtin13(u32::try_from(wares::draw(7, step) % u64::from(WARES)).unwrap_or(0) + 1)
    };
    for _ in 0..ROUNDS {
        [&mut floors, &mut beeps]
            .into_iter()
            .for_each(Times::next_round);
        for _ in 0..BASKETS_PER_ROUND {
            for _ in 0..LINES_PER_BASKET {
                floors.add(micros(|| floor.write())?);
            }
            for _ in 0..LINES_PER_BASKET {
                let code = next();
                beeps.add(micros(|| {
                    scanner.scan(&code)?;
                    beep(&mut scanner)
                })?);
            }
            pc.act("pay_cash", &[("given", "100000.00")])?;
        }
    }
    let mut stream = Stream::open(pc.http, &format!("/events/till/{TILL}"))?;
    for _ in 0..ROUNDS {
        pages.next_round();
        for _ in 0..LINES_PER_BASKET * 2 {
            stream.drain(QUIET)?;
            let code = next();
            pages.add(micros(|| {
                scanner.scan(&code)?;
                stream.event(b"event: live")
            })?);
            beep(&mut scanner)?;
        }
        pc.act("pay_cash", &[("given", "100000.00")])?;
    }
    println!(
        "{}",
        json!({ "bench": "footprint", "bar": 3, "what": "scan on a PTY, durable, acknowledged",
            "scans": beeps.count(), "floor": floors.us(), "beep": beeps.us(),
            "beep_to_floor_p50": ratio(beeps.at(500), floors.at(500)),
            "beep_to_floor_p99": ratio(beeps.at(990), floors.at(990)),
            "till_page": pages.us() })
    );
    pc.stop()
}
