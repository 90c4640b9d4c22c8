//! Keys of the till's texts: what the machine says as stable words.

use shelf_till::basket::{Mode, Refusal};

/// A mode as the style sheet and forms know it.
pub(super) fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Sell => "sell",
        Mode::Return => "return",
        Mode::PriceCheck => "price_check",
    }
}

/// The text of what the machine refuses.
pub(crate) fn refusal(why: Refusal) -> &'static str {
    match why {
        Refusal::NoBasket => "refusal_no_basket",
        Refusal::NoLine => "refusal_no_line",
        Refusal::NothingToUndo => "refusal_nothing_to_undo",
        Refusal::Quantity => "refusal_quantity",
        Refusal::QuantityNeeded => "refusal_quantity_needed",
        Refusal::Measured => "refusal_measured",
        Refusal::Price => "refusal_price",
        Refusal::PriceNeeded => "refusal_price_needed",
        Refusal::ApprovalNeeded => "refusal_approval_needed",
        Refusal::PaymentUnderWay => "refusal_payment_under_way",
        Refusal::AlreadyPaid => "refusal_already_paid",
        Refusal::NoPayment => "refusal_no_payment",
        Refusal::Amount => "refusal_amount",
        Refusal::CashNotDeclared => "refusal_cash",
        Refusal::BasketFull => "refusal_full",
        Refusal::TooManyPayments => "refusal_payments",
        Refusal::TooManyParked => "refusal_parked",
        Refusal::Empty => "refusal_empty",
        Refusal::ThingSold => "refusal_thing_sold",
        Refusal::TagWithoutArticle => "refusal_tag_without_article",
    }
}
