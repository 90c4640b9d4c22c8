//! What RFID readers see: each zone with its readers and articles, and the counts that are open.
//!
//! A count is walked here by whoever carries the reader or stands before the fixed one: begin, walk the
//! zone, look for what is missing, make it the book. What readers see moves no stock until somebody presses
//! that last button, and no button here does it for articles that are in doubt.

use std::collections::BTreeMap;

use maud::{Markup, html};
use shelf_stock::time::Timestamp;

use super::layout::moment;
use super::speech::Speech;
use super::zones::kind;
use crate::daemon::rfid::{CountArticle, CountStatus, ReaderStatus, ZoneStatus};

/// Articles that are listed of a count, the doubtful ones first.
pub(crate) const ARTICLES_MAX: usize = 100;
/// Articles that are listed of a zone.
const ZONE_ARTICLES_MAX: usize = 20;
/// Things that are listed of a count.
const THINGS_MAX: usize = 50;

/// What the page shows.
#[derive(Clone, Debug)]
pub(crate) struct Rfid {
    /// The zones.
    pub(crate) zones: Vec<ZoneStatus>,
    /// The open counts, each with its articles in the order in which they are listed.
    pub(crate) counts: Vec<CountStatus>,
    /// Names of articles by GTIN, as far as the catalogue has them.
    pub(crate) names: BTreeMap<String, String>,
    /// What a count that begins now would be called, without its zone.
    pub(crate) next: String,
    /// When this was put together.
    pub(crate) now: Timestamp,
}

/// Puts the articles that need somebody first and leaves out what is not listed.
pub(crate) fn listed(mut articles: Vec<CountArticle>) -> Vec<CountArticle> {
    let rank = |it: &CountArticle| (it.suspects == 0, it.read == it.expected);
    articles.sort_by_key(rank);
    articles.truncate(ARTICLES_MAX);
    articles
}

/// Everything that live updates replace.
pub(crate) fn live(speech: Speech, page: &Rfid) -> Markup {
    html! {
        @if !page.counts.is_empty() {
            section aria-labelledby="counts" {
                h2 #counts { (speech.text("rfid_counts")) }
                @for it in &page.counts { (count(speech, page, it)) }
            }
        }
        section aria-labelledby="zones" {
            h2 #zones { (speech.text("zones")) }
            @if page.zones.is_empty() { p.quiet { (speech.text("zones_none")) } }
            @else { p.quiet { (speech.text("zones_hint")) } }
            div.grid { @for it in &page.zones { (zone(speech, page, it)) } }
        }
    }
}

fn zone(speech: Speech, page: &Rfid, it: &ZoneStatus) -> Markup {
    let summary = &it.summary;
    let is_area = summary.kind == "area";
    let counted = page.counts.iter().any(|count| count.zone == summary.name);
    html! {
        article.card.device data-zone=(summary.name) {
            h3 { (summary.name) " " span.quiet { (speech.text(kind(&summary.kind))) } }
            @if summary.blind {
                p { strong.warn { span aria-hidden="true" { "! " } (speech.text("zone_blind")) } }
            }
            dl {
                @if is_area { dt { (speech.text("zone_present")) } dd { (summary.present) } }
                dt { (speech.text("zone_arrived")) } dd { (summary.arrived) }
                dt { (speech.text("zone_departed")) } dd { (summary.departed) }
                @if it.other_levels > 0 {
                    dt { (speech.text("zone_other_levels")) } dd { (it.other_levels) }
                }
                @if it.not_gs1 > 0 { dt { (speech.text("zone_not_gs1")) } dd { (it.not_gs1) } }
            }
            ul.plain { @for reader in &it.readers { li { (seeing(speech, reader, page.now)) } } }
            @if !it.articles.is_empty() {
                table {
                    thead { tr {
                        th scope="col" { (speech.text("item")) }
                        th.number scope="col" { (speech.text("zone_present")) }
                    } }
                    tbody { @for it in it.articles.iter().take(ZONE_ARTICLES_MAX) { tr {
                        td { (it.name.as_deref().unwrap_or(&it.gtin)) }
                        td.number { (it.epcs) }
                    } } }
                }
                @if let Some(more) = it.articles.len().checked_sub(ZONE_ARTICLES_MAX + 1) {
                    p.quiet { (speech.language.fill("zone_more_articles", &[&(more + 1)])) }
                }
            }
            @if is_area && !counted {
                (step(speech, &session(&page.next, &summary.name), "begin", &html! {
                    input type="hidden" name="zone" value=(summary.name);
                    button.small { (speech.text("rfid_begin")) }
                }))
            }
        }
    }
}

fn seeing(speech: Speech, it: &ReaderStatus, now: Timestamp) -> Markup {
    let (class, sign, word) = match it.sees {
        true => ("good", "✓", "reader_sees"),
        false => ("warn", "!", "reader_blind"),
    };
    html! {
        span class=(class) { span aria-hidden="true" { (sign) " " } (speech.text(word)) }
        " · " (it.name)
        @if let Some(at) = it.last_read { span.quiet { " · " (moment(at, now)) } }
        @if !it.sees && !it.notice.is_empty() { div.quiet lang="en" { (it.notice) } }
    }
}

