//! A scale at a till: the simulator that `shelf-sim scale` serves, and what the cashier lays on it.
//!
//! Goods that are sold by weight come with a label, or are weighed here: the cashier picks the
//! article, lays it on the plate, and the row has the weight that the scale told. This must never
//! tell the till a weight itself.

use std::sync::Arc;

use shelf_codecs::scale::{Protocol, ScaleConfig};
use shelf_sim::counter::{CounterDevice, CounterModel, CounterOrder};
use shelf_sim::line_server::LineServer;

use crate::config::{DeviceKind, DeviceSettings};

/// What the scale speaks.
const PROTOCOL: Protocol = Protocol::Toledo8217;

/// A simulated scale.
#[derive(Clone)]
pub(super) struct Plate(Arc<LineServer<CounterDevice>>);

impl Plate {
    /// Switches one on, behind a serial server of this machine.
    pub(super) fn start(seed: u64) -> anyhow::Result<Self> {
        let model = CounterModel::Scale(ScaleConfig::new(PROTOCOL));
        let server = LineServer::on_tcp(0, CounterDevice::new(model, seed))?;
        Ok(Self(Arc::new(server)))
    }

    /// The scale of a till, as a PC's configuration has it.
    pub(super) fn settings(&self, till: &str) -> DeviceSettings {
        let at = self.0.addr().map(|it| it.to_string()).unwrap_or_default();
        DeviceSettings {
            name: format!("scale of {till}"),
            kind: DeviceKind::Scale,
            select: format!("tcp:{at}"),
            role: format!("scale:{till}"),
            protocol: "toledo-8217".into(),
            ..DeviceSettings::default()
        }
    }

    /// Goods of so many grams lie on it; 0: nothing does.
    pub(super) fn put(&self, grams: i64) {
        let order = match grams {
            0 => CounterOrder::Empty,
            _ => CounterOrder::Put(grams),
        };
        self.0.device().order(order);
    }
}
