//! The payment terminal's part of the cashier's page: what it is doing, what it may be asked, its
//! last slip and its totals. No button here takes or gives money.

use maud::{Markup, html};

use super::speech::Speech;
use super::texts::Language;
use crate::daemon::terminal::{DayReport, TerminalStanding};

/// What the page offers to ask, with its text.
const ERRANDS: [(&str, &str); 4] = [
    ("status", "terminal_status"),
    ("repeat_receipt", "terminal_repeat"),
    ("totals", "terminal_totals"),
    ("end_of_day", "terminal_day_end"),
];

/// The section, if the till has a terminal.
pub(super) fn section(
    speech: Speech,
    till: &str,
    currency: &str,
    terminal: Option<&TerminalStanding>,
) -> Markup {
    let language = speech.language;
    let Some(terminal) = terminal else {
        return html! {};
    };
    html! {
        section.card aria-labelledby="terminal" {
            h2 #terminal { (language.text("terminal_here")) }
            p role="status" { (terminal.doing) }
            div.tools {
                @for (word, label) in ERRANDS {
                    form method="post" action=(speech.link(&format!("/till/{till}/act"))) data-act {
                        input type="hidden" name="do" value="terminal";
                        input type="hidden" name="errand" value=(word);
                        button.small disabled[terminal.busy] { (language.text(label)) }
                    }
                }
            }
            @if !terminal.slip.is_empty() {
                h3 { (language.text("terminal_slip")) }
                pre tabindex="0" { @for line in &terminal.slip { (line) "\n" } }
            }
            @if let Some(day) = &terminal.day { (totals(language, currency, day)) }
        }
    }
}

fn totals(language: Language, currency: &str, day: &DayReport) -> Markup {
    let title = match day.closed {
        true => "terminal_day_closed",
        false => "terminal_day_so_far",
    };
    html! {
        table.basket {
            caption { (language.text(title)) }
            tbody {
                @for row in &day.schemes {
                    tr {
                        th scope="row" { (row.scheme) }
                        td.number { (row.count) " ×" }
                        td.number { (row.total) " " (currency) }
                    }
                }
                @for (label, sum) in [("total", day.total), ("terminal_host_total", day.host_total)] {
                    @if let Some(sum) = sum {
                        tr {
                            th scope="row" colspan="2" { (language.text(label)) }
                            td.number { (sum) " " (currency) }
                        }
                    }
                }
            }
        }
    }
}
