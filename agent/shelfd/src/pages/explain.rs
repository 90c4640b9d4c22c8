//! "Why does the web shop show 3?": every number behind it, in the reader's language.

use maud::{Markup, html};
use shelf_stock::demand::ChannelExplain;
use shelf_stock::quantity::Quantity;

use super::layout::moment;
use super::speech::Speech;
use super::texts::Language;
use crate::daemon::safety::explain::Explanation;

/// The record in sentences, from the book to the channels, then who grants and who heard it.
pub(crate) fn sentences(language: Language, it: &Explanation) -> Vec<String> {
    let mut said = Vec::new();
    for sentence in it.explain.sentences() {
        let values: Vec<String> = match sentence.key {
            "explain.demand" => demand(it),
            "explain.window" => window(it),
            _ => sentence.values.iter().map(|it| it.1.clone()).collect(),
        };
        let values: Vec<&dyn std::fmt::Display> = values
            .iter()
            .map(|value| value as &dyn std::fmt::Display)
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

/// What the demand's sentence says, rounded as people say it.
fn demand(it: &Explanation) -> Vec<String> {
    let it = &it.explain.forecast;
    let milli = |it: u64| rounded(i64::try_from(it).unwrap_or(i64::MAX));
    vec![
        milli(it.sales_per_day_milli),
        rounded(it.units_per_sale.as_thousandths()),
        milli(it.multiplier_per_mille),
        rounded(it.expected.as_thousandths()),
        milli(it.evidence_sales_milli),
    ]
}

/// What the window's sentence says, in hours, minutes and seconds.
fn window(it: &Explanation) -> Vec<String> {
    let it = &it.explain.window;
    [
        it.total_ms(),
        it.capture_lag_ms,
        it.link_ms,
        it.hub_commit_ms,
        it.channel_lag_ms,
        it.trolley_ms,
        it.order_to_pick_ms,
    ]
    .map(duration)
    .into()
}

/// Thousandths with at most one digit behind the point.
fn rounded(thousandths: i64) -> String {
    let tenths = thousandths.saturating_add(50).div_euclid(100);
    Quantity::thousandths(tenths.saturating_mul(100)).to_string()
}

/// `2 h 21 min`, `20 min`, `1.3 s`: two units at most.
fn duration(ms: u64) -> String {
    let minutes = ms.saturating_add(30_000) / 60_000;
    match ms {
        0..60_000 => format!("{} s", rounded(i64::try_from(ms).unwrap_or(0))),
        60_000..3_600_000 => format!("{minutes} min"),
        _ if minutes.is_multiple_of(60) => format!("{} h", minutes / 60),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

/// The page's content.
pub(crate) fn content(speech: Speech, it: &Explanation) -> Markup {
    let explain = &it.explain;
    let name = it.name.as_deref().unwrap_or(it.item.as_str());
    let percent = |thousandths: i64| Quantity::thousandths(thousandths);
    html! {
        section.card aria-labelledby="why" {
            p.quiet { (speech.text("explain_title")) }
            h2.big #why { (name) " " span.quiet.code { (it.item) } }
            @if !explain.channels.is_empty() { (channels(speech, &explain.channels)) }
            ol.said-list { @for sentence in &it.sentences { li { (sentence) } } }
        }
        section.card aria-labelledby="numbers" {
            h2 #numbers { (speech.text("explain_numbers")) }
            dl.narrow {
                dt { "B · " (speech.text("explain_book")) } dd { (explain.book) }
                dt { "R · " (speech.text("explain_reserved")) } dd { (explain.reserved) }
                dt { "U · " (speech.text("explain_usable")) } dd { (explain.usable) }
                dt { "SS · " (speech.text("explain_safety")) } dd { (explain.safety_stock) }
                dt { "λ · " (speech.text("explain_rate")) }
                dd { (rounded(
                    i64::try_from(explain.forecast.sales_per_day_milli).unwrap_or(i64::MAX))) }
                dt { "W · " (speech.text("explain_window")) }
                dd { (duration(explain.window.total_ms())) }
                dt { "p* · " (speech.text("explain_ratio")) }
                dd { (percent(i64::from(explain.ratio.as_ppm() / 10))) " %" }
                dt { "α · " (speech.text("explain_share")) }
                dd { (percent(i64::from(explain.coefficient_sum.as_per_mille()) * 100)) " %" }
                dt { "G − T − O · " (speech.text("explain_outstanding")) }
                dd { (explain.outstanding) }
                dt { (speech.text("explain_store_rights")) } dd { (explain.store_rights) }
                dt { (speech.text("explain_target")) } dd { (explain.target) }
            }
        }
    }
}

/// What each channel may sell and is shown: the answer, before the reasons.
fn channels(speech: Speech, channels: &[ChannelExplain]) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-labelledby="why" { table {
            thead { tr {
                th scope="col" { (speech.text("channel")) }
                @for key in ["channel_share", "channel_may", "channel_ordered", "channel_shows"] {
                    th.number scope="col" { (speech.text(key)) }
                }
            } }
            tbody { @for it in channels { tr {
                th scope="row" { (it.channel) }
                td.number {
                    (Quantity::thousandths(i64::from(it.coefficient.as_per_mille()) * 100)) " %"
                }
                td.number { (it.sellable) }
                td.number { (it.reserved) }
                td.number { strong { (it.on_hand) } }
            } } }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_say_them() {
        for (ms, said) in [
            (46, "0 s"),
            (1_342, "1.3 s"),
            (59_999, "60 s"),
            (60_000, "1 min"),
            (1_200_000, "20 min"),
            (7_200_000, "2 h"),
            (8_461_434, "2 h 21 min"),
        ] {
            assert_eq!(duration(ms), said, "{ms}");
        }
        assert_eq!(rounded(2_054), "2.1");
        assert_eq!(rounded(300_000), "300");
        assert_eq!(rounded(-1_049), "-1");
    }
}
