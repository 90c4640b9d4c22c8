//! A scale that is a HID device, through the kernel's uhid and hidapi.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use shelf_codecs::scale::{Protocol, Refusal, Unit};
use shelf_devices::config::{DeviceKind, Share};
use shelf_devices::driver::Command;
use shelf_devices::event::Payload;
use shelf_devices::scale::ScaleConfig;
use shelf_devices::weighing::{NoWeight, Weighing};
use shelf_sim::uhid::{HidUnit, UhidDevice};

use crate::desk::{Desk, device};

/// Between two reports of the scale.
const REPORT_PAUSE: Duration = Duration::from_millis(100);
/// Reports after which a weighing must have ended: longer than its patience.
const REPORTS_MAX: u32 = 200;

/// Asks for a weight while the scale goes on sending this report.
fn weighed(desk: &Desk, plate: &mut UhidDevice, question: u64, report: &[u8]) -> Result<Weighing> {
    let command = Command::Weigh {
        question,
        unit_price_minor: None,
    };
    desk.supervisor.command("scale", command)?;
    for _ in 0..REPORTS_MAX {
        plate.input(report)?;
        match desk.within(REPORT_PAUSE).map(|it| it.payload) {
            Some(Payload::Weight(weighing)) => return Ok(weighing),
            Some(Payload::State(_)) | None => {}
            other => bail!("{other:?} instead of a weight"),
        }
    }
    bail!("no weight for {report:02X?}; {:?}", desk.status()?)
}

pub(crate) fn hid_scale() -> Result<()> {
    let kind = DeviceKind::Scale(ScaleConfig::new(Protocol::Hid));
    let config = device("scale", "serial:SCALE-1", kind, Share::Exclusive)?;
    let desk = Desk::open(vec![config])?;
    for round in 0..2 {
        let mut plate = UhidDevice::plug(&HidUnit::scale("SCALE-1"))?;
        desk.until_ready()?;
        // Grams, kilograms, pounds and ounces, each with its own power of ten.
        let weights: [(&[u8], i64, Unit); 4] = [
            (&[3, 4, 2, 0, 0xE2, 0x04], 1_250_000, Unit::Gram),
            (&[3, 4, 3, 0xFD, 0xE2, 0x04], 1_250, Unit::Kilogram),
            (&[3, 4, 12, 0xFE, 0x7B, 0], 1_230, Unit::Pound),
            (&[3, 4, 11, 0xFF, 0x7B, 0], 12_300, Unit::Ounce),
        ];
        for (number, (report, thousandths, unit)) in (1..).zip(weights) {
            let weighing = weighed(&desk, &mut plate, number, report)?;
            let Ok(weight) = weighing.outcome else {
                bail!("{report:02X?}: {weighing}");
            };
            ensure!(
                (weight.thousandths, weight.unit, weighing.question) == (thousandths, unit, number),
                "{report:02X?}: {weighing:?}"
            );
        }
        // What is no weight is never one.
        for (state, refusal) in [
            (3, Refusal::Motion),
            (5, Refusal::Negative),
            (6, Refusal::Over),
            (2, Refusal::Zero),
        ] {
            let report = [3, state, 2, 0, 0xE2, 0x04];
            let weighing = weighed(&desk, &mut plate, 10 + u64::from(state), &report)?;
            ensure!(
                weighing.outcome == Err(NoWeight::Refused(refusal)),
                "state {state}: {weighing:?}"
            );
        }
        drop(plate);
        desk.until_gone()?;
        ensure!(
            desk.status()?.counters.resets == 0,
            "reset in round {round}"
        );
    }
    desk.close();
    Ok(())
}
