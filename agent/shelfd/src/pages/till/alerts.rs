//! What needs the cashier, in words, each with what can be done about it where it stands.
//!
//! An alert must never go away by itself while its cause is there, and never by a scanner's Enter.

use maud::{Markup, html};
use shelf_stock::quantity::Unit;
use shelf_till::basket::{Alert, LineNo, TillView};

use super::Pen;

impl Pen<'_> {
    /// All alerts; the button that dismisses stands at the first.
    pub(super) fn alerts(&self, view: &TillView) -> Markup {
        html! {
            @for (index, alert) in view.alerts.iter().enumerate() {
                @let nags = matches!(alert, Alert::PaymentUnknown { acknowledged: false, .. });
                @let class = match alert {
                    Alert::StockWarning { .. } => "alert mild",
                    _ => "alert",
                };
                div class=(class) role="alert" data-nag[nags] {
                    p { (self.alert(alert, view)) }
                    @if let Alert::UnknownCode { line, .. } | Alert::PriceNeeded { line } = alert {
                        (self.act("price", &html! {
                            input type="hidden" name="line" value=(line.0);
                            label { (self.text("key_price")) " "
                                input name="price" inputmode="decimal" size="8" required
                                    autocomplete="off" id={ "price-" (line.0) };
                            }
                            button { (self.text("set")) }
                        }))
                    }
                    @if let Alert::QuantityNeeded { line } = alert {
                        (self.weigh(*line, view))
                        (self.act("quantity", &html! {
                            input type="hidden" name="line" value=(line.0);
                            label { (self.text("quantity")) " "
                                input name="quantity" inputmode="decimal" size="8" required
                                    autocomplete="off" id={ "quantity-" (line.0) };
                            }
                            button { (self.text("set")) }
                        }))
                    }
                    @if let Alert::CommitFailed { basket: Some(basket), .. } = alert {
                        (self.act("record_again", &html! {
                            input type="hidden" name="basket" value=(basket);
                            button.primary { (self.text("record_again")) }
                        }))
                    }
                    @if index == 0 {
                        (self.button("acknowledge", self.text("alert_dismiss"), "dismiss",
                            Some("Escape")))
                    }
                }
            }
        }
    }

    /// The button that asks the scale. The page presses it by itself once for each row.
    pub(super) fn weigh(&self, line: LineNo, view: &TillView) -> Markup {
        let basket = view.basket.as_ref().filter(|_| self.has_scale);
        let row = basket.and_then(|it| it.lines.iter().find(|row| row.no == line));
        let Some(basket) = basket.filter(|_| row.is_some_and(|it| it.unit == Unit::Kilogram))
        else {
            return html! {};
        };
        let action = self.speech.link(&format!("/till/{}/weigh", self.till));
        html! {
            form method="post" action=(action) data-act data-auto={ (basket.id) "-" (line.0) } {
                input type="hidden" name="line" value=(line.0);
                button.primary data-key="F7" { (self.text("weigh")) }
            }
        }
    }

    fn alert(&self, alert: &Alert, view: &TillView) -> String {
        let name = |no| {
            let lines = view.basket.iter().flat_map(|it| it.lines.iter());
            lines
                .filter(|it| it.no == no)
                .map(|it| it.name.clone())
                .next()
                .unwrap_or_default()
        };
        let fill = |key, gap: &dyn std::fmt::Display| self.language.fill(key, &[gap]);
        let about = |no, key| format!("{}: {}", name(no), self.text(key));
        match alert {
            Alert::CommitFailed { message, .. } => fill("alert_commit", message),
            Alert::StorageFailed { message } => fill("alert_storage", message),
            Alert::SaleVoided { .. } => self.text("alert_voided").into(),
            Alert::LateApproval { .. } => self.text("alert_late").into(),
            Alert::ApprovedInDoubt { .. } => self.text("alert_in_doubt").into(),
            Alert::StrayPayment { .. } => self.text("alert_stray").into(),
            Alert::PaymentUnknown { amount, .. } => fill("alert_payment", amount),
            Alert::UnknownCode { code, .. } => fill("alert_unknown", code),
            Alert::PriceNeeded { line } => about(*line, "alert_price"),
            Alert::QuantityNeeded { line } => about(*line, "alert_quantity"),
            Alert::ApprovalNeeded { line } => about(*line, "alert_approval"),
            Alert::StockWarning { line } => about(*line, "alert_stock"),
        }
    }
}
