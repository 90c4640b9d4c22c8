//! What needs the cashier, and how it is dismissed.
//!
//! Alerts about rows and unknown payments are functions of the persisted state: they last until
//! what they are about is dealt with. Only [`super::TillInput::Acknowledge`] dismisses one: a scan
//! or Enter must never close a warning that nobody has read.

use shelf_stock::document::Subject;

use super::event::Change;
use super::line::{BasketLine, StockFlag};
use super::payment::{Payment, PaymentState};
use super::state::Basket;
use super::till::{Call, Till};
use super::view::Alert;

impl Till {
    /// Dismisses the first alert that can be dismissed.
    pub(super) fn acknowledge(&mut self, call: &mut Call<'_>) {
        if self.volatile.alerts.pop_front().is_some() {
            return;
        }
        let open = |it: &Alert| {
            !matches!(
                it,
                Alert::PaymentUnknown {
                    acknowledged: true,
                    ..
                }
            )
        };
        match self.alerts().into_iter().find(open) {
            Some(Alert::PaymentUnknown { intent, .. }) => {
                self.volatile.silenced.insert(intent);
            }
            Some(
                Alert::UnknownCode { line, .. }
                | Alert::PriceNeeded { line }
                | Alert::QuantityNeeded { line }
                | Alert::ApprovalNeeded { line }
                | Alert::StockWarning { line },
            ) => {
                if let Some(basket) = self.counter().map(|it| it.id) {
                    self.decide(call, basket, Change::Acknowledged { line });
                }
            }
            _ => {}
        }
    }

    /// All alerts, most urgent first.
    pub(super) fn alerts(&self) -> Vec<Alert> {
        let unknown = self.baskets.values().flat_map(|basket| {
            let unknown = |it: &&Payment| it.state == PaymentState::Unknown;
            let payments = basket.payments.iter().filter(unknown);
            payments.map(|it| Alert::PaymentUnknown {
                basket: basket.id,
                intent: it.intent,
                amount: it.amount,
                acknowledged: self.volatile.silenced.contains(&it.intent),
            })
        });
        let rows = self.counter().into_iter().flat_map(Basket::live_lines);
        let rows = rows.filter(|it| !it.acknowledged);
        let volatile = self.volatile.alerts.iter().cloned();
        volatile
            .chain(unknown)
            .chain(rows.filter_map(|it| row_alert(it)))
            .collect()
    }
}

fn row_alert(row: &BasketLine) -> Option<Alert> {
    let line = row.no;
    match &row.subject {
        _ if row.quantity_missing => Some(Alert::QuantityNeeded { line }),
        Subject::Unbound(code) if row.needs_price() => Some(Alert::UnknownCode {
            line,
            code: code.clone(),
        }),
        _ if row.needs_price() => Some(Alert::PriceNeeded { line }),
        _ if row.needs_approval() => Some(Alert::ApprovalNeeded { line }),
        _ if row.stock == StockFlag::Warn => Some(Alert::StockWarning { line }),
        _ => None,
    }
}
