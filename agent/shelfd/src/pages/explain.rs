//! "Why does the web shop show 3?": every number behind it, in the reader's language.

use maud::{Markup, html};

use super::layout::moment;
use super::speech::Speech;
use super::texts::Language;
use crate::daemon::safety::explain::Explanation;

/// The record in sentences, from the book to the channels, then who grants and who heard it.
pub(crate) fn sentences(language: Language, it: &Explanation) -> Vec<String> {
    let mut said = Vec::new();
    for sentence in it.explain.sentences() {
        let values: Vec<&dyn std::fmt::Display> = sentence
            .values
            .iter()
            .map(|(_, value)| value as &dyn std::fmt::Display)
            .collect();
        said.push(language.fill(sentence.key, &values));
    }
    match &it.in_force {
        Some(force) => said.push(language.fill(
            "explain.in_force",
            &[&force.safety_stock, &moment(force.computed, it.as_of)],
        )),
        None => said.push(language.text("explain.not_computed").into()),
    }
    said.push(
        language
            .text(match it.grantor {
                Some(true) => "explain.grantor",
                Some(false) => "explain.not_grantor",
                None => "explain.alone",
            })
            .into(),
    );
    if let Some(heard) = it.hub_heard {
        said.push(language.fill("explain.hub_heard", &[&moment(heard, it.as_of)]));
    }
    said
}

/// The page's content.
pub(crate) fn content(speech: Speech, it: &Explanation) -> Markup {
    let explain = &it.explain;
    let name = it.name.as_deref().unwrap_or(it.item.as_str());
    let minutes = |ms: u64| {
        shelf_stock::quantity::Quantity::thousandths(i64::try_from(ms / 60).unwrap_or(i64::MAX))
    };
    html! {
        section.card aria-labelledby="why" {
            h2 #why { (name) span.quiet { " " (it.item) } }
            ol.said-list { @for sentence in &it.sentences { li { (sentence) } } }
        }
        section.card aria-labelledby="numbers" {
            h2 #numbers { (speech.text("explain_numbers")) }
            dl {
                dt { "B · " (speech.text("explain_book")) } dd { (explain.book) }
                dt { "R · " (speech.text("explain_reserved")) } dd { (explain.reserved) }
                dt { "U · " (speech.text("explain_usable")) } dd { (explain.usable) }
                dt { "SS · " (speech.text("explain_safety")) } dd { (explain.safety_stock) }
                dt { "λ · " (speech.text("explain_rate")) }
                dd { (shelf_stock::quantity::Quantity::thousandths(
                    i64::try_from(explain.forecast.sales_per_day_milli).unwrap_or(i64::MAX))) }
                dt { "W · " (speech.text("explain_window")) }
                dd { (minutes(explain.window.total_ms())) }
                dt { "p* · " (speech.text("explain_ratio")) }
                dd { (shelf_stock::quantity::Quantity::thousandths(
                    i64::from(explain.ratio.as_ppm() / 10))) " %" }
                dt { "α · " (speech.text("explain_share")) }
                dd { (explain.coefficient_sum.as_per_mille()) " ‰" }
                dt { "G − T − O · " (speech.text("explain_outstanding")) }
                dd { (explain.outstanding) }
                dt { (speech.text("explain_store_rights")) } dd { (explain.store_rights) }
                dt { (speech.text("explain_target")) } dd { (explain.target) }
            }
        }
    }
}
