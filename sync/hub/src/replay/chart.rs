//! The replay as a picture: what each way breaks against what it hides.
//!
//! One line per way, its parameter growing along it; nearer to the lower left corner is better on
//! both counts. An SVG that stands alone: no script, no font from elsewhere, words for those who
//! can't see it. The upper scale ends where everything is offered.

use std::fmt::Write;

use shelf_stock::demand::Ratio;

use crate::replay::policy::Withhold;
use crate::replay::report::Report;
use crate::replay::shop::Outcome;

const WIDTH: u64 = 900;
const HEIGHT: u64 = 560;
const LEFT: u64 = 80;
const RIGHT: u64 = 30;
const TOP: u64 = 70;
const BOTTOM: u64 = 70;
/// Family, colour, dash.
const LINES: [(&str, &str, &str); 4] = [
    ("fixed number", "#b35806", "6 4"),
    ("fixed percentage", "#7f3b9e", "2 4"),
    ("naive mean", "#4d4d4d", "10 4 2 4"),
    ("safety stock", "#006d5b", "none"),
];

/// The chart as SVG.
#[must_use]
pub fn svg(report: &Report) -> String {
    let outcomes = report.outcomes();
    let scale = Scale::of(outcomes);
    let mut out = String::new();
    let title = "Cancelled orders against stock hidden, for each way of withholding stock";
    // Writing to a String never fails.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"{title}\" font-family=\"sans-serif\" font-size=\"14\">\n\
         <title>{title}</title>\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"28\" font-size=\"17\" fill=\"#111111\">{title}</text>\n"
    );
    axes(&mut out, &scale);
    for (row, (family, colour, dash)) in (0_u64..).zip(LINES) {
        line(&mut out, outcomes, &scale, (family, colour, dash));
        let (x, y) = (WIDTH - RIGHT - 190, TOP + 16 + row * 22);
        let _ = write!(
            out,
            "<line x1=\"{x}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" stroke=\"{colour}\" \
             stroke-width=\"2.5\" stroke-dasharray=\"{dash}\"/>\n\
             <text x=\"{}\" y=\"{}\" fill=\"#111111\">{family}</text>\n",
            x + 40,
            x + 48,
            y + 5
        );
    }
    chosen(&mut out, outcomes, &scale, report.ratio());
    out.push_str("</svg>\n");
    out
}

/// Hidden share in per mille to the right, cancelled per 1,000 in hundredths upwards.
struct Scale {
    hidden_max: u64,
    cancelled_max: u64,
}

impl Scale {
    fn of(outcomes: &[Outcome]) -> Self {
        let most = outcomes
            .iter()
            .map(Outcome::cancelled_per_1000_hundredths)
            .max();
        Self {
            hidden_max: 1000,
            cancelled_max: (most.unwrap_or(0).div_ceil(500) * 500).max(100),
        }
    }

    fn place(&self, outcome: &Outcome) -> (u64, u64) {
        let hidden = outcome.hidden_per_mille().min(self.hidden_max);
        let cancelled = outcome
            .cancelled_per_1000_hundredths()
            .min(self.cancelled_max);
        let x = LEFT + hidden * (WIDTH - LEFT - RIGHT) / self.hidden_max;
        let below = cancelled * (HEIGHT - TOP - BOTTOM) / self.cancelled_max;
        (x, HEIGHT - BOTTOM - below)
    }
}

fn axes(out: &mut String, scale: &Scale) {
    let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    for step in 0..=5_u64 {
        let x = LEFT + step * (right - LEFT) / 5;
        let y = bottom - step * (bottom - TOP) / 5;
        let share = step * scale.hidden_max / 50;
        let cancelled = step * scale.cancelled_max / 5;
        let _ = write!(
            out,
            "<line x1=\"{LEFT}\" y1=\"{y}\" x2=\"{right}\" y2=\"{y}\" stroke=\"#dddddd\"/>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#333333\">{}.{}</text>\n\
             <text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" fill=\"#333333\">{share} %</text>\n",
            LEFT - 8,
            y + 5,
            cancelled / 100,
            cancelled / 10 % 10,
            bottom + 20
        );
    }
    let _ = write!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#111111\">share of the usable stock \
         hidden from online</text>\n\
         <text x=\"20\" y=\"{}\" text-anchor=\"middle\" fill=\"#111111\" \
         transform=\"rotate(-90 20 {})\">cancelled per 1,000 accepted orders</text>\n",
        (LEFT + right) / 2,
        bottom + 48,
        (TOP + bottom) / 2,
        (TOP + bottom) / 2
    );
}

fn line(out: &mut String, outcomes: &[Outcome], scale: &Scale, style: (&str, &str, &str)) {
    let (family, colour, dash) = style;
    let of_line = |it: &&Outcome| it.way == Withhold::Nothing || it.way.family() == family;
    let points: Vec<&Outcome> = outcomes.iter().filter(of_line).collect();
    let path: Vec<String> = points
        .iter()
        .map(|it| scale.place(it))
        .map(|(x, y)| format!("{x},{y}"))
        .collect();
    let _ = writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" \
         stroke-dasharray=\"{dash}\"/>",
        path.join(" ")
    );
    for outcome in points {
        let (x, y) = scale.place(outcome);
        let _ = writeln!(
            out,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"4\" fill=\"{colour}\"><title>{}: {}.{:02} per 1,000 \
             cancelled, {}.{} % hidden</title></circle>",
            outcome.words,
            outcome.cancelled_per_1000_hundredths() / 100,
            outcome.cancelled_per_1000_hundredths() % 100,
            outcome.hidden_per_mille() / 10,
            outcome.hidden_per_mille() % 10,
        );
    }
}

/// Where the costs put us.
fn chosen(out: &mut String, outcomes: &[Outcome], scale: &Scale, ratio: Ratio) {
    let ours = |it: &&Outcome| matches!(it.way, Withhold::Ours(at, _) if at == ratio);
    if let Some(outcome) = outcomes.iter().find(ours) {
        let (x, y) = scale.place(outcome);
        let _ = write!(
            out,
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"8\" fill=\"none\" stroke=\"#111111\" \
             stroke-width=\"2\"/>\n<text x=\"{}\" y=\"{}\" fill=\"#111111\">p*</text>\n",
            x.saturating_sub(28),
            y + 20
        );
    }
}