/// A name of this moment and zone that fits a count's session.
fn session(next: &str, zone: &str) -> String {
    let mut name = format!("{next}-");
    for it in zone.chars() {
        let it = if it.is_ascii_alphanumeric() { it } else { '-' };
        if name.len() < 40 {
            name.push(it);
        }
    }
    name
}

fn step(speech: Speech, session: &str, word: &str, fields: &Markup) -> Markup {
    let action = speech.link(&format!("/api/v1/rfid/counts/{session}"));
    html! {
        form method="post" action=(action) data-act {
            input type="hidden" name="do" value=(word);
            (fields)
        }
    }
}

fn count(speech: Speech, page: &Rfid, it: &CountStatus) -> Markup {
    let session = it.session.as_str();
    let walked = it.passes > 0;
    let doubtful = walked && it.articles.iter().any(|it| it.suspects > 0);
    html! {
        article.card data-count=(session) {
            h3 { (it.zone) " " span.quiet { (session) } }
            p role="status" {
                strong { (speech.language.fill("rfid_progress", &[&it.read, &it.expected])) }
                " · " (speech.language.fill("rfid_passes", &[&it.passes]))
            }
            p.quiet { (speech.text(if doubtful { "rfid_walk_again" } else { "rfid_walk" })) }
            div.row {
                (step(speech, session, "pass", &html! { button { (speech.text("rfid_pass")) } }))
                (step(speech, session, "post", &html! {
                    button disabled[!walked] { (speech.text("rfid_post")) }
                }))
            }
            (articles(speech, page, it))
            (missing(speech, it))
            @if !it.unexpected.is_empty() {
                h4 { (speech.language.fill("rfid_unexpected", &[&it.unexpected.len()])) }
                ul.plain { @for epc in it.unexpected.iter().take(THINGS_MAX) {
                    li { span.code { (epc) } }
                } }
            }
            @if it.not_gs1 > 0 {
                p.quiet { (speech.text("zone_not_gs1")) ": " (it.not_gs1) }
            }
        }
    }
}

fn articles(speech: Speech, page: &Rfid, count: &CountStatus) -> Markup {
    html! {
        @if !count.articles.is_empty() {
            table {
                thead { tr {
                    th scope="col" { (speech.text("item")) }
                    th.number scope="col" { (speech.text("rfid_expected")) }
                    th.number scope="col" { (speech.text("rfid_read")) }
                    th.number scope="col" { (speech.text("rfid_doubtful")) }
                } }
                tbody { @for it in &count.articles { tr {
                    td { (page.names.get(&it.gtin).unwrap_or(&it.gtin)) }
                    td.number { (it.expected) }
                    td.number { (it.read) }
                    td.number {
                        // Before the first walk nothing was missed by anybody.
                        @if it.suspects > 0 && count.passes > 0 { strong { (it.suspects) } }
                        @else { "–" }
                    }
                } } }
            }
        }
    }
}

/// Things that nobody has seen, each with what a person who looked can say.
fn missing(speech: Speech, count: &CountStatus) -> Markup {
    if count.missing.is_empty() || count.passes == 0 {
        return html! {};
    }
    html! {
        h4 { (speech.language.fill("rfid_missing", &[&count.missing.len()])) }
        ul.plain { @for it in count.missing.iter().take(THINGS_MAX) {
            li.row {
                span.code { (it.epc) }
                @if it.confirmed { span.quiet { (speech.text("rfid_confirmed")) } }
                @else {
                    (step(speech, count.session.as_str(), "missing", &html! {
                        input type="hidden" name="epc" value=(it.epc);
                        button.small aria-label=(speech.language.fill("rfid_confirm_it", &[&it.epc]))
                            { (speech.text("rfid_confirm")) }
                    }))
                }
            }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_called_by_its_moment_and_zone() {
        for (zone, name) in [
            ("floor", "2026-11-22-1430-floor"),
            ("sales floor/2", "2026-11-22-1430-sales-floor-2"),
            (
                "a zone of a very long name indeed",
                "2026-11-22-1430-a-zone-of-a-very-long-na",
            ),
        ] {
            let made = session("2026-11-22-1430", zone);
            assert_eq!(made, name);
            assert!(shelf_stock::name::SessionId::new(&made).is_ok());
        }
    }

    #[test]
    fn what_needs_somebody_stands_first() {
        let article = |gtin: &str, (expected, read, suspects)| CountArticle {
            gtin: gtin.into(),
            expected,
            read,
            suspects,
        };
        let listed = listed(vec![
            article("fine", (2, 2, 0)),
            article("more", (1, 2, 0)),
            article("doubt", (2, 1, 1)),
        ]);
        let order: Vec<&str> = listed.iter().map(|it| it.gtin.as_str()).collect();
        assert_eq!(order, ["doubt", "more", "fine"]);
    }
}
