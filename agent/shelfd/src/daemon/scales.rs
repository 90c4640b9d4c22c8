//! The scales of this PC's tills: whoever sells asks here, and gets the weight that answers this question.
//!
//! One thread of the device layer tells outcomes, requests wait for theirs; a question that nobody waits for
//! any more is taken back. It converts nothing and keeps no weight: what lies on the plate is asked for anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shelf_devices::config::{DeviceConfig, DeviceKind, Role};
use shelf_devices::driver::Command;
use shelf_devices::supervisor::{CommandError, Supervisor};
use shelf_devices::weighing::Weighing;
use shelf_stock::name::TillId;
use tokio::sync::oneshot;

/// How long a request waits for an outcome; longer than a scale's own patience.
const OUTCOME_MS_MAX: u64 = 8_000;

/// Why nothing was weighed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WeighError {
    /// No device has the role.
    #[error("till `{0}` has no scale: give a device the role scale:{0}")]
    None(TillId),
    /// The scale is not there, or behind.
    #[error("{0}")]
    NotNow(#[from] CommandError),
    /// Nothing came back.
    #[error("the scale gave no answer in time")]
    NoOutcome,
}

/// Questions under way.
#[derive(Debug, Default)]
struct Questions {
    last: u64,
    waiting: BTreeMap<u64, oneshot::Sender<Weighing>>,
}

/// The scales.
pub(crate) struct Scales {
    supervisor: Arc<Supervisor>,
    by_till: BTreeMap<TillId, String>,
    questions: Mutex<Questions>,
}

impl Scales {
    /// Which device weighs at which till: the one with the role, else a counter scanner of the till.
    pub(crate) fn new(supervisor: Arc<Supervisor>, configs: &[DeviceConfig]) -> Self {
        let mut by_till = BTreeMap::new();
        let built_in = configs.iter().filter_map(|it| match (&it.role, &it.kind) {
            (Role::Till(till), DeviceKind::CounterScanner(_)) => Some((till, it)),
            _ => None,
        });
        let own = configs.iter().filter_map(|it| match &it.role {
            Role::Scale(till) => Some((till, it)),
            _ => None,
        });
        for (till, device) in built_in.chain(own) {
            if let Ok(till) = TillId::new(till) {
                by_till.insert(till, device.name.clone());
            }
        }
        Self {
            supervisor,
            by_till,
            questions: Mutex::default(),
        }
    }

    /// Whether there is one at this till.
    pub(crate) fn at(&self, till: &TillId) -> bool {
        self.by_till.contains_key(till)
    }

    /// Weighs what lies on the till's scale. A price-computing scale needs the price of a kilogram.
    pub(crate) async fn weigh(
        &self,
        till: &TillId,
        unit_price_minor: Option<u32>,
    ) -> Result<Weighing, WeighError> {
        let device = self.by_till.get(till);
        let device = device.ok_or_else(|| WeighError::None(till.clone()))?;
        let (question, outcome) = self.draw();
        let asked = Asked {
            scales: self,
            device,
            question,
        };
        let weigh = Command::Weigh {
            question,
            unit_price_minor,
        };
        self.supervisor.command(device, weigh)?;
        let limit = Duration::from_millis(OUTCOME_MS_MAX);
        let outcome = tokio::time::timeout(limit, outcome).await;
        drop(asked);
        match outcome {
            Ok(Ok(weighing)) => Ok(weighing),
            Ok(Err(_)) | Err(_) => Err(WeighError::NoOutcome),
        }
    }

    /// What a scale said; an answer that nobody waits for is dropped.
    pub(super) fn told(&self, weighing: Weighing) {
        let waiting = self.locked().waiting.remove(&weighing.question);
        match waiting.map(|it| it.send(weighing)) {
            Some(Ok(())) => {}
            Some(Err(_)) | None => tracing::debug!(%weighing, "nobody waits for this weight"),
        }
    }

    fn draw(&self) -> (u64, oneshot::Receiver<Weighing>) {
        let (sender, receiver) = oneshot::channel();
        let mut questions = self.locked();
        questions.last += 1;
        let question = questions.last;
        questions.waiting.insert(question, sender);
        (question, receiver)
    }

    fn locked(&self) -> MutexGuard<'_, Questions> {
        self.questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question under way; taken back when whoever asked goes away before its answer.
struct Asked<'a> {
    scales: &'a Scales,
    device: &'a str,
    question: u64,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let unanswered = self.scales.locked().waiting.remove(&self.question);
        if unanswered.is_some() {
            // A scale that is gone has nothing to be told.
            let _gone = self
                .scales
                .supervisor
                .command(self.device, Command::StopWeighing);
        }
    }
}
